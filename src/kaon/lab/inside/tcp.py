"""Ask a responder over TCP.

    tcp.py connect ADDRESS PORT TIMEOUT_S      one connection: prints {connected: bool, who, seen_as, error}
    tcp.py hold ADDRESS PORT INTERVAL_S        a long-lived flow: one line each interval, its echo awaited; prints "up" at the
                                               first echo, then for each echo its number, and at the end of standard input
                                               {"sent", "echoed", "error"}

An answer counts only when the responder's own greeting came: a connection accepted by something else on the way does not.
"""

import json
import select
import socket
import sys
import time

LONGEST_S = 600.0


def connect(address: str, port: int, timeout_s: float) -> None:
    """One connection and its greeting."""
    outcome = {"connected": False, "who": "", "seen_as": "", "error": ""}
    try:
        with socket.create_connection((address, port), timeout=timeout_s) as line:
            who, comma, seen_as = line.makefile().readline().strip().removeprefix("I am ").partition(", you are ")
        outcome |= {"connected": bool(comma), "who": who, "seen_as": seen_as}
    except OSError as error:
        outcome["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(outcome), flush=True)  # noqa: T201  # the outcome its starter reads


def hold(address: str, port: int, interval_s: float) -> None:
    """A flow until told to stop. Nothing is sent while an echo is awaited: silence is the path's, not ours."""
    sent = echoed = 0
    problem = ""
    until = time.monotonic() + LONGEST_S
    try:
        with socket.create_connection((address, port), timeout=10) as line:
            line.makefile().readline()
            due = time.monotonic()
            while time.monotonic() < until:
                ready, _, _ = select.select(
                    [line, sys.stdin], [], [], max(0.0, due - time.monotonic()) if sent == echoed else 1.0
                )
                if sys.stdin in ready:
                    break
                if line in ready:
                    if not line.recv(4096):
                        problem = "closed by the other side"
                        break
                    echoed += 1
                    print("up" if echoed == 1 else echoed, flush=True)  # noqa: T201  # progress its starter reads
                if sent == echoed and time.monotonic() >= due:
                    line.sendall(b"%08d\n" % sent)
                    sent += 1
                    due = time.monotonic() + interval_s
    except OSError as error:
        problem = f"{type(error).__name__}: {error}"
    print(json.dumps({"sent": sent, "echoed": echoed, "error": problem}), flush=True)  # noqa: T201  # the outcome


if __name__ == "__main__":
    what, where, number, seconds = sys.argv[1:5]
    (connect if what == "connect" else hold)(where, int(number), float(seconds))

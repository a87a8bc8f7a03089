"""Raw Ethernet frames out of and into an interface.

    frames.py send INTERFACE COUNT INTERVAL_S HEX...   each frame COUNT times
    frames.py count INTERFACE HEX                      prints "ready", and at the end of standard input how many held the bytes

Source: packet(7). Counting sees frames in both directions, also inside tunnels, since their content is in the clear.
"""

import json
import select
import socket
import sys
import time

LONGEST_S = 600.0
ETH_P_ALL = 3


def send(interface: str, count: int, interval_s: float, frames: list[bytes]) -> None:
    """Send all frames, COUNT rounds."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as line:
        line.bind((interface, 0))
        for _ in range(count):
            for frame in frames:
                line.send(frame)
            time.sleep(interval_s)
    print(json.dumps({"sent": count * len(frames)}), flush=True)  # noqa: T201  # the outcome its starter reads


def count(interface: str, pattern: bytes) -> None:
    """Count frames that hold the pattern."""
    seen = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as line:
        line.bind((interface, ETH_P_ALL))
        line.setblocking(False)  # noqa: FBT003  # its only, and obvious, parameter
        print("ready", flush=True)  # noqa: T201  # the word its starter waits for
        until = time.monotonic() + LONGEST_S
        stopping = False
        while time.monotonic() < until:
            ready, _, _ = select.select([line, *([] if stopping else [sys.stdin])], [], [], 0.2 if stopping else 1.0)
            if line in ready:
                seen += pattern in line.recv(65536)
            elif stopping:  # told to stop, and all that had come is read
                break
            if sys.stdin in ready:
                stopping = True
    print(json.dumps({"seen": seen}), flush=True)  # noqa: T201  # the outcome its starter reads


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), [bytes.fromhex(text) for text in sys.argv[5:]])
    else:
        count(sys.argv[2], bytes.fromhex(sys.argv[3]))

"""Send echo requests at a fixed interval and say exactly which were not answered.

    ping.py ADDRESS INTERVAL_S DURATION_S WAIT_S

Ends after DURATION_S or at the end of standard input; waits at most WAIT_S more for stragglers. Prints "up" at the first
answer, at the end one JSON object {sent, received, duplicates, refused, lost: [numbers], rtt_max_ms, rtt_median_ms}.
Source: RFC 792, RFC 4443; echo request: type, code, checksum, identifier, sequence (16 bits each but the first two of 8).
"""

import json
import os
import select
import socket
import statistics
import struct
import sys
import time

ECHO = struct.Struct("!BBHHH")
PAYLOAD = b"kaon-lab-ping-" + b"." * 42
LONGEST_S = 600.0


def checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Pinger:
    """One run against one address, IPv4 or IPv6."""

    def __init__(self, address: str) -> None:
        self.six = ":" in address
        self.address = address
        family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if self.six else (socket.AF_INET, socket.IPPROTO_ICMP)
        self.socket = socket.socket(family, socket.SOCK_RAW, protocol)
        self.socket.setblocking(False)  # noqa: FBT003  # its only, and obvious, parameter
        self.identifier = os.getpid() & 0xFFFF or 1
        self.sent: dict[int, float] = {}
        self.answered: dict[int, float] = {}
        self.duplicates = 0
        self.refused = 0

    def send(self, number: int) -> None:
        """Send one request; a refusal by our own kernel (no route, no buffer) counts as sent and lost."""
        kind = 128 if self.six else 8
        body = ECHO.pack(kind, 0, 0, self.identifier, number & 0xFFFF) + PAYLOAD
        if not self.six:  # the kernel fills in the checksum of ICMPv6 (RFC 3542)
            body = ECHO.pack(kind, 0, checksum(body), self.identifier, number & 0xFFFF) + PAYLOAD
        self.sent[number] = time.monotonic()
        try:
            self.socket.sendto(body, (self.address, 0))
        except OSError:
            self.refused += 1

    def receive(self) -> None:
        """Take all answers that wait."""
        while True:
            try:
                raw = self.socket.recv(2048)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error reported on the socket: the answer is missing, which is what counts
                continue
            now = time.monotonic()
            body = raw if self.six else raw[(raw[0] & 0x0F) * 4 :]
            if len(body) < ECHO.size:
                continue
            kind, _code, _sum, identifier, low = ECHO.unpack_from(body)
            if kind != (129 if self.six else 0) or identifier != self.identifier:
                continue
            number = self._number(low)
            if number is None:
                continue
            if number in self.answered:
                self.duplicates += 1
            else:
                if not self.answered:
                    print("up", flush=True)  # noqa: T201  # the word its starter waits for
                self.answered[number] = now - self.sent[number]

    def _number(self, low: int) -> int | None:
        """The newest request whose 16 low bits are these."""
        newest = len(self.sent) - 1
        number = newest - ((newest - low) & 0xFFFF)
        return number if number in self.sent else None

    def report(self) -> str:
        """The outcome, as JSON."""
        times = list(self.answered.values())
        return json.dumps(
            {
                "sent": len(self.sent),
                "received": len(self.answered),
                "duplicates": self.duplicates,
                "refused": self.refused,
                "lost": sorted(set(self.sent) - set(self.answered)),
                "rtt_max_ms": round(max(times, default=0.0) * 1000, 3),
                "rtt_median_ms": round(statistics.median(times) * 1000, 3) if times else 0.0,
            }
        )


def main() -> None:
    """Run as the arguments say."""
    address, interval_s, duration_s, wait_s = sys.argv[1], *(float(text) for text in sys.argv[2:5])
    pinger = Pinger(address)
    begun = time.monotonic()
    until = begun + min(duration_s, LONGEST_S)
    number = 0
    while time.monotonic() < until:
        due = begun + number * interval_s  # from the beginning, so that a late wake-up makes no drift
        if time.monotonic() >= due:
            pinger.send(number)
            number += 1
            continue
        watched = [pinger.socket, sys.stdin]
        ready, _, _ = select.select(watched, [], [], max(0.0, min(due, until) - time.monotonic()))
        if pinger.socket in ready:
            pinger.receive()
        if sys.stdin in ready:
            break
    deadline = time.monotonic() + wait_s
    while len(pinger.answered) < len(pinger.sent) and (left := deadline - time.monotonic()) > 0:
        if select.select([pinger.socket], [], [], left)[0]:
            pinger.receive()
    print(pinger.report(), flush=True)  # noqa: T201  # the outcome its starter reads


if __name__ == "__main__":
    main()

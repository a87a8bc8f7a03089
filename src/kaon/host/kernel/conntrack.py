"""The door to connection tracking: list the flows of a namespace, and end some (linux/netfilter/nfnetlink_conntrack.h)."""

import errno
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from kaon.host.kernel.netlink_socket import attribute, attributes
from kaon.host.kernel.nfnetlink import Nfnetlink
from kaon.host.state.flows import CONDEMNED, Flow, Verdict

_CHANGE, _GET, _DELETE = 1 << 8, (1 << 8) | 1, (1 << 8) | 2
_ORIGINAL, _REPLY, _STATUS, _MARK, _ID, _ZONE = 1, 2, 3, 8, 12, 18
_IP, _PROTOCOL = 1, 2
_EXPECTED = 0x1
_NESTED = 0x8000
_REQUESTS = {
    Verdict.FORGET: (_DELETE, b""),
    Verdict.CONDEMN: (_CHANGE, attribute(_MARK, CONDEMNED.to_bytes(4, "big"))),
    Verdict.RELEASE: (_CHANGE, attribute(_MARK, bytes(4))),
}
"""What is asked for each verdict, and the attributes that go with it."""


class FlowDoor(Protocol):
    """Tracked flows of one host, by namespace ("": the host's own)."""

    def flows(self, namespace: str) -> list[Flow]:
        """List them. Errors: OSError, NamespaceGoneError."""
        ...

    def carry_out(self, namespace: str, verdicts: Iterable[tuple[Flow, Verdict]]) -> None:
        """Do to each flow what was said; one that is gone already is no error. Errors: OSError, NamespaceGoneError."""
        ...


class Conntrack:
    """The kernel's own."""

    def __init__(self, netns_dir: Path = Path("/run/netns")) -> None:
        """Look for named namespaces in a directory."""
        self._netns_dir = netns_dir

    def _path(self, namespace: str) -> Path | None:
        return self._netns_dir / namespace if namespace else None

    def flows(self, namespace: str) -> list[Flow]:
        """List the flows of both families."""
        with Nfnetlink(self._path(namespace)) as netlink:
            return [parse_flow(body) for body in netlink.dump(_GET, socket.AF_UNSPEC)]

    def carry_out(self, namespace: str, verdicts: Iterable[tuple[Flow, Verdict]]) -> None:
        """Delete or mark entries, by what the kernel knows them by: tuple, zone and id."""
        requests = []
        for flow, verdict in verdicts:
            if verdict is not Verdict.KEEP:
                kind, mark = _REQUESTS[verdict]
                requests.append((kind, socket.AF_INET6 if ":" in flow.source else socket.AF_INET, flow.token + mark))
        if not requests:
            return
        with Nfnetlink(self._path(namespace)) as netlink:
            for answer in netlink.ask(requests):
                if answer.number not in {0, errno.ENOENT}:
                    raise OSError(answer.number, str(answer))


def parse_flow(body: bytes) -> Flow:
    """Read one entry of a dump."""
    found = attributes(body)
    original, reply = _tuple(found[_ORIGINAL]), _tuple(found[_REPLY])
    token = attribute(_ORIGINAL | _NESTED, found[_ORIGINAL])
    token += b"".join(attribute(kind, found[kind]) for kind in (_ZONE, _ID) if kind in found)
    return Flow(
        zone=_number(found.get(_ZONE)) or 0,
        protocol=_number(original.get("protocol")) or 0,
        source=_address(original["source"]),
        destination=_address(original["destination"]),
        reply_source=_address(reply["source"]),
        reply_destination=_address(reply["destination"]),
        source_port=_number(original.get("source_port")) or 0,
        destination_port=_number(original.get("destination_port")) or 0,
        icmp_type=_number(original.get("icmp_type")),
        icmp_code=_number(original.get("icmp_code")),
        expected=bool((_number(found.get(_STATUS)) or 0) & _EXPECTED),
        condemned=_number(found.get(_MARK)) == CONDEMNED,
        token=token,
    )


def _number(payload: bytes | None) -> int | None:
    return None if payload is None else int.from_bytes(payload, "big")


def _address(payload: bytes) -> str:
    return str(ip_address(payload))


_WORDS = {
    (_IP, 1): "source",
    (_IP, 2): "destination",
    (_IP, 3): "source",
    (_IP, 4): "destination",
    (_PROTOCOL, 1): "protocol",
    (_PROTOCOL, 2): "source_port",
    (_PROTOCOL, 3): "destination_port",
    (_PROTOCOL, 5): "icmp_type",
    (_PROTOCOL, 6): "icmp_code",
    (_PROTOCOL, 8): "icmp_type",
    (_PROTOCOL, 9): "icmp_code",
}
"""Attributes of a tuple: (nest, attribute). The two families have numbers of their own for one meaning."""


def _tuple(payload: bytes) -> dict[str, bytes]:
    """Read one direction of an entry."""
    return {
        _WORDS[kind, inner]: value
        for kind, nest in attributes(payload).items()
        for inner, value in attributes(nest).items()
        if (kind, inner) in _WORDS
    }

"""Tracked flows, who may have them, and which are to end. Pure.

The kernel accepts a tracked flow without asking the rules again, so whoever takes a rule, an address or a member away
must also end the flows that stood on it. Rules as text cannot be asked what they allowed; grants can.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

CONDEMNED = 0x6B61_6F6E
"""The mark of a tracked flow that may go on in neither direction ("kaon" in ASCII); see `Verdict.CONDEMN`."""


class Verdict(Enum):
    """What becomes of a tracked flow.

    FORGET   the entry is deleted: the next packet, from whichever side, is judged as the first of a new flow
    CONDEMN  the entry stays and is marked, and the filters drop what belongs to it. For TCP: after a deletion a packet
             from the side that answered would be taken for the first of a new flow that this side may begin, and a
             revoked download would go on
    RELEASE  the mark is taken away: the flow is allowed again
    """

    KEEP = "keep"
    FORGET = "forget"
    CONDEMN = "condemn"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Flow:
    """One entry of connection tracking; the four addresses are canonical text of either family.

    zone               0 where nobody chose one
    source, destination                 of the first packet
    reply_source, reply_destination     of the answers: they differ from the above where addresses are translated
    source_port, destination_port       0 where the protocol has none
    icmp_type, icmp_code                of the first packet; None for other protocols
    expected           it belongs to another flow (a helper's data connection) and stands or falls with it
    condemned          it carries the mark `CONDEMNED`
    token              what the kernel knows it by; opaque
    """

    zone: int
    protocol: int
    source: str
    destination: str
    reply_source: str
    reply_destination: str
    source_port: int = 0
    destination_port: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None
    expected: bool = False
    condemned: bool = False
    token: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one rule of a security group allows.

    direction    ingress or egress, as the port sees it
    family       4 or 6
    protocol     IANA number; None: any
    first, last  destination ports, both included; for ICMP the type and the code; None: any
    remote       a prefix, or the name of a set in `inet kaon`; None: anyone
    """

    direction: str
    family: int
    protocol: int | None = None
    first: int | None = None
    last: int | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """What a port of this host is asked before a flow may be its own.

    addresses  its own, link-local ones included
    prefixes   further ones that it may use (allowed address pairs), as prefixes
    groups     whose grants hold for it; None: unfiltered, everything is allowed
    settled    False: some of its groups are not known yet, so no flow is ended on its word
    """

    zone: int
    addresses: frozenset[str]
    prefixes: frozenset[str] = frozenset()
    groups: frozenset[str] | None = frozenset()
    settled: bool = True


@dataclass(frozen=True, slots=True)
class FlowPolicy:
    """Who may have which flows on this host: port id -> guard, group id -> grants."""

    guards: Mapping[str, Guard] = field(default_factory=dict)
    grants: Mapping[str, frozenset[Grant]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndFlows:
    """Flows to end.

    zone       None: any
    addresses  flows with one of these at an end; None: all
    judged     True: only those that no port at their ends allows; False: every one
    """

    namespace: str
    zone: int | None = None
    addresses: frozenset[str] | None = None
    judged: bool = False

"""Addresses on our interfaces."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address with its prefix length on an interface in one of our namespaces; canonical text of either family.

    announced  peers are told when it is added (gratuitous ARP, unsolicited neighbour advertisement)
    """

    namespace: str
    device: str
    cidr: str
    announced: bool = field(default=False, compare=False)
    owner: str = field(default="", compare=False)

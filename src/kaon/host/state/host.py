"""The whole host as one value: all slices together. Pure."""

from dataclasses import dataclass, field

from kaon.host.state.advertisements import AdvertisementState
from kaon.host.state.dhcp import DhcpState
from kaon.host.state.filters import FilterState
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.qos import ObservedQos, QosState


@dataclass(frozen=True, slots=True)
class HostState:
    """What a host shall have of ours."""

    links: LinkState = field(default_factory=LinkState)
    filters: FilterState = field(default_factory=FilterState)
    dhcp: DhcpState = field(default_factory=DhcpState)
    qos: QosState = field(default_factory=QosState)
    advertisements: AdvertisementState = field(default_factory=AdvertisementState)


@dataclass(frozen=True, slots=True)
class ObservedHost:
    """What a host has: ours, and the names that others hold."""

    links: Observed = field(default_factory=Observed)
    filters: FilterState = field(default_factory=FilterState)
    dhcp: DhcpState = field(default_factory=DhcpState)
    qos: ObservedQos = field(default_factory=ObservedQos)
    advertisements: AdvertisementState = field(default_factory=AdvertisementState)

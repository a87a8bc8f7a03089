"""What is desired under names that others hold: left out, with all that stands in it, and said. Pure."""

from dataclasses import dataclass, replace

from kaon.host.state.links import Link, Tap, Uplink, VethPair
from kaon.host.state.names import HOST
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.trouble import Trouble


def without_taken(desired: LinkState, observed: Observed) -> tuple[LinkState, tuple[Trouble, ...]]:
    """Leave out of `desired` what cannot be made without touching what others made."""
    taken_spaces = {space.name: space for space in desired.namespaces if space.name in observed.foreign_namespaces}
    troubles = [Trouble(space.owner, f"namespace {name} is not ours", transient=False) for name, space in taken_spaces.items()]
    blocked: dict[str, Link] = {}
    ordered = sorted(desired.links, key=lambda link: (getattr(link, "bridge", None) is not None, link.name))
    for link in ordered:  # bridges first: what is to be on one that is blocked is blocked, too
        reason = _reason(link, observed, frozenset(taken_spaces), frozenset(blocked))
        if reason is not None:
            blocked[link.name] = link
            troubles.append(Trouble(link.owner, reason.text, transient=reason.transient))
    if not blocked and not taken_spaces:
        return desired, ()
    return _without(desired, frozenset(taken_spaces), blocked), tuple(sorted(troubles, key=lambda trouble: trouble.owner))


@dataclass(frozen=True, slots=True)
class _Reason:
    text: str
    transient: bool = False


def _reason(link: Link, observed: Observed, taken_spaces: frozenset[str], blocked: frozenset[str]) -> _Reason | None:
    bridge = getattr(link, "bridge", None)
    if bridge in blocked:
        return _Reason(f"bridge {bridge} cannot be made")
    if isinstance(link, Tap | Uplink):
        return _reason_to_leave(link, observed)
    if (HOST, link.name) in observed.foreign_devices:
        return _Reason(f"device {link.name} is not ours")
    if isinstance(link, VethPair):
        if link.namespace in taken_spaces:
            return _Reason(f"namespace {link.namespace} is not ours")
        if (link.namespace, link.peer) in observed.foreign_devices:
            return _Reason(f"device {link.peer} in {link.namespace} is not ours")
    return None


def _reason_to_leave(link: Tap | Uplink, observed: Observed) -> _Reason | None:
    holder = observed.held.get(link.name)
    if holder is not None:
        return _Reason(f"device {link.name} is on {holder}, which is not ours")
    if (HOST, link.name) not in observed.foreign_devices:
        # Gone since it was last seen, or still one of our own pairs: the next look tells.
        return _Reason(f"device {link.name} is not plugged", transient=True)
    return None


def _without(desired: LinkState, spaces: frozenset[str], blocked: dict[str, Link]) -> LinkState:
    ends = {(HOST, name) for name in blocked}
    ends |= {(link.namespace, link.peer) for link in blocked.values() if isinstance(link, VethPair)}

    def stays(space: str, *devices: str) -> bool:
        return space not in spaces and not any((space, device) in ends for device in devices)

    return replace(
        desired,
        namespaces=frozenset(space for space in desired.namespaces if space.name not in spaces),
        links=frozenset(link for link in desired.links if link.name not in blocked),
        addresses=frozenset(address for address in desired.addresses if stays(address.namespace, address.device)),
        routes=frozenset(route for route in desired.routes if stays(route.namespace, *(hop.device for hop in route.hops))),
        neighbours=frozenset(entry for entry in desired.neighbours if stays(HOST, entry.device)),
        forwarding=frozenset(entry for entry in desired.forwarding if stays(HOST, entry.device)),
        sysctls=frozenset(switch for switch in desired.sysctls if stays(switch.namespace, *switch.key.split("/"))),
    )

"""Which radvd to stop, start or tell of a new configuration, and what hosts are told to forget. Pure."""

from dataclasses import dataclass

from kaon.host.state.advertisements import AdvertisementState, Advertiser, AdvertisingLeg
from kaon.host.state.names import router_namespace


@dataclass(frozen=True, slots=True)
class Farewell:
    """One advertisement that takes back what was advertised on a leg: prefixes to form addresses in, name servers, domains.

    router           the leg itself goes: it is nobody's default router any more
    managed, other   the leg's flags, which every advertisement has
    """

    device: str
    router: bool
    managed: bool = False
    other: bool = False
    prefixes: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StopAdvertiser:
    """End our process of this router, remove its files, and take back what it has said.

    farewells  None: the router lives on elsewhere; not a word
    """

    router_id: str
    namespace: str
    farewells: tuple[Farewell, ...] | None
    owner: str


@dataclass(frozen=True, slots=True)
class StartAdvertiser:
    """Run it; an earlier process of ours is ended first, without a word.

    reason  why a running one is not left alone, or why there is none
    """

    advertiser: Advertiser
    farewells: tuple[Farewell, ...]
    reason: str

    @property
    def owner(self) -> str:
        """Who is told when it fails."""
        return self.advertiser.owner


@dataclass(frozen=True, slots=True)
class ReloadAdvertiser:
    """Take back what is advertised no more, rewrite the configuration and make the process read it. It keeps running."""

    advertiser: Advertiser
    farewells: tuple[Farewell, ...]

    @property
    def owner(self) -> str:
        """Who is told when it fails."""
        return self.advertiser.owner


AdvertisementStep = StopAdvertiser | StartAdvertiser | ReloadAdvertiser


@dataclass(frozen=True, slots=True)
class AdvertisementPlan:
    """Steps in order."""

    steps: tuple[AdvertisementStep, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.steps)


def plan_advertisements(desired: AdvertisementState, actual: AdvertisementState) -> AdvertisementPlan:
    """Say what makes `actual` become `desired`.

    Law   planning again after applying is empty; a process that is as desired is not touched.
    Why   stops go first: a namespace that is about to go must not be held by a process.
    """
    stops: list[AdvertisementStep] = []
    others: list[AdvertisementStep] = []
    for router_id in sorted(desired.advertisers.keys() | actual.advertisers.keys()):
        wanted, found = desired.advertisers.get(router_id), actual.advertisers.get(router_id)
        if wanted is not None:
            if (step := _step(wanted, found)) is not None:
                others.append(step)
        elif found is not None:
            farewells = farewells_of(found.written, ()) if router_id in desired.hosted else None
            stops.append(StopAdvertiser(router_id, router_namespace(router_id), farewells, f"router/{router_id}"))
    return AdvertisementPlan((*stops, *others))


def _step(wanted: Advertiser, found: Advertiser | None) -> AdvertisementStep | None:
    if found is None:
        return StartAdvertiser(wanted, (), "it is not there")
    farewells = farewells_of(found.written, wanted.legs)
    if not found.alive:
        return StartAdvertiser(wanted, farewells, "its process has gone")
    if wanted.namespace != found.namespace:
        return StartAdvertiser(wanted, farewells, "its namespace is another")
    return ReloadAdvertiser(wanted, farewells) if wanted.legs != found.legs else None


def farewells_of(before: tuple[AdvertisingLeg, ...], after: tuple[AdvertisingLeg, ...]) -> tuple[Farewell, ...]:
    """Say what was advertised and is no more. Hosts would believe in it for as long as its lifetimes say, up to a day."""
    stay = {leg.device: leg for leg in after}
    farewells = []
    for leg in before:
        now = stay.get(leg.device)
        there = now or AdvertisingLeg(leg.device, leg.mtu)
        autonomous = {prefix.prefix for prefix in there.prefixes if prefix.autonomous}
        farewell = Farewell(
            device=leg.device,
            router=now is None,
            managed=there.managed,
            other=there.other,
            prefixes=tuple(one.prefix for one in leg.prefixes if one.autonomous and one.prefix not in autonomous),
            dns_servers=tuple(server for server in leg.dns_servers if server not in there.dns_servers),
            domains=tuple(domain for domain in leg.domains if domain not in there.domains),
        )
        if farewell.router or farewell.prefixes or farewell.dns_servers or farewell.domains:
            farewells.append(farewell)
    return tuple(farewells)

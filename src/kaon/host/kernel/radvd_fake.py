"""A host's router advertisements without a host: the same door, with the real one's teeth."""

from collections.abc import Callable
from dataclasses import replace

from kaon.host.plan.advertisements import AdvertisementPlan, AdvertisementStep, Farewell, StartAdvertiser, StopAdvertiser
from kaon.host.state.advertisements import AdvertisementState, Advertiser
from kaon.host.state.trouble import Trouble


class FakeRadvd:
    """Processes as values.

    namespace_exists  asked before a start, as the real one needs the namespace
    refuse            routers whose steps fail, with the reason
    starts, reloads   how often each router's process was started or told to reload
    farewells         what was taken back, router by router, in order
    """

    def __init__(self, namespace_exists: Callable[[str], bool] = lambda _: True) -> None:
        self.advertisers: dict[str, Advertiser] = {}
        self.refuse: dict[str, str] = {}
        self.starts: dict[str, int] = {}
        self.reloads: dict[str, int] = {}
        self.farewells: list[tuple[str, Farewell]] = []
        self._namespace_exists = namespace_exists
        self._dead: set[str] = set()

    def observe(self) -> AdvertisementState:
        """Say which processes there are."""
        return AdvertisementState(dict(self.advertisers))

    def lost(self) -> frozenset[str]:
        """Name the routers whose process was killed since the last call."""
        dead, self._dead = frozenset(self._dead), set()
        return dead

    def apply(self, plan: AdvertisementPlan) -> list[Trouble]:
        """Do the steps in order."""
        return [trouble for step in plan.steps if (trouble := self._apply_step(step)) is not None]

    def kill(self, router_id: str) -> None:
        """End a process from outside; its files remain."""
        self.advertisers[router_id] = replace(self.advertisers[router_id], namespace="", legs=(), alive=False)
        self._dead.add(router_id)

    def _apply_step(self, step: AdvertisementStep) -> Trouble | None:
        router_id = step.router_id if isinstance(step, StopAdvertiser) else step.advertiser.router_id
        if router_id in self.refuse:
            return Trouble(step.owner, self.refuse[router_id])
        if isinstance(step, StopAdvertiser):
            self.advertisers.pop(router_id, None)
        else:
            if isinstance(step, StartAdvertiser) and not self._namespace_exists(step.advertiser.namespace):
                return Trouble(step.owner, f"radvd: namespace {step.advertiser.namespace} is not there yet")
            self.advertisers[router_id] = replace(step.advertiser, alive=True, written=step.advertiser.legs)
            counted = self.starts if isinstance(step, StartAdvertiser) else self.reloads
            counted[router_id] = counted.get(router_id, 0) + 1
        self.farewells += [(router_id, farewell) for farewell in step.farewells or ()]
        return None

"""Packet filters: the nft tables named `kaon`, as data. Pure.

How an agent knows its own: by the table's name. What stands in a table named `kaon` is ours, and no other table is read
for repair nor written. Desired and actual are one type; actual alone can be in doubt, which `rules=None` and
`known=False` say. Whatever is in doubt differs from whatever is desired, so it is written again.

Rules are text as nft reads it. nft prints rules otherwise than it reads them, so texts are compared with what was
written, and the door vouches (`kernel/nftables.py`) that the kernel still has what was written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kaon.host.state.flows import EndFlows, FlowPolicy

TABLE = "kaon"
"""The name of every table of ours, in whichever family and namespace."""

SPOOF_MAP = "spoof"
PORT_MAP = "port"
ZONE_MAP = "zone"
"""Collections that numbers and devices are read back from; see `compile/security_groups.py` for what they do."""

TOGETHER = "together"
"""The set of the ways through a router, in by one device and out by another, that stay in one address scope."""

HELPER = "ct helper"
"""The kind of a collection that is none: a helper of connection tracking, by name; it has no elements."""

TableKey = tuple[str, str]
"""(namespace, family)."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a base chain is called from. Its policy is always accept: what is dropped is dropped by a rule."""

    kind: str
    point: str
    priority: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order.

    rules   nft text, one rule each; None (actual only): not as we left it
    owners  who is hurt when it cannot be written
    """

    rules: tuple[str, ...] | None
    hook: Hook | None = None
    owners: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set or map, or another thing with a name that rules refer to.

    kind         set, map or HELPER
    declaration  nft text between the braces, without elements
    elements     nft text, one element each, canonical (see `element`): `10.0.0.1`, `"tap1" : 5`, `5 : goto out_1`
    """

    kind: str
    declaration: str
    elements: frozenset[str] = frozenset()
    owners: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Table:
    """One table named `kaon`.

    known  False (actual only): its chains cannot be judged, so it must be replaced as a whole; its elements are true
    """

    chains: Mapping[str, Chain] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)
    known: bool = True


@dataclass(frozen=True, slots=True)
class FilterState:
    """All tables of ours on a host, and who may have flows.

    namespaces  actual only: those that exist and were looked at. What is desired elsewhere has to wait
    policy      None (actual only): what the ports were allowed is not known any more
    pending     actual only: flows that were to be ended when the last agent stopped
    condemned   actual only: zones of the host that have condemned flows, to be looked at when more is allowed
    """

    tables: Mapping[TableKey, Table] = field(default_factory=dict)
    policy: FlowPolicy | None = field(default_factory=FlowPolicy)
    namespaces: frozenset[str] = field(default=frozenset(), compare=False)
    pending: frozenset[EndFlows] = field(default=frozenset(), compare=False)
    condemned: frozenset[int] = field(default=frozenset(), compare=False)

    def elements(self, namespace: str, family: str, collection: str) -> frozenset[str]:
        """Give the elements of a set or map; empty when there is none."""
        table = self.tables.get((namespace, family))
        found = table.collections.get(collection) if table else None
        return found.elements if found else frozenset()


def element(key: str, value: str) -> str:
    """Write an element of a map as `Collection` has it."""
    return f"{key} : {value}"


def split_element(text: str) -> tuple[str, str]:
    """Read an element of a map: key and value. A set's element has an empty value. Separated by ` : ` (spaces matter: IPv6)."""
    key, _, value = text.partition(" : ")
    return key, value


def quoted(name: str) -> str:
    """Write a device name as an element's key."""
    return f'"{name}"'


def merge(states: Iterable[FilterState]) -> FilterState:
    """Put the parts of a desired state together; their tables and ports are disjoint."""
    tables: dict[TableKey, Table] = {}
    policy = FlowPolicy()
    for state in states:
        tables.update(state.tables)
        if state.policy:
            policy = FlowPolicy({**policy.guards, **state.policy.guards}, {**policy.grants, **state.policy.grants})
    return FilterState(tables=tables, policy=policy)

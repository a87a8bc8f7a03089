"""How the tables of a host become what they shall be: one transaction of nft for each namespace. Pure.

Law   after applying, planning again is empty; a transaction names no table but those called `kaon`.
Why   a transaction is atomic: no packet sees half of it. Only what differs is written, since nft pays by the line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kaon.host.plan.flows import plan_endings
from kaon.host.state.filters import TABLE, Chain, Collection, FilterState, Table, split_element
from kaon.host.state.flows import EndFlows
from kaon.host.state.trouble import Trouble

_LETTING_THROUGH = (" accept", " return")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one namespace is told.

    text    for nft, in the order that its references demand
    owners  who is hurt when it fails
    tables  family -> what stands there afterwards; None: nothing
    """

    namespace: str
    text: str
    owners: tuple[str, ...] = ()
    tables: Mapping[str, Table | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilterPlan:
    """Transactions, then the flows that end.

    desired  what the flows are judged by, and what is remembered as allowed
    policy_changed  True: there may be nothing to write, but what is allowed has to be remembered anew
    """

    transactions: tuple[Transaction, ...] = ()
    endings: tuple[EndFlows, ...] = ()
    desired: FilterState = field(default_factory=FilterState)
    policy_changed: bool = False

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.transactions or self.endings or self.policy_changed)


def blame(transaction: Transaction, line: int | None, reason: str) -> tuple[Trouble, ...]:
    """Say who is hurt by a refused transaction.

    line  of its text, from 0, that nft points at; None when it does not
    Where that is a rule which lets something through, of a chain with owners, or a helper, only they are: the rest can be
    written without it, see `without_rules`.
    """
    lines = transaction.text.splitlines()
    words = lines[line].split(" ", 5) if line is not None and line < len(lines) else []
    owners: tuple[str, ...] = ()
    match words:
        case ["add", "rule", family, name, chain, rule] if name == TABLE and rule.endswith(_LETTING_THROUGH):
            table = transaction.tables.get(family)
            owners = table.chains[chain].owners if table and chain in table.chains else ()
        case ["add", "ct", "helper", family, name, helper] if name == TABLE:
            table = transaction.tables.get(family)
            owners = table.collections[helper.partition(" ")[0]].owners if table else ()
    if owners:
        refused, namespace = lines[line or 0], transaction.namespace
        return tuple(Trouble(owner, reason, refused=refused, namespace=namespace) for owner in owners)
    return tuple(Trouble(owner, reason) for owner in transaction.owners or ("",))


def without_rules(desired: FilterState, commands: Iterable[tuple[str, str]]) -> FilterState:
    """Leave out what was refused: (namespace, command). It only lets something through: without it more is closed."""
    tables = dict(desired.tables)
    for namespace, command in commands:
        words = command.removeprefix("add ").removeprefix("ct ").split(" ", 4)
        key = (namespace, words[1])
        if key in tables:
            take = _without_helper if words[0] == "helper" else _without_rule
            tables[key] = take(tables[key], words[3], words[4])
    return replace(desired, tables=tables)


def _without_rule(table: Table, chain: str, rule: str) -> Table:
    return _keep(table, {chain: [rule]})


def _without_helper(table: Table, helper: str, _declaration: str) -> Table:
    """Take a helper away, and every rule that names it."""
    naming = {
        name: [rule for rule in chain.rules or () if rule.endswith(f'ct helper set "{helper}"')]
        for name, chain in table.chains.items()
    }
    left = {name: one for name, one in table.collections.items() if name != helper}
    return replace(_keep(table, naming), collections=left)


def _keep(table: Table, gone: Mapping[str, Sequence[str]]) -> Table:
    """Take rules away: chain -> rules."""
    chains = {
        name: replace(chain, rules=tuple(rule for rule in chain.rules or () if rule not in gone.get(name, ())))
        for name, chain in table.chains.items()
    }
    return replace(table, chains=chains)


def plan_filters(desired: FilterState, actual: FilterState) -> FilterPlan:
    """Say what to write and which flows to end so that `actual` becomes `desired`.

    What is desired in a namespace that `actual` has not looked at is left out: it comes when the namespace is there.
    """
    transactions = []
    for namespace in sorted(actual.namespaces):
        wanted = {family: table for (name, family), table in desired.tables.items() if name == namespace}
        found = {family: table for (name, family), table in actual.tables.items() if name == namespace}
        transaction = _transaction(namespace, wanted, found)
        if transaction is not None:
            transactions.append(transaction)
    return FilterPlan(
        transactions=tuple(transactions),
        endings=tuple(one for one in plan_endings(desired, actual) if one.namespace in actual.namespaces),
        desired=desired,
        policy_changed=desired.policy != actual.policy,
    )


def _transaction(namespace: str, wanted: Mapping[str, Table], found: Mapping[str, Table]) -> Transaction | None:
    lines: list[str] = []
    owners: set[str] = set()
    tables: dict[str, Table | None] = {}
    for family in sorted(wanted.keys() | found.keys()):
        want, have = wanted.get(family), found.get(family)
        if want == have:
            continue
        tables[family] = want
        if want is None:
            lines.append(f"delete table {family} {TABLE}")
        elif have is None or _must_replace(want, have):
            lines.extend(_replace(family, want, found=have is not None))
            owners.update(_all_owners(want))
        else:
            edit = _Edit(f"{family} {TABLE}", want, have)
            lines.extend(edit.lines())
            owners.update(edit.owners())
    return Transaction(namespace, "\n".join([*lines, ""]), tuple(sorted(owners)), tables) if lines else None


def _must_replace(want: Table, have: Table) -> bool:
    """A hook or a declaration cannot be changed in place."""
    chains = want.chains.keys() & have.chains.keys()
    collections = want.collections.keys() & have.collections.keys()
    return (
        not have.known
        or any(want.chains[name].hook != have.chains[name].hook for name in chains)
        or any(_kind(want.collections[name]) != _kind(have.collections[name]) for name in collections)
    )


def _kind(collection: Collection) -> tuple[str, str]:
    return collection.kind, collection.declaration


def _replace(family: str, want: Table, *, found: bool) -> Iterator[str]:
    if found:
        yield f"delete table {family} {TABLE}"
    yield f"add table {family} {TABLE}"
    yield from _Edit(f"{family} {TABLE}", want, Table()).lines()


def _all_owners(table: Table) -> set[str]:
    things: Iterable[Chain | Collection] = (*table.chains.values(), *table.collections.values())
    return {owner for thing in things for owner in thing.owners}


@dataclass(frozen=True, slots=True)
class _Edit:
    """The difference of two tables of one name. `name`: family and table, as nft has them."""

    name: str
    want: Table
    have: Table

    def _stale_chains(self) -> list[str]:
        return [
            name
            for name, chain in sorted(self.want.chains.items())
            if name in self.have.chains and self.have.chains[name].rules != chain.rules
        ]

    def _new_chains(self) -> list[str]:
        return sorted(self.want.chains.keys() - self.have.chains.keys())

    def owners(self) -> set[str]:
        """Name who is hurt when this fails: everybody, when something changes that nobody owns."""
        things: list[Chain | Collection] = [self.want.chains[name] for name in (*self._stale_chains(), *self._new_chains())]
        for name, collection in self.want.collections.items():
            found = self.have.collections.get(name)
            if found is None or found.elements != collection.elements:
                things.append(collection)
        if all(thing.owners for thing in things):
            return {owner for thing in things for owner in thing.owners}
        return _all_owners(self.want)

    def lines(self) -> Iterator[str]:
        """Containers first, then rules, then elements: each refers to those before. What goes, goes in reverse."""
        for name in sorted(self.want.collections.keys() - self.have.collections.keys()):
            collection = self.want.collections[name]
            yield f"add {collection.kind} {self.name} {name} {{ {collection.declaration} }}"
        yield from (_add_chain(self.name, name, self.want.chains[name]) for name in self._new_chains())
        stale = self._stale_chains()
        yield from (f"flush chain {self.name} {name}" for name in stale)
        for name in sorted([*stale, *self._new_chains()]):
            yield from (f"add rule {self.name} {name} {rule}" for rule in self.want.chains[name].rules or ())
        yield from self._element_lines()
        gone = sorted(self.have.chains.keys() - self.want.chains.keys())
        yield from (f"flush chain {self.name} {name}" for name in gone)
        for name in sorted(self.have.collections.keys() - self.want.collections.keys()):
            yield f"delete {self.have.collections[name].kind} {self.name} {name}"
        yield from (f"delete chain {self.name} {name}" for name in gone)

    def _element_lines(self) -> Iterator[str]:
        """Deletes go before adds: a map's key takes another value, and an address gives way to a prefix over it."""
        adds: list[str] = []
        for name, collection in sorted(self.want.collections.items()):
            before = self.have.collections.get(name)
            old = before.elements if before else frozenset()
            gone, new = old - collection.elements, collection.elements - old
            if gone:
                keys = ", ".join(sorted(split_element(text)[0] for text in gone))
                yield f"delete element {self.name} {name} {{ {keys} }}"
            if new:
                adds.append(f"add element {self.name} {name} {{ {', '.join(sorted(new))} }}")
        yield from adds


def _add_chain(table: str, name: str, chain: Chain) -> str:
    if chain.hook is None:
        return f"add chain {table} {name}"
    hook = chain.hook
    return f"add chain {table} {name} {{ type {hook.kind} hook {hook.point} priority {hook.priority}; policy accept; }}"

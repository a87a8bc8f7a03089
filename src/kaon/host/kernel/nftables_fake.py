"""A ruleset in memory that takes our transactions as text, with the kernel's teeth.

It knows the commands that the planner writes and no others; what it does not know it refuses. Like the kernel it refuses
to add a rule or an element that names something missing, to delete what is in use or not there, and elements that
collide or overlap; and a refused transaction changes nothing. Rules are kept as text: nothing here judges packets.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

from kaon.host.kernel.nftables import NftRefusedError
from kaon.host.state.filters import HELPER, Chain, Collection, Hook, Table, split_element

_HOOK = re.compile(r"\{ type (\w+) hook (\w+) priority (-?\d+); policy accept; \}")
_REFERENCES = re.compile(r"(?:jump|goto) (\S+)|(?:@|helper set \")(grp_\S+|[a-z]\w*)")
_RAW_EXPRESSIONS = frozenset({"th"})
_HELPER = HELPER.replace(" ", "_")


@dataclass(slots=True)
class FakeTable:
    """A table being written."""

    chains: dict[str, list[str]] = field(default_factory=dict)
    hooks: dict[str, Hook | None] = field(default_factory=dict)
    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)
    elements: dict[str, set[str]] = field(default_factory=dict)

    def frozen(self) -> Table:
        """Give it as the noun."""
        chains = {name: Chain(tuple(rules), self.hooks[name]) for name, rules in self.chains.items()}
        collections = {name: Collection(*self.kinds[name], frozenset(self.elements[name])) for name in self.kinds}
        return Table(chains, collections)

    def references(self) -> Iterator[str]:
        """Name every chain and collection that a rule or an element names."""
        for text in (text for texts in (*self.chains.values(), *self.elements.values()) for text in texts):
            for chain, collection in _REFERENCES.findall(text):
                if (chain or collection) not in _RAW_EXPRESSIONS:
                    yield chain or collection


@dataclass(slots=True)
class FakeNft:
    """The tables of one namespace: (family, name) -> table. `generation` rises by one with each transaction."""

    tables: dict[tuple[str, str], FakeTable] = field(default_factory=dict)
    generation: int = 1

    def write(self, text: str) -> None:
        """Run commands, all or none. Errors: NftRefusedError."""
        draft = copy.deepcopy(self.tables)
        for line in text.splitlines():
            try:
                _run(draft, line)
            except KeyError as error:
                raise NftRefusedError(f"No such file or directory: {error} in {line!r}") from error
        for table in draft.values():
            for name in table.references():
                if name not in table.chains and name not in table.kinds:
                    raise NftRefusedError(f"Device or resource busy: {name} is gone or missing, and something names it")
        self.tables = draft
        self.generation += 1


def _run(tables: dict[tuple[str, str], FakeTable], line: str) -> None:
    """Run one command: verb, noun, family, table, name of the thing, and the rest of the line."""
    verb, noun, family, table_name, *rest = re.sub(rf"^(\w+) {HELPER} ", rf"\1 {_HELPER} ", line).split(" ", 5)
    place = (family, table_name)
    match verb, noun:
        case "add", "table":
            tables.setdefault(place, FakeTable())
        case "delete", "table":
            del tables[place]
        case "add", "rule":
            tables[place].chains[rest[0]].append(rest[1])
            _refer(tables[place], rest[1])
        case "flush", "chain":
            tables[place].chains[rest[0]].clear()
        case "add" | "delete", "element":
            _change_elements(tables[place], verb, rest[0], rest[1].removeprefix("{ ").removesuffix(" }").split(", "))
        case "add", "chain" | "set" | "map" | "ct_helper":
            _add(tables[place], noun.replace(_HELPER, HELPER), rest)
        case "delete", "chain" | "set" | "map" | "ct_helper":
            _delete(tables[place], noun, rest[0])
        case _:
            raise NftRefusedError(f"syntax error: {line!r}")


def _add(table: FakeTable, noun: str, rest: list[str]) -> None:
    if noun == "chain":
        _add_chain(table, rest)
        return
    declaration = rest[1].removeprefix("{ ").removesuffix(" }")
    if table.kinds.setdefault(rest[0], (noun, declaration)) != (noun, declaration):
        raise NftRefusedError(f"File exists: {noun} {rest[0]}")
    table.elements.setdefault(rest[0], set())


def _delete(table: FakeTable, noun: str, name: str) -> None:
    if noun == "chain":
        del table.chains[name], table.hooks[name]
    else:
        del table.kinds[name], table.elements[name]
    if name in set(table.references()):
        raise NftRefusedError(f"Device or resource busy: {name} is in use")


def _add_chain(table: FakeTable, rest: list[str]) -> None:
    found = _HOOK.fullmatch(rest[1]) if len(rest) > 1 else None
    if len(rest) > 1 and found is None:
        raise NftRefusedError(f"syntax error: {rest[1]!r}")
    hook = Hook(found[1], found[2], int(found[3])) if found else None
    if table.hooks.setdefault(rest[0], hook) != hook:
        raise NftRefusedError(f"Operation not supported: {rest[0]} has another hook")
    table.chains.setdefault(rest[0], [])


def _refer(table: FakeTable, text: str) -> None:
    """What is named must be there already when it is named, not only at the end."""
    for chain, collection in _REFERENCES.findall(text):
        if chain and chain not in table.chains:
            raise KeyError(chain)
        if collection and collection not in _RAW_EXPRESSIONS and collection not in table.kinds:
            raise KeyError(collection)


def _change_elements(table: FakeTable, verb: str, name: str, texts: list[str]) -> None:
    held = table.elements[name]
    by_key = {split_element(text)[0]: text for text in held}
    for text in texts:
        key = split_element(text)[0]
        if verb == "delete":
            held.remove(by_key.pop(key))
            continue
        _refer(table, text)
        if by_key.setdefault(key, text) != text:
            raise NftRefusedError(f"File exists: {key} in {name}")
        if "interval" in table.kinds[name][1] and any(_overlap(key, other) for other in by_key if other != key):
            raise NftRefusedError(f"conflicting intervals specified: {key} in {name}")
        held.add(text)


def _overlap(one: str, other: str) -> bool:
    if " . " in one:  # of several things at once: the last may be a range, the others are plain
        (*before, last), (*others, other_last) = one.split(" . "), other.split(" . ")
        (low, high), (other_low, other_high) = (
            [int(part) for part in (text.split("-") * 2)[:2]] for text in (last, other_last)
        )
        return before == others and low <= other_high and other_low <= high
    first, second = ip_network(one), ip_network(other)
    return first.version == second.version and first.overlaps(second)

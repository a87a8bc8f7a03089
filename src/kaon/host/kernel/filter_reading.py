"""What nft prints, read back as tables of ours (libnftables-json(5)).

Elements are read as data. Rules are not: nft prints them in another form than it takes them, and in another one with
the next version. Of a chain only a fingerprint is taken; whoever wrote the chain took one right afterwards, so an equal
fingerprint means that the chain is as it was written.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from kaon.host.state.filters import HELPER, Chain, Collection, Hook, Table, element, quoted

_PLACE = frozenset({"handle", "family", "table", "chain", "index"})
"""Where an object stands, not what it is."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One table as nft prints it: fingerprints of chains and declarations, hooks and elements as data."""

    chains: Mapping[str, str] = field(default_factory=dict)
    hooks: Mapping[str, Hook | None] = field(default_factory=dict)
    declarations: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A table that we wrote, with the fingerprints taken afterwards; a missing one vouches for nothing."""

    table: Table
    chains: Mapping[str, str] = field(default_factory=dict)
    declarations: Mapping[str, str] = field(default_factory=dict)


def read_objects(objects: Iterable[Mapping[str, Any]]) -> Printed:
    """Sort what `list table` or `list chain` printed."""
    rules: dict[str, list[object]] = {}
    hooks: dict[str, Hook | None] = {}
    declarations: dict[str, str] = {}
    kinds: dict[str, str] = {}
    elements: dict[str, frozenset[str]] = {}
    for one in objects:
        if "chain" in one:
            chain = one["chain"]
            rules.setdefault(chain["name"], [])
            hooks[chain["name"]] = Hook(chain["type"], chain["hook"], chain["prio"]) if "hook" in chain else None
        elif "rule" in one:
            rules.setdefault(one["rule"]["chain"], []).append(_bare(one["rule"]))
        elif "set" in one or "map" in one:
            kind = "set" if "set" in one else "map"
            body = one[kind]
            name = body["name"]
            kinds[name] = kind
            declarations[name] = _fingerprint({key: value for key, value in _bare(body).items() if key != "elem"})
            elements[name] = frozenset(_element(text, body) for text in body.get("elem", ()))
        elif HELPER in one:
            name = one[HELPER]["name"]
            kinds[name], declarations[name], elements[name] = HELPER, _fingerprint(_bare(one[HELPER])), frozenset()
    chains = {name: _fingerprint([str(hooks.get(name)), found]) for name, found in rules.items()}
    return Printed(chains, hooks, declarations, kinds, elements)


def vouch(printed: Printed, written: Written | None) -> Table:
    """Say what a table is, as far as what was written vouches for it. Elements come from the kernel in any case."""
    collections = {}
    known = written is not None
    for name, found in printed.elements.items():
        ours = written.table.collections.get(name) if written else None
        vouched = written is not None and ours is not None and written.declarations.get(name) == printed.declarations[name]
        declaration = ours.declaration if ours and vouched else ""
        collections[name] = Collection(printed.kinds[name], declaration, found, ours.owners if ours else ())
    chains = {}
    for name, fingerprint in printed.chains.items():
        chain = written.table.chains.get(name) if written else None
        vouched = written is not None and chain is not None and written.chains.get(name) == fingerprint
        chains[name] = Chain(
            rules=chain.rules if chain and vouched else None,
            hook=printed.hooks[name],
            owners=chain.owners if chain else (),
        )
    return Table(chains=chains, collections=collections, known=known)


def _bare(value: Any) -> Any:
    """Drop handles and places, and put anonymous sets into one order: a hash gives them in any."""
    if isinstance(value, Mapping):
        bare = {key: _bare(inner) for key, inner in value.items() if key not in _PLACE}
        if isinstance(bare.get("set"), list):
            bare["set"] = sorted(bare["set"], key=lambda one: json.dumps(one, sort_keys=True))
        return bare
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _fingerprint(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _element(value: Any, body: Mapping[str, Any]) -> str:
    types = body["type"] if isinstance(body["type"], list) else [body["type"]]
    if "map" not in body:
        return _text(value, types)
    # A map to several things at once says what they are in one text.
    return element(_text(value[0], types), _text(value[1], body["map"].split(" . ")))


def _text(value: Any, types: list[str]) -> str:  # noqa: PLR0911 - one return for each form that nft prints
    """Write one printed value as we write it."""
    match value:
        case {"elem": {"val": inner}}:
            return _text(inner, types)
        case {"concat": parts}:
            return " . ".join(_text(part, [kind]) for part, kind in zip(parts, types, strict=True))
        case {"prefix": {"addr": address, "len": length}}:
            return f"{ip_address(address)}/{length}"
        case {"range": [first, last]}:
            return f"{first}-{last}"
        case {"jump": {"target": chain}}:
            return f"jump {chain}"
        case {"goto": {"target": chain}}:
            return f"goto {chain}"
        case {**verdict} if len(verdict) == 1:
            return str(next(iter(verdict)))
        case str() if types == ["ifname"]:
            return quoted(value)
        case str() if types[0] in {"ipv4_addr", "ipv6_addr"}:
            return str(ip_address(value))
        case _:
            return str(value)

"""Hosts compared before and after: what they have more, what they lack, and waiting until they are as they were."""

from kaon.lab import inventory, rig
from kaon.lab.inventory import Inventory
from kaon.lab.processes import LabError
from kaon.lab.topology import Lab

AGENTS = ("compute1", "compute2", "network1")
_PICTURE = "/var/lib/kaon/agent/picture"
_KINDS = ("links", "namespaces", "rules", "forwarding", "neighbours", "daemons", "files")


def looks(lab: Lab) -> dict[str, Inventory]:
    """Every host with an agent as it is now."""
    return {host: inventory.take(lab, host) for host in AGENTS}


def difference(before: Inventory, after: Inventory) -> dict[str, tuple[object, object]]:
    """What one has and the other has not, by kind; empty when they are the same."""
    found: dict[str, tuple[object, object]] = {}
    for kind in _KINDS:
        one, other = getattr(before, kind), getattr(after, kind)
        if one != other:
            found[kind] = (sorted(one - other, key=str), sorted(other - one, key=str))
    return found


def missing(before: Inventory, now: Inventory) -> dict[str, list[object]]:
    """What is gone or changed of what there was, by kind, the packet filter aside: there may be more, but nothing less."""
    kinds = [kind for kind in _KINDS if kind != "rules"]
    return {kind: sorted(lost, key=str) for kind in kinds if (lost := getattr(before, kind) - getattr(now, kind))}


def _blocks(rules: str) -> dict[tuple[str, str], str]:
    """The chains, sets and maps of a packet filter: (table, head) -> text."""
    found: dict[tuple[str, str], str] = {}
    table = head = ""
    for line in rules.splitlines():
        if line.startswith("table "):
            table = line
        elif line.startswith("\t") and not line.startswith("\t\t") and line.endswith("{"):
            head = line.strip(" \t{")
            found[table, head] = ""
        elif line.startswith("\t\t"):
            found[table, head] += line
    return found


def altered(before: Inventory, now: Inventory) -> set[str]:
    """Chains, sets and maps of any namespace's packet filter that are gone or have other contents: "chain x", "set y"."""
    found: set[str] = set()
    for netns, rules in before.rules:
        new = _blocks(now.rules_in(netns))
        found |= {key[1] for key, text in _blocks(rules).items() if new.get(key) != text}
    return found


def settles(lab: Lab, before: dict[str, Inventory], what: str) -> None:
    """Wait until every host that was looked at is as it was before."""
    seen: dict[str, object] = {}

    def holds() -> bool:
        seen.clear()
        seen.update({host: found for host, old in before.items() if (found := difference(old, inventory.take(lab, host)))})
        return not seen

    try:
        rig.wait_for(what, holds, 60.0)
    except LabError as error:
        raise AssertionError(f"{what}: left or missing, as (missing, left): {seen}") from error


def at_rest(lab: Lab) -> dict[str, Inventory]:
    """Wait until every agent has saved what it knows and two looks are the same; give the last."""
    last = looks(lab)

    def holds() -> bool:
        now = looks(lab)
        same = not any(difference(last[host], now[host]) for host in AGENTS)
        last.update(now)
        return same and all(_PICTURE in found.files for found in now.values())

    rig.wait_for("every agent has saved what it knows, and nothing changes", holds)
    return last

"""The default rules against what Neutron 29 lets whom do: for every rule, every persona and every relation to the row.

`neutron_personas.json` has for each rule those that it is for; a word with a relation (`network-owner-member`) is a role and
whose project must own what.
"""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kaon.server.control.conditions import satisfied
from kaon.server.control.core import Caller, implied
from kaon.server.control.policies import DEFAULTS, TOPICS

FOR: Mapping[str, str] = json.loads((Path(__file__).parent / "neutron_personas.json").read_text())

CALLERS: Mapping[str, Caller] = {
    "admin": Caller("root", "staff", implied("admin")),
    "manager": Caller("mia", "p1", implied("manager")),
    "member": Caller("ann", "p1", implied("member")),
    "reader": Caller("eve", "p1", implied("reader")),
    "service": Caller("nova", "services", frozenset({"service"})),
    "member through a service": Caller("ann", "p1", implied("member"), service_roles=frozenset({"service"})),
    "advsvc": Caller("octavia", "services", frozenset({"advsvc"})),
    "integrator": Caller("odl", "services", frozenset({"data_plane_integrator"})),
    "nobody": Caller("guest", "p1"),
    "of no project": Caller("root", "", implied("member")),
}

_OWNERS = {"project": "own", "network-owner": "above", "parent-owner": "above", "sg-owner": "above"}

CASES = [
    {"own": own, "above": above, "shared": shared, "external": external, "device": device, "target": target}
    for own, above, shared, external in product((True, False), repeat=4)
    for device, target in (("", "p9"), ("network:dhcp", "p9"), ("compute:az", "*"), ("baremetal:x", "p9"))
]


def _lets(word: str, caller: Caller, case: Mapping[str, Any]) -> bool:
    """Whether one of the words in the table lets a caller do it."""
    roles = caller.roles
    instance = case["device"].partition(":")[0] in ("compute", "baremetal")
    if word.endswith("-unless-instance"):
        free = not instance or "service" in caller.service_roles
        return free and _lets(word.removesuffix("-unless-instance"), caller, case)
    relation, _, role = word.rpartition("-")
    if relation in _OWNERS:
        return role in roles and bool(caller.project_id) and case[_OWNERS[relation]]
    return {
        "admin": "admin" in roles,
        "service": "service" in roles,
        "advsvc": "advsvc" in roles,
        "data-plane-integrator": "data_plane_integrator" in roles,
        "any-reader": "reader" in roles,
        "shared": case["shared"],
        "external": case["external"],
        "unless-network-device": not case["device"].startswith("network:"),
        "unless-wildcard": case["target"] != "*",
    }[word]


def _rows(case: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row and its parent; what is shared or external is said of both."""
    both = {"shared": case["shared"], "router:external": case["external"]}
    row = {"device_owner": case["device"], "target_tenant": case["target"], "target_project": case["target"]}
    owner, above = ("p1" if case[whose] else "p2" for whose in ("own", "above"))
    return row | both | {"project_id": owner}, both | {"project_id": above}


def test_every_rule_of_neutron_is_there() -> None:
    """And no other, but for those that rules are made of."""
    assert FOR.keys() <= DEFAULTS.keys()
    verbs = ("get", "create", "update", "delete", "add", "remove")
    assert {name for name in DEFAULTS.keys() - FOR.keys() if name.partition("_")[0] in verbs} == set()
    assert len(DEFAULTS) == sum(len(rules) for rules in TOPICS.values())


@pytest.mark.parametrize("persona", CALLERS)
def test_a_persona_may_what_it_may_in_neutron(persona: str) -> None:
    """For every rule, and every relation to the row."""
    caller = CALLERS[persona]
    wrong = [
        (rule, case)
        for rule, words in FOR.items()
        for case in CASES
        if satisfied(caller.rights.answer(rule), *_rows(case)) is not any(_lets(word, caller, case) for word in words.split())
    ]
    assert [] == wrong[:5]

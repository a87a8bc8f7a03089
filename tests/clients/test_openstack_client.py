"""The `openstack` command against Kaon, with a real Keystone: every command about networks, and what it answers."""

import os
from importlib.metadata import entry_points
from typing import Final

import pytest
import tours_networks
import tours_operator
import tours_ports
import tours_routers
from client_cloud import Access
from tour_steps import Step, in_process, walk

pytestmark = [
    pytest.mark.filterwarnings("ignore:The osc_lib.version module is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The ClientCache class is deprecated:DeprecationWarning:osc_lib"),
]

TOURS: Final = {
    name: tour
    for module in (tours_networks, tours_ports, tours_routers, tours_operator)
    for name, tour in vars(module).items()
    if name.isupper() and not name.startswith("_")
}

COMMON: Final = frozenset(
    [
        "availability zone list",
        "extension list",
        "extension show",
        "quota list",
        "quota set",
        "quota show",
        "quota delete",
        "limits show",
    ]
)
"""Of the commands that are not only about networks, those about what the network service has."""

NOT_WALKED: Final = {
    "network agent router set": "sets priorities of OVN's gateway chassis, which no other back end has",
    "router add gateway": "the client asks for external-gateway-multihoming, which no host carries out yet",
    "router remove gateway": "the client asks for external-gateway-multihoming, which no host carries out yet",
}


def command_of(step: Step, commands: frozenset[str]) -> str:
    """Tell which command the words of a step begin with."""
    words = step.words.split()
    heads = [" ".join(words[:count]) for count in range(len(words), 0, -1)]
    return next((head for head in heads if head in commands), step.words)


def test_every_command_is_walked() -> None:
    """The tours run each of the 170 commands that the client has for networks, but for those with a reason."""
    networks = frozenset(one.name.replace("_", " ") for one in entry_points(group="openstack.network.v2"))
    assert len(networks) == 170
    commands = networks | COMMON
    walked = {command_of(step, commands) for tour in TOURS.values() for step in tour}
    assert commands - walked == NOT_WALKED.keys()
    assert walked <= commands


@pytest.mark.parametrize("name", TOURS)
def test_tour(name: str, access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each command answers is what was created, changed, and taken away."""
    for variable in [one for one in os.environ if one.startswith("OS_")]:
        monkeypatch.delenv(variable)
    for variable, value in access.environment.items():
        monkeypatch.setenv(variable, value)
    walk(in_process(), TOURS[name], {"ids": dict(access.ids)})

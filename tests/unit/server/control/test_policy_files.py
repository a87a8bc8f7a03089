"""The operator's rules in files, and what becomes of them."""

import os
from pathlib import Path

import pytest

from kaon.server.control.core import Caller, implied
from kaon.server.control.policies import DEFAULTS, former, merged
from kaon.server.control.policy_files import PolicyFiles
from kaon.server.control.policy_settings import PolicySettings
from kaon.server.control.rules import BadPolicy, Policy

EVE = Caller("eve", "p1", implied("reader"))


def _may(policy: Policy, rule: str) -> object:
    return policy.rights(EVE.rights.credentials).answer(rule)


def test_without_files_the_defaults_hold(tmp_path: Path) -> None:
    """A policy.yaml that is not there changes nothing, unless the operator named it."""
    assert _may(PolicyFiles(PolicySettings()).current(), "get_agent") is False
    assert PolicyFiles(PolicySettings(tmp_path / "policy.yaml")).current().checks.keys() == DEFAULTS.keys()
    with pytest.raises(BadPolicy, match="no such file"):
        PolicyFiles(PolicySettings(tmp_path / "policy.yaml", needed=True))


def test_later_files_win(tmp_path: Path) -> None:
    """The file first, then those of the directories by name; hidden ones are passed over. JSON is YAML too."""
    file, directory = tmp_path / "policy.yaml", tmp_path / "policy.d"
    directory.mkdir()
    file.write_text('"get_agent": "role:reader"\n"delete_agent": "role:reader"\n"update_agent": "role:reader"\n')
    (directory / "1.json").write_text('{"delete_agent": "!", "update_agent": "!"}')
    (directory / "2.yaml").write_text("update_agent: '@'\n")
    (directory / ".3.yaml").write_text("update_agent: '!'\n")
    policy = PolicyFiles(PolicySettings(file, directories=(directory, tmp_path / "none"))).current()
    assert [True, False, True] == [_may(policy, f"{verb}_agent") for verb in ("get", "delete", "update")]


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    """One that is then broken changes nothing until it is mended; one that goes gives the defaults back."""
    file = tmp_path / "policy.yaml"
    files = PolicyFiles(PolicySettings(file))
    seen = []
    for written in ("get_agent: role:reader", "get_agent: nonsense", "get_agent: [", "get_agent: '!'", "- get_agent", None):
        if written is None:
            file.unlink()
        else:
            file.write_text(written)
            os.utime(file, ns=(len(seen), len(seen)))  # another time, however fast this goes
        seen.append(_may(files.current(), "get_agent"))
    assert [True, True, True, False, False, False] == seen
    assert files.current() is files.current()


@pytest.mark.parametrize("written", ["get_agent: nonsense", "get_agent: [", "- get_agent", "5: '@'", "get_agent: 5"])
def test_a_broken_file_stops_the_start(tmp_path: Path, written: str) -> None:
    """With the reason."""
    file = tmp_path / "policy.yaml"
    file.write_text(written)
    with pytest.raises(BadPolicy):
        PolicyFiles(PolicySettings(file))


def test_rules_under_former_names_count() -> None:
    """Rules on tags had other names once; the name of today wins."""
    assert ("create_networks_tags", "get_policies_tags", "") == tuple(
        former(name) for name in ("create_network:tags", "get_policy:tags", "get_network")
    )
    assert merged({"create_networks_tags": "!"})["create_network:tags"] == "!"
    assert merged({"create_networks_tags": "!", "create_network:tags": "@"})["create_network:tags"] == "@"

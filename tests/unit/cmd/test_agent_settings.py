"""What `kaon agent` is told: read, checked, and refused with the option's name."""

from pathlib import Path

import pytest

from kaon.bus.keys import make_host_keys, make_server_keys
from kaon.cmd import agent
from kaon.cmd.agent_settings import load
from kaon.cmd.configured import WrongSettings
from kaon.wire.messages import Role

GOOD = {
    "DEFAULT": {"host": "compute1", "roles": "l2, dhcp", "dhcp_lease_duration": "600"},
    "bus": {"server": "tcp://192.0.2.9:9697"},
    "vxlan": {"local_ip": "2001:db8::1"},
    "linux_bridge": {"physical_interface_mappings": "public:eth1"},
}


def written(tmp_path: Path, **changes: str) -> Path:
    """Write a configuration that is good but for these: section__option=value."""
    make_server_keys(tmp_path / "server")
    make_host_keys(tmp_path / "server", "compute1", tmp_path / "keys")
    sections = {section: dict(options) for section, options in GOOD.items()}
    sections["bus"]["keys"] = str(tmp_path / "keys")
    for name, value in changes.items():
        section, _, option = name.partition("__")
        sections[section][option] = value
    lines = [
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in told.items()) for section, told in sections.items()
    ]
    path = tmp_path / "agent.conf"
    path.write_text("\n".join(lines))
    return path


def test_good_configuration_is_read(tmp_path: Path) -> None:
    """Every option arrives where it is used."""
    settings, connection = load([written(tmp_path)])
    assert settings.host == "compute1"
    assert settings.roles == (Role.DHCP, Role.L2)
    assert settings.facts.tunnel_ip == "2001:db8::1"
    assert settings.facts.physical == {"public": "eth1"}
    assert settings.dhcp.lease_s == 600
    assert settings.state_path == Path("/var/lib/kaon")
    assert connection.server == "tcp://192.0.2.9:9697"
    assert len(connection.secret) == len(connection.server_key) == 32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DEFAULT__host": "a/b"}, "host: 'a/b'"),
        ({"DEFAULT__roles": "l2, l4"}, "roles: l4"),
        ({"DEFAULT__state_path": "here"}, "state_path: 'here'"),
        ({"DEFAULT__dhcp_lease_duration": "soon"}, "dhcp_lease_duration"),
        ({"bus__server": "udp://192.0.2.9"}, "[bus] server"),
        ({"bus__keys": "/nowhere"}, "[bus] keys"),
        ({"vxlan__local_ip": "300.0.0.1"}, "[vxlan] local_ip"),
        ({"linux_bridge__resource_provider_bandwidths": "eth1:1"}, "[linux_bridge] resource_provider_bandwidths: 'eth1:1'"),
        ({"linux_bridge__resource_provider_bandwidths": "eth1:a:b"}, "[linux_bridge] resource_provider_bandwidths"),
        ({"linux_bridge__resource_provider_hypervisors": "eth1"}, "[linux_bridge] resource_provider_hypervisors"),
        ({"linux_bridge__physical_interface_mappings": "public"}, "physical_interface_mappings"),
    ],
)
def test_wrong_configuration_names_the_option(tmp_path: Path, change: dict[str, str], words: str) -> None:
    """What cannot be used is refused, and the words say which option and why."""
    with pytest.raises(WrongSettings) as caught:
        load([written(tmp_path, **change)])
    assert words in str(caught.value)


def test_agent_ends_with_2_and_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong configuration ends the command before it touches anything."""
    assert agent.run([tmp_path / "missing.conf"]) == 2
    assert "missing.conf" in capsys.readouterr().err


def test_what_devices_carry_is_reported_as_it_stands(tmp_path: Path) -> None:
    """Only what is said; either direction may be left out."""
    changes = {
        "resource_provider_bandwidths": "eth1:1000:, rp_tunnelled:1:2",
        "resource_provider_hypervisors": "eth1:node.example",
    }
    settings, _ = load([written(tmp_path, **{f"linux_bridge__{name}": value for name, value in changes.items()})])
    expected = {
        "resource_provider_bandwidths": "eth1:1000:,rp_tunnelled:1:2",
        "resource_provider_hypervisors": "eth1:node.example",
    }
    assert expected == settings.resources
    assert {} == load([written(tmp_path)])[0].resources

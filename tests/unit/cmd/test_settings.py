"""Options of `kaon server` in files."""

from pathlib import Path

import pytest

from kaon.cmd.configured import WrongSettings
from kaon.cmd.settings import server_configuration
from kaon.server.control.settings import ServerSettings


def _read(directory: Path, text: str) -> Path:
    path = directory / "server.conf"
    path.write_text(text)
    return path


def test_defaults_are_those_of_the_rooms(tmp_path: Path) -> None:
    """Without any option the control plane gets the defaults that it declares itself."""
    configuration = server_configuration([_read(tmp_path, "")])
    assert configuration.control == ServerSettings()
    assert configuration.one_process


def test_options_of_neutron_are_understood(tmp_path: Path) -> None:
    """Names and sections that operators know from Neutron arrive where they belong."""
    text = """
[DEFAULT]
agent_down_time = 30
base_mac = FA:16:3E:4F:00:00
global_physnet_mtu = 9000
pagination_max_limit = 50
[quotas]
quota_port = 7
[ml2_type_vxlan]
vni_ranges = 10:20,30:40
[database]
connection = postgresql+psycopg://somewhere/kaon
"""
    configuration = server_configuration([_read(tmp_path, text)])
    control = configuration.control
    assert (control.agent_down_time_s, control.base_mac, control.underlay_mtu) == (30.0, "fa:16:3e:4f:00:00", 9000)
    assert (control.page_limit, control.quotas["port"], control.vni_ranges) == (50, 7, ((10, 20), (30, 40)))
    assert not configuration.one_process


@pytest.mark.parametrize("ranges", ["20:10", "1", "0:5", "1:16777216", "a:b"])
def test_wrong_ranges_are_refused(tmp_path: Path, ranges: str) -> None:
    """A range that is none, or reaches beyond 24 bits, is named."""
    with pytest.raises(WrongSettings, match="vni_ranges"):
        server_configuration([_read(tmp_path, f"[ml2_type_vxlan]\nvni_ranges = {ranges}\n")])


@pytest.mark.parametrize("types", ["gre", "vxlan,flat", ""])
def test_types_that_no_tenant_can_have_are_refused(tmp_path: Path, types: str) -> None:
    """What the server cannot choose a segment of is refused at the start, not when somebody makes a network."""
    with pytest.raises(WrongSettings, match="tenant_network_types"):
        server_configuration([_read(tmp_path, f"[ml2]\ntenant_network_types = {types}\n")])

"""The last complete picture in a file."""

from pathlib import Path

import pytest

from kaon.host.agent import cache
from kaon.host.agent.session import Held, Saved
from kaon.wire.networks import Network
from kaon.wire.ports import HostPort

NETWORK = Network(id="n1", network_type="vxlan", mtu=1450, segmentation_id=7)
PORT = HostPort(id="p1", revision=3, network_id="n1", mac_address="fa:16:3e:00:00:01")
STATE = Saved("epoch", {"host:h1": Held(4, {PORT.key: PORT}), "network:n1": Held(2, {NETWORK.key: NETWORK})})


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    """Saving and loading gives the same picture, also over an older one, in a file for its owner only."""
    path = tmp_path / "lib" / "state"
    cache.save(path, "h1", Saved("older", {}))
    cache.save(path, "h1", STATE)
    assert cache.load(path, "h1") == STATE
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_saved_is_nothing(tmp_path: Path) -> None:
    """Without a file there is no picture."""
    assert cache.load(tmp_path / "state", "h1") is None


@pytest.mark.parametrize("cut", [0, 1, 16, 40, -1])
def test_a_damaged_file_counts_as_none(tmp_path: Path, cut: int) -> None:
    """A file that ends early is ignored."""
    path = tmp_path / "state"
    cache.save(path, "h1", STATE)
    path.write_bytes(path.read_bytes()[:cut])
    assert cache.load(path, "h1") is None


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    """A file in which any byte changed is ignored."""
    path = tmp_path / "state"
    cache.save(path, "h1", STATE)
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert cache.load(path, "h1") is None


def test_another_hosts_picture_is_ignored(tmp_path: Path) -> None:
    """A file that was saved under another name is not ours."""
    path = tmp_path / "state"
    cache.save(path, "h1", STATE)
    assert cache.load(path, "h2") is None

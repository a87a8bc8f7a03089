"""`kaon server` with a Nova: what it is told survives the death of any process; wrong settings are refused by name."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from http_peers import HANG, Nova, unused_port
from kaon.cmd.configured import WrongSettings
from kaon.cmd.couriers import deliveries, placement_peers
from kaon.cmd.settings import server_configuration

SERVER = "7a9e3f0c-5d7b-4c8e-9f57-1f0f5b8f2d11"
PATIENCE_S = 40.0


@pytest.fixture
def service() -> Iterator[Nova]:
    """A Nova."""
    peer = Nova()
    with peer.running():
        yield peer


def configured(tmp_path: Path, text: str) -> Path:
    """Write a configuration."""
    path = tmp_path / "server.conf"
    path.write_text(f"[DEFAULT]\nstate_path = {tmp_path / 'state'}\n{text}")
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_committed_is_told_after_every_process_died(tmp_path: Path, service: Nova, workers: int) -> None:
    """Killed while Nova does not answer, the server tells it once it runs again; and what comes then."""
    server = KaonServer(tmp_path, workers, service.url)
    service.faults.extend([HANG] * 100)
    with server:
        network = server.ask("POST", "networks", {"network": {}})["network"]["id"]
        body = {"network_id": network, "device_id": SERVER, "device_owner": "compute:nova"}
        port = server.ask("POST", "ports", {"port": body})["port"]["id"]
        server.ask("PUT", f"ports/{port}", {"port": {"name": "x"}})
        service.until(lambda: service.asked)
    assert [] == service.events
    service.faults.clear()
    with server:
        service.until(lambda: service.events)
        assert ["changed"] == service.names()
        server.ask("DELETE", f"ports/{port}")
        service.until(lambda: len(service.events) >= 2)
    assert [("network-changed", SERVER, port, None), ("network-vif-deleted", SERVER, port, None)] == service.events


class KaonServer:
    """A server that ends by SIGKILL, as does what it started."""

    def __init__(self, directory: Path, workers: int, nova: str) -> None:
        self._port = unused_port()
        text = f"bind_port = {self._port}\napi_workers = {workers}\nsend_events_interval = 0\n"
        text += f"[bus]\nbind = tcp://127.0.0.1:{unused_port()}\n"
        text += f"[nova]\nauth_type = none\nendpoint = {nova}\ntimeout = 1\n"
        self._file = configured(directory, text)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "kaon.cmd.main", "server", "--config-file", str(self._file)]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            try:
                self.ask("GET", "networks")
            except OSError:
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask, and succeed."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        line.request(method, f"/v2.0/{path}", json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = line.getresponse()
        raw = answer.read()
        line.close()
        assert answer.status < 300, raw
        return json.loads(raw) if raw else None


def test_nova_as_neutron_configures_it(tmp_path: Path) -> None:
    """Every option arrives; with [nova] and nothing else, everything is told."""
    text = """send_events_interval = 3
[nova]
auth_type = password
auth_url = http://keystone:5000
username = neutron
password = secret
user_domain_name = Default
project_domain_name = Default
project_name = service
region_name = RegionOne
endpoint_type = internal
"""
    found = server_configuration([configured(tmp_path, text)])
    assert found.peers.nova is not None
    assert 3.0 == found.peers.nova.interval_s
    peer = found.peers.nova.peer
    expected = {"username": "neutron", "password": "secret", "user_domain_name": "Default", "project_domain_name": "Default"}
    expected |= {"auth_url": "http://keystone:5000", "project_name": "service"}
    assert ("password", expected, "RegionOne", "internal") == (peer.auth_type, peer.auth, peer.region_name, peer.interface)
    assert found.control.notify_nova_of_status
    assert found.control.notify_nova_of_data
    assert ["nova"] == [delivery.peer for delivery in deliveries(found)]


def test_without_nova_nothing_is_told(tmp_path: Path) -> None:
    """The options to tell it, which are on by default, alone do nothing."""
    found = server_configuration([configured(tmp_path, "notify_nova_on_port_status_changes = true\n")])
    assert not found.control.notify_nova_of_status
    assert not found.control.notify_nova_of_data
    assert not found.peers.any
    assert [] == deliveries(found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("auth_url = http://keystone:5000", "[nova] needs auth_type"),
        ("auth_type = kerberos", "auth_type"),
        ("auth_type = password", "[nova]: "),
        ("auth_type = v3applicationcredential\nauth_url = http://keystone:5000", "[nova]: "),
        ("auth_type = none\ntimeout = 0", "timeout"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, options: str, words: str) -> None:
    """Before anything is served."""
    with pytest.raises(WrongSettings) as refusal:
        deliveries(server_configuration([configured(tmp_path, f"[nova]\n{options}\n")]))
    assert words in str(refusal.value)


def test_designate_and_placement_as_neutron_configures_them(tmp_path: Path) -> None:
    """Designate is told where its driver is chosen; its URL is with or without the version."""
    text = """external_dns_driver = designate
[designate]
url = http://designate:9001/v2/
auth_type = none
ipv4_ptr_zone_prefix_size = 16
[placement]
auth_type = http_basic
username = neutron
password = secret
endpoint = http://placement:8778
"""
    found = server_configuration([configured(tmp_path, text)])
    assert found.peers.designate is not None
    assert "http://designate:9001" == found.peers.designate.peer.endpoint_override
    assert 16 == found.peers.designate.ipv4_ptr_zone_prefix_size
    assert found.control.external_dns
    assert ["designate"] == [delivery.peer for delivery in deliveries(found)]
    peers = placement_peers(found)
    assert peers is not None
    assert peers[1] is None  # no Nova, no host aggregates


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("external_dns_driver = designate\n", "[designate]"),
        ("external_dns_driver = powerdns\n", "external_dns_driver"),
        ("external_dns_driver = designate\n[designate]\nauth_type = none\nipv4_ptr_zone_prefix_size = 20\n", "multiple of 8"),
        ("external_dns_driver = designate\n[designate]\nauth_type = none\nipv6_ptr_zone_prefix_size = 63\n", "multiple of 4"),
        ("[placement]\nauth_type = password\n", "[placement]: "),
    ],
)
def test_wrong_settings_of_the_others_are_refused(tmp_path: Path, text: str, words: str) -> None:
    """By the option's name."""
    with pytest.raises(WrongSettings) as refusal:
        placement_peers(server_configuration([configured(tmp_path, text)]))
    assert words in str(refusal.value)

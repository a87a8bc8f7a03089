"""Kaon as a process, with a real Keystone: its tokens, its revocations, its crash."""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from kaon.cmd.settings import read_files
from kaon.server.api.asked import Asked
from kaon.server.api.faults import HttpRefusal
from kaon.server.api.keystone import KeystoneAuthentication
from kaon.server.control.core import Caller
from keystone_ground import SYSTEM, Keystone, command_line, keystone, project

PATIENCE_S = 60.0
CACHE_S = 3


def until(happened: Callable[[], object], what: str) -> None:
    """Wait for a state; fail when it does not come."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"waited in vain: {what}"
        select.select((), (), (), 0.05)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cloud:
    """A Keystone with users of the project blue, and a Kaon whose configuration names it."""

    keystone: Keystone
    url: str
    file: Path
    blue: str

    def door(self, **options: object) -> KeystoneAuthentication:
        """An authenticator of our own, with more options."""
        path = self.file.with_suffix(".door")
        path.write_text(self.keystone.kaon_section(service_type="network", **options))
        return KeystoneAuthentication(read_files([path], {}))

    def status(self, token: str, **headers: str) -> int:
        """What a list of networks is answered with."""
        return httpx.get(f"{self.url}/v2.0/networks", headers={"x-auth-token": token} | headers).status_code


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Both, until the last test of this file."""
    at = tmp_path_factory.mktemp("cloud")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with keystone(at / "keystone", url) as peer:
        blue = peer.ask("POST", "projects", {"project": {"name": "blue", "domain_id": "default"}})["project"]["id"]
        for user, role in {"ann": "member", "eve": "reader", "max": "manager"}.items():
            peer.add_user(user, role, f"projects/{blue}")
        peer.add_user("dora", "admin", "domains/default")
        peer.add_user("lone")
        file = at / "server.conf"
        file.write_text(
            f"[DEFAULT]\nbind_port = {port}\nstate_path = {at / 'state'}\nauth_strategy = keystone\n"
            f"[bus]\nbind = tcp://127.0.0.1:{free_port()}\n"
            + peer.kaon_section(token_cache_time=CACHE_S, http_request_max_retries=0)
        )
        words = [sys.executable, "-m", "kaon.cmd.main", "server", "--config-file", str(file)]
        with (at / "log").open("wb") as output, subprocess.Popen(words, stdout=output, stderr=output) as server:
            try:
                until(lambda: server.poll() is not None or _listens(port), (at / "log").read_text())
                assert server.poll() is None, (at / "log").read_text()
                yield Cloud(peer, url, file, blue)
            finally:
                server.terminate()
                server.wait(PATIENCE_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asked(token: str, service: str = "", line: str = "GET /v2.0/ports") -> Asked:
    """A request."""
    method, path = line.split()
    headers = {"x-auth-token": token} | ({"x-service-token": service} if service else {})
    return Asked(method, path, (), (), headers, b"", "")


BLUE = project("blue")
MEMBER = {"member", "reader"}


@pytest.mark.parametrize(
    ("user", "scope", "roles", "fields"),
    [
        ("admin", project("admin"), {"admin", "manager", *MEMBER}, {"project_domain_id": "default"}),
        ("admin", SYSTEM, {"admin", "manager", *MEMBER}, {"project_id": "", "system_scope": "all"}),
        ("max", BLUE, {"manager", *MEMBER}, {"system_scope": "", "domain_id": ""}),
        ("ann", BLUE, MEMBER, {"user_domain_id": "default", "service_roles": frozenset()}),
        ("eve", BLUE, {"reader"}, {}),
        ("neutron", project("service"), {"service"}, {}),
        ("dora", {"domain": {"id": "default"}}, {"admin", "manager", *MEMBER}, {"project_id": "", "domain_id": "default"}),
        ("lone", "unscoped", set(), {"project_id": "", "domain_id": "", "system_scope": ""}),
    ],
)
def test_real_tokens_say_who_asks(cloud: Cloud, user: str, scope: Any, roles: set[str], fields: dict[str, Any]) -> None:
    """Roles come with those that they imply; a token of no project has none."""
    caller: Caller = cloud.door().caller(asked(cloud.keystone.token(user, scope)), "req-1")
    assert roles == caller.roles
    assert fields == {name: getattr(caller, name) for name in fields}
    if scope == BLUE:
        assert cloud.blue == caller.project_id


def test_a_service_speaks_for_a_user(cloud: Cloud) -> None:
    """The user asks, the service's roles are known; another user's token is no service token."""
    ann, nova = cloud.keystone.token("ann", BLUE), cloud.keystone.token("nova", project("service"))
    caller = cloud.door().caller(asked(ann, nova), "req-1")
    assert (MEMBER, {"service"}, cloud.blue) == (caller.roles, caller.service_roles, caller.project_id)
    assert [200, 401] == [
        cloud.status(ann, **{"x-service-token": token}) for token in (nova, cloud.keystone.token("max", BLUE))
    ]


def test_the_api_tells_roles_apart(cloud: Cloud) -> None:
    """A member makes networks, a reader looks at them, nobody else sees them; who has no token is told where to get one."""
    ann, eve = cloud.keystone.token("ann", BLUE), cloud.keystone.token("eve", BLUE)

    def make(token: str) -> httpx.Response:
        return httpx.post(f"{cloud.url}/v2.0/networks", json={"network": {"name": "n"}}, headers={"x-auth-token": token})

    made = make(ann)
    assert (201, cloud.blue) == (made.status_code, made.json()["network"]["project_id"])
    assert 403 == make(eve).status_code
    looked = httpx.get(f"{cloud.url}/v2.0/networks/{made.json()['network']['id']}", headers={"x-auth-token": eve})
    assert 200 == looked.status_code
    refused = httpx.get(f"{cloud.url}/v2.0/networks")
    assert (401, f'Keystone uri="{cloud.keystone.url}"') == (refused.status_code, refused.headers["www-authenticate"])
    assert 401 == cloud.status("nonsense")


@pytest.mark.parametrize(
    ("user", "scope"), [("admin", SYSTEM), ("dora", {"domain": {"id": "default"}}), ("lone", "unscoped"), ("lone", None)]
)
def test_a_token_of_no_project_sees_and_makes_nothing(cloud: Cloud, user: str, scope: Any) -> None:
    """It is a good token all the same. A list is empty; what would be made has no project."""
    with httpx.Client(base_url=f"{cloud.url}/v2.0", headers={"x-auth-token": cloud.keystone.token("ann", BLUE)}) as ann:
        assert 201 == ann.post("/networks", json={"network": {}}).status_code
    with httpx.Client(base_url=f"{cloud.url}/v2.0", headers={"x-auth-token": cloud.keystone.token(user, scope)}) as client:
        looked = client.get("/networks")
        assert (200, []) == (looked.status_code, looked.json()["networks"])
        assert client.post("/networks", json={"network": {}}).status_code in {400, 403}


def test_the_command_line_finds_and_uses_kaon(cloud: Cloud) -> None:
    """`openstack` takes the URL from the catalogue."""
    words = [Path(sys.executable).with_name("openstack"), "network", "create", "cli", "-f", "json"]
    done = subprocess.run(words, env=command_line(cloud.keystone, "ann", "blue"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("cli", cloud.blue) == tuple(json.loads(done.stdout)[name] for name in ("name", "project_id"))


def test_access_rules_of_an_application_credential_count(cloud: Cloud) -> None:
    """It may read networks, and nothing else."""
    peer = cloud.keystone
    ann = peer.token("ann", BLUE)
    user = cloud.door().caller(asked(ann), "").user_id
    rule = {"service": "network", "method": "GET", "path": "/v2.0/networks"}
    body = {"application_credential": {"name": "reads", "access_rules": [rule]}}
    made = peer.ask("POST", f"users/{user}/application_credentials", body, **{"x-auth-token": ann})["application_credential"]
    shown = {"id": made["id"], "secret": made["secret"]}
    token = peer.issued({"methods": ["application_credential"], "application_credential": shown})
    door = cloud.door()
    assert user == door.caller(asked(token, line="GET /v2.0/networks"), "").user_id
    for line in ("POST /v2.0/networks", "GET /v2.0/ports"):
        with pytest.raises(HttpRefusal, match="requires authentication"):
            door.caller(asked(token, line=line), "")
    assert 401 == cloud.status(token)  # this one was not told what Keystone calls it


def test_a_service_brings_a_token_that_expired_meanwhile_to_an_end(tmp_path: Path) -> None:
    """Alone such a token is refused, beside a service's it counts."""
    with keystone(tmp_path / "keystone", "", lasts_s=4) as peer:
        path = tmp_path / "kaon.conf"
        path.write_text(peer.kaon_section())
        door = KeystoneAuthentication(read_files([path], {}))
        admin = peer.token("admin", project("admin"))
        assert "admin" in door.caller(asked(admin), "").roles

        def expired() -> bool:
            try:
                door.caller(asked(admin), "")
            except HttpRefusal as refusal:
                return refusal.status == 401
            return False

        until(expired, "it expires")
        caller = door.caller(asked(admin, peer.token("nova", project("service"))), "")
        assert ({"service"}, True) == (caller.service_roles, "admin" in caller.roles)


def test_a_revoked_token_is_refused_after_the_cache_time(cloud: Cloud) -> None:
    """Until then it is good."""
    ann = cloud.keystone.token("ann", BLUE)
    began = time.monotonic()
    assert 200 == cloud.status(ann)
    cloud.keystone.ask("DELETE", "auth/tokens", **{"x-subject-token": ann})
    until(lambda: cloud.status(ann) == 401, "it is refused")
    assert CACHE_S <= time.monotonic() - began


def test_a_crash_of_keystone_is_outlived(cloud: Cloud) -> None:
    """While it is down, who is known goes on and others get 503; afterwards all goes on by itself, with the old tokens."""
    peer = cloud.keystone
    known, other = peer.token("ann", BLUE), peer.token("eve", BLUE)
    door = cloud.door(http_request_max_retries=0)
    assert MEMBER == door.caller(asked(known), "").roles
    assert 200 == cloud.status(known)
    peer.kill()
    assert [200, 503] == [cloud.status(known), cloud.status(other)]
    refused = httpx.get(f"{cloud.url}/v2.0/networks", headers={"x-auth-token": other})
    assert "HTTPServiceUnavailable" == refused.json()["NeutronError"]["type"]
    until(lambda: cloud.status(known) == 503, "what was known does not count any longer")
    assert MEMBER == door.caller(asked(known), "").roles  # in here it is kept for longer
    peer.start()
    assert [200, 200, 401] == [cloud.status(token) for token in (known, other, "nonsense")]

"""A real Keystone that a test runs for itself, from `tools/peers/keystone`; it ends with the test."""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

TOOL = Path(__file__).parents[1] / "tools" / "peers" / "keystone"
DOMAIN = {"id": "default"}
SYSTEM = {"system": {"all": True}}
_START_S = 120.0  # with the time to make its virtual environment


def project(name: str) -> dict[str, Any]:
    """The scope of a project."""
    return {"project": {"name": name, "domain": DOMAIN}}


class Keystone:
    """The peer, in a directory of its own."""

    def __init__(self, directory: Path, network_url: str, lasts_s: int = 86_400) -> None:
        self.directory = directory
        self._lasts_s = lasts_s
        self._network_url = network_url
        self._process: subprocess.Popen[bytes] | None = None
        self.facts: dict[str, Any] = {}
        self.url = ""

    def start(self) -> None:
        """Run it, where it was before; wait until it answers."""
        port = str(self.facts.get("port", 0))
        words = [TOOL, "run", "--dir", self.directory, "--port", port, "--network-url", self._network_url]
        words += ["--expiration", str(self._lasts_s)]
        said = self.directory / "output"
        with said.open("ab") as output:
            self._process = subprocess.Popen(words, stdout=output, stderr=output)
        deadline = time.monotonic() + _START_S
        written = self.directory / "peer.json"
        while not written.exists() or json.loads(written.read_text())["pid"] != self._process.pid:
            assert self._process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            select.select((), (), (), 0.02)
        self.facts = json.loads(written.read_text())
        self.url = self.facts["auth_url"]

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def token(self, user: str, scope: dict[str, Any] | str | None = None) -> str:
        """A new token. scope: see `project`; "unscoped"."""
        who = {"name": user, "domain": DOMAIN, "password": self.facts["password"]}
        return self.issued({"methods": ["password"], "password": {"user": who}}, scope)

    def issued(self, identity: dict[str, Any], scope: dict[str, Any] | str | None = None) -> str:
        """A new token for whoever can show that."""
        asked = {"identity": identity} | ({"scope": scope} if scope else {})
        answer = httpx.post(f"{self.url}/auth/tokens", json={"auth": asked})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["x-subject-token"])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request as admin, which must succeed; the document, if there is one."""
        given = {"x-auth-token": self.token("admin", project("admin"))} | headers
        answer = httpx.request(method, f"{self.url}/{path}", json=body, headers=given)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def add_user(self, name: str, role: str = "", on: str = "") -> str:
        """A user with the password "secret", with a role on `projects/ID`, `domains/ID`; give its id."""
        made = self.ask("POST", "users", {"user": {"name": name, "password": "secret", "domain_id": "default"}})["user"]["id"]
        if role:
            role_id = self.ask("GET", f"roles?name={role}")["roles"][0]["id"]
            self.ask("PUT", f"{on}/users/{made}/roles/{role_id}")
        return str(made)

    def kaon_section(self, **more: object) -> str:
        """What the configuration of a Kaon beside it says."""
        options = {
            "www_authenticate_uri": self.url,
            "auth_url": self.url,
            "auth_type": "password",
            "username": "neutron",
            "password": self.facts["password"],
            "project_name": "service",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        return "[keystone_authtoken]\n" + "".join(f"{name} = {value}\n" for name, value in (options | more).items())


@contextmanager
def keystone(directory: Path, network_url: str, lasts_s: int = 86_400) -> Iterator[Keystone]:
    """Run one until the block ends. network_url: what its catalogue says of the network service; lasts_s: of a token."""
    directory.mkdir(exist_ok=True)
    peer = Keystone(directory, network_url, lasts_s)
    peer.start()
    try:
        yield peer
    finally:
        peer.kill()


def command_line(peer: Keystone, user: str, project_name: str) -> dict[str, str]:
    """The environment of the `openstack` command for a user."""
    return os.environ | {
        "OS_AUTH_URL": peer.url,
        "OS_USERNAME": user,
        "OS_PASSWORD": "secret",
        "OS_PROJECT_NAME": project_name,
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_REGION_NAME": peer.facts["region"],
    }

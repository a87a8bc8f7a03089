"""Plain HTTP to a lab's API, for what the openstack client would not send or show: codes, error types, broken bodies."""

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any

from kaon.lab.rig import Access

_LIMIT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """Status code and decoded body (None when empty or not JSON)."""

    status: int
    body: Any

    @property
    def error_type(self) -> str:
        """The `type` of a NeutronError, "" when the body is none."""
        error = self.body.get("NeutronError") if isinstance(self.body, dict) else None
        return str(error.get("type", "")) if isinstance(error, dict) else ""


@dataclass(frozen=True)
class Api:
    """One user's way to the API. Each request has a connection of its own, so that threads may share one."""

    host: str
    port: int
    user: str
    password: str

    def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request with a body as it is; path as in "/v2.0/networks". OSError when nobody answers."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        line = http.client.HTTPConnection(self.host, self.port, timeout=_LIMIT_S)
        try:
            line.request(method, path, body=body, headers=headers)
            answer = line.getresponse()
            raw = answer.read()
        finally:
            line.close()
        try:
            return Answer(answer.status, json.loads(raw) if raw else None)
        except ValueError:
            return Answer(answer.status, None)

    def ask(self, method: str, path: str, body: object | None = None) -> Answer:
        """One request with a body as JSON."""
        return self.send(method, path, None if body is None else json.dumps(body).encode())


def api_of(access: Access, user: str) -> Api:
    """The way in of a user of the lab, as clouds.yaml has it."""
    auth = json.loads(access.clouds.read_text())["clouds"][user]["auth"]
    host, _, port = access.endpoint.removeprefix("http://").partition(":")
    return Api(host, int(port), auth["username"], auth["password"])

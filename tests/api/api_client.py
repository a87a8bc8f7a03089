"""A user of the API in tests."""

from typing import Any

import anyio
import httpx

USERS = {
    "root": "admin-project:admin",
    "mia": "p1:manager",
    "ann": "p1:member",
    "eve": "p1:reader",
    "bob": "p2:member",
    "nova": "services:service",
    "guest": "p1:guest",
}
"""User -> project and roles (each implies those below it); everybody's password is `secret`."""


class Client:
    """A user of the API: one request at a time, without a network between."""

    def __init__(self, app: Any, user: str) -> None:
        self._app = app
        self._auth = httpx.BasicAuth(user, "secret")

    def ask(self, method: str, path: str, *, auth: bool = True, **options: Any) -> httpx.Response:
        """One request; `path` from the root."""

        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://kaon:9696", timeout=30) as client:
                return await client.request(method, path, auth=self._auth if auth else None, **options)

        return anyio.run(one)

    def get(self, path: str, **query: Any) -> Any:
        """The document of a GET below /v2.0 that must succeed."""
        answer = self.ask("GET", f"/v2.0/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, member: str, **attributes: Any) -> Any:
        """The resource that a POST made."""
        answer = self.ask("POST", f"/v2.0/{member}s", json={member: attributes})
        assert answer.status_code == 201, answer.text
        return answer.json()[member]

    def change(self, member: str, identity: str, **attributes: Any) -> Any:
        """The resource after a PUT."""
        answer = self.ask("PUT", f"/v2.0/{member}s/{identity}", json={member: attributes})
        assert answer.status_code == 200, answer.text
        return answer.json()[member]

    def remove(self, member: str, identity: str) -> None:
        """DELETE, which must succeed."""
        answer = self.ask("DELETE", f"/v2.0/{member}s/{identity}")
        assert answer.status_code == 204, answer.text
        assert answer.content == b""

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Status and type of a request that must fail."""
        answer = self.ask(method, f"/v2.0/{path}", **options)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["NeutronError"]
        assert error.keys() == {"type", "message", "detail"}
        return answer.status_code, error["type"]

"""A peer that speaks enough of the Identity API v3 to validate tokens, and has the faults that a real one can have."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

PASSWORD = "hush"  # noqa: S105  # of the only user who may validate


def described(user: str, *roles: str, lasts_s: float = 3600.0, **more: Any) -> dict[str, Any]:
    """What Keystone says of a token. more: `project`, `domain` (ids), or any field as it is."""
    now = datetime.now(UTC)
    for scope in ("project", "domain"):
        if scope in more:
            more[scope] = {"id": more[scope], "name": more[scope], "domain": {"id": "d1", "name": "d1"}}
    return {
        "methods": ["password"],
        "user": {"id": user, "name": user, "domain": {"id": "d1", "name": "d1"}, "password_expires_at": None},
        "roles": [{"id": f"{role}-id", "name": role} for role in roles],
        "audit_ids": ["a"],
        "issued_at": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "expires_at": (now + timedelta(seconds=lasts_s)).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        **more,
    }


class Identity:
    """The peer.

    tokens  token -> what is said of it; expired ones are told of when that is allowed
    asked   token -> how often it was asked for
    fault   None, or what validation answers instead: a status, "garbage", "close", "hang" (until `let_go`)
    """

    def __init__(self) -> None:
        self.tokens: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.fault: int | str | None = None
        self.let_go = threading.Event()
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/v3"

    def start(self) -> None:
        """Answer, where it answered before."""
        peer = self

        class Handler(_Handler):
            identity = peer

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self.let_go.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Handler(BaseHTTPRequestHandler):
    identity: ClassVar[Identity]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the class above
        """Say nothing."""

    def do_GET(self) -> None:
        """Versions, and what there is to say of a token."""
        if not self.path.startswith("/v3/auth/tokens"):
            self._answer(
                200, {"version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": self.identity.url}]}}
            )
            return
        token = self.headers["X-Subject-Token"]
        self.identity.asked[token] += 1
        if self._failed():
            return
        said = self.identity.tokens.get(token)
        expired = said is not None and said["expires_at"] < datetime.now(UTC).isoformat()
        if self.headers["X-Auth-Token"] != "of kaon":
            self._answer(401, {"error": {"code": 401, "message": "who are you?", "title": "Unauthorized"}})
        elif said is None or (expired and "allow_expired=1" not in self.path):
            self._answer(404, {"error": {"code": 404, "message": "no such token", "title": "Not Found"}})
        else:
            self._answer(200, {"token": said})

    def do_POST(self) -> None:
        """A token for whoever knows the password."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["auth"]["identity"]["password"]["user"]["password"] != PASSWORD:
            self._answer(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
            return
        endpoint = {
            "id": "e1",
            "interface": "internal",
            "region": "RegionOne",
            "region_id": "RegionOne",
            "url": self.identity.url,
        }
        catalog = [{"type": "identity", "name": "keystone", "id": "s0", "endpoints": [endpoint]}]
        said = described("kaon", "service", project="service", catalog=catalog)
        self._answer(201, {"token": said}, ("X-Subject-Token", "of kaon"))

    def _failed(self) -> bool:
        match self.identity.fault:
            case None:
                return False
            case int(status):
                self._answer(status, {"error": {"code": status, "message": "broken", "title": "Broken"}})
            case "garbage":
                self._answer(200, None)
            case "hang":
                self.identity.let_go.wait(30.0)
            case "close":
                pass
        self.close_connection = True
        return True

    def _answer(self, status: int, document: Any, *headers: tuple[str, str]) -> None:
        content = b"<html>Log in" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(content))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def identity() -> Iterator[Identity]:
    """Run one until the block ends."""
    peer = Identity()
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()

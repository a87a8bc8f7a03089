"""Who asks: the ways to find out. Keystone is one more implementation of `Authenticator`, see `api.keystone`.

HTTP basic reads two files, both one line a user, `#` begins a comment:

    passwords  `user:$2y$...` as `htpasswd -B` writes it (bcrypt only)
    projects   `user:project id:role[,role...]`: `reader` looks, `member` writes, `manager` may somewhat more, `admin` nearly
               all; each implies those before it

Both are read again when they change; a user must stand in both.
"""

import base64
import binascii
import hashlib
import ipaddress
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import bcrypt

from kaon.lib.log import Log
from kaon.server.api.asked import Asked
from kaon.server.api.faults import unauthorized
from kaon.server.control.core import Caller, implied

log = Log(__name__)

REMEMBERED: Final = 1024
"""Verified passwords that are kept as digests."""

BCRYPT_BYTES: Final = 72
"""bcrypt looks at no more of a password."""


class Authenticator(Protocol):
    """Finds the caller of a request. Called in a worker thread; may block."""

    def caller(self, asked: Asked, request_id: str) -> Caller:
        """The caller of a request. Raises the refusal of `faults.unauthorized`."""


def check_bind(strategy: str, host: str) -> None:
    """Raise ValueError when nobody is authenticated and others than this machine could connect."""
    if strategy != "none" or host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"without authentication the API listens on a loopback address only, not on {host!r}")


@dataclass(frozen=True)
class NoAuthentication:
    """Everybody is an admin, and a service like Nova, so that nothing is left that nobody may.

    `X-Project-Id` and `X-User-Id` say as whom; `project_id` is used without the header.
    """

    project_id: str = "admin"

    def caller(self, asked: Asked, request_id: str) -> Caller:
        """An admin."""
        headers = asked.headers
        return Caller(
            user_id=headers.get("x-user-id", "admin"),
            project_id=headers.get("x-project-id", self.project_id),
            roles=implied("admin", "service"),
            request_id=request_id,
        )


@dataclass(frozen=True)
class User:
    """A line of each file."""

    name: str
    password_hash: bytes
    project_id: str
    roles: frozenset[str]


def read_users(passwords: str, projects: str) -> dict[str, User]:
    """Users by name, from the text of both files; one who is missing in either is left out. Raises ValueError."""
    hashes = {}
    for line in _lines(passwords):
        name, _, hashed = line.partition(":")
        if not hashed.startswith(("$2a$", "$2b$", "$2y$")):
            raise ValueError(f"the password of user {name!r} is not hashed with bcrypt (htpasswd -B)")
        hashes[name] = hashed.encode()
    users = {}
    for line in _lines(projects):
        name, project, roles = ([*line.split(":"), "", ""])[:3]
        if not project or not roles:
            raise ValueError(f"user {name!r} needs a project and roles: name:project:role,role")
        if name in hashes:
            users[name] = User(name, hashes[name], project, frozenset(role.strip() for role in roles.split(",")))
    return users


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


class BasicAuthentication:
    """HTTP basic against the two files of this module's card.

    bcrypt is slow on purpose, so a verified pair is remembered: as a digest keyed with a secret of this process. It covers the
    stored hash too, so that a changed password counts at once.
    """

    _CHALLENGE: Final = 'Basic realm="Kaon", charset="UTF-8"'

    def __init__(self, passwords: Path, projects: Path) -> None:
        self._paths = (passwords, projects)
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}
        self._seen: tuple[tuple[int, int], ...] = ()
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        # Checked when there is no such user, so that the time taken does not tell.
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10))
        self._current_users()

    def caller(self, asked: Asked, request_id: str) -> Caller:
        """The user whose name and password the Authorization header carries."""
        name, password = self._credentials(asked.headers.get("authorization", ""))
        user = self._current_users().get(name)
        if not self._matches(name, password, user.password_hash if user else self._nobody) or user is None:
            raise unauthorized(self._CHALLENGE)
        return Caller(
            user_id=user.name,
            project_id=user.project_id,
            roles=implied(*user.roles),
            request_id=request_id,
        )

    def _credentials(self, header: str) -> tuple[str, bytes]:
        scheme, _, encoded = header.partition(" ")
        try:
            name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
            if scheme.lower() == "basic" and colon:
                return name.decode(), password
        except (binascii.Error, UnicodeDecodeError):
            pass
        raise unauthorized(self._CHALLENGE)

    def _current_users(self) -> dict[str, User]:
        with self._lock:
            try:
                seen = tuple((stat.st_mtime_ns, stat.st_size) for stat in (path.stat() for path in self._paths))
                if seen != self._seen:
                    self._users = read_users(*(path.read_text(encoding="utf-8") for path in self._paths))
                    self._seen = seen
            except (OSError, ValueError) as problem:
                # Somebody is editing: those who were known stay known. At the start there are none, and it is an error.
                if not self._seen:
                    raise
                log.warning("users cannot be read again", reason=str(problem))
            return self._users

    def _matches(self, name: str, password: bytes, password_hash: bytes) -> bool:
        told = b"\0".join((name.encode(), password_hash, password))
        digest = hashlib.blake2b(told, key=self._key, digest_size=32).digest()
        with self._lock:
            if digest in self._verified:
                self._verified.move_to_end(digest)
                return True
        if b"\0" in password or not bcrypt.checkpw(password[:BCRYPT_BYTES], password_hash):
            return False
        with self._lock:
            self._verified[digest] = None
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return True

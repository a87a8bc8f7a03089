"""CURVE keys in files: who is who on the ZeroMQ carrier.

    <server directory>/server.secret     the server's secret key, mode 0600
    <server directory>/server.key        its public key; every host has a copy
    <server directory>/hosts/<host>.key  the public key of each host that may connect; removing the file shuts the host out
    <host directory>/host.secret         the host's own secret key, mode 0600
    <host directory>/server.key          the server's public key

A key file holds one key: 40 characters of Z85 (ZeroMQ RFC 32). Host names follow RFC 1123.
"""

import contextlib
import os
import re
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils import z85

SERVER_SECRET = "server.secret"  # noqa: S105  # the name of a file
SERVER_KEY = "server.key"
HOST_SECRET = "host.secret"  # noqa: S105  # the name of a file
HOSTS = "hosts"

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?")
_KEY_BYTES = 32


class BadKey(ValueError):  # noqa: N818  # a key that is bad; "error" would add nothing
    """A key file is missing, unreadable or no key; the text says which."""


class Keys(NamedTuple):
    """A key pair: 40 characters of Z85 each."""

    public: str
    secret: str


def make_keys() -> Keys:
    """Make a key pair."""
    public, secret = zmq.curve_keypair()
    return Keys(public.decode(), secret.decode())


def read_key(path: Path) -> bytes:
    """Read a key file: the key's 32 bytes. Errors: BadKey."""
    try:
        text = path.read_text(encoding="ascii").strip()
        key = z85.decode(text)
    except (OSError, ValueError, KeyError) as error:
        raise BadKey(f"{path} is no key file: {error}") from error
    if len(key) != _KEY_BYTES:
        raise BadKey(f"{path} is no key file: expected 40 characters of Z85, found {len(text)}")
    return bytes(key)


def make_server_keys(directory: Path) -> Keys:
    """Give a server its keys, and room for those of hosts. Keys that are there already stay: hosts know them."""
    (directory / HOSTS).mkdir(parents=True, exist_ok=True)
    secret_file = directory / SERVER_SECRET
    if secret_file.exists():
        secret = z85.encode(read_key(secret_file))
        keys = Keys(zmq.curve_public(secret).decode(), secret.decode())
    else:
        keys = make_keys()
        _write(secret_file, keys.secret, 0o600)
    _write(directory / SERVER_KEY, keys.public, 0o644)
    return keys


def make_host_keys(server_directory: Path, host: str, host_directory: Path) -> Keys:
    """Give a host new keys, tell it the server's, and let it connect. Errors: ValueError for a name that is none; BadKey."""
    if not is_host_name(host):
        raise ValueError(f"{host!r} is no host name: expected letters, digits, '.', '-', '_'")
    server_key = z85.encode(read_key(server_directory / SERVER_KEY)).decode()
    keys = make_keys()
    host_directory.mkdir(parents=True, exist_ok=True)
    _write(host_directory / HOST_SECRET, keys.secret, 0o600)
    _write(host_directory / SERVER_KEY, server_key, 0o644)
    _write(server_directory / HOSTS / f"{host}.key", keys.public, 0o644)
    return keys


def is_host_name(text: str) -> bool:
    """Tell whether a text can name a host; such a text is also safe as the name of a file."""
    return _HOST_NAME.fullmatch(text) is not None


class AuthorizedHosts:
    """The directory of hosts' public keys. It may change at any time, and what it says counts at once.

    A known key costs two looks at the file system, an unknown one a look at each file, none of them into a file that is known:
    neither the hosts that speak nor strangers that knock make the server read.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[bytes, str] = {}
        self._seen: tuple[int, ...] = ()
        self._files: dict[str, tuple[int, ...]] = {}

    def host_of(self, key: bytes) -> str | None:
        """Name the host that a public key of 32 bytes belongs to; None when nobody, or more than one host, has it."""
        host = self._known.get(key)
        if host is not None and self._stands(host):
            return host
        seen = _looks(self._directory)
        files = {path.name.removesuffix(".key"): _looks(path) for path in self._directory.glob("*.key")}
        if files != self._files:
            self._known = self._read_all()
        self._seen, self._files = seen, files
        return self._known.get(key)

    def _stands(self, host: str) -> bool:
        """Tell whether nothing has changed since the directory was read: no file came or went, and the host's is the same."""
        return _looks(self._directory) == self._seen and _looks(self._file_of(host)) == self._files.get(host)

    def _file_of(self, host: str) -> Path:
        return self._directory / f"{host}.key"

    def _key_of(self, host: str) -> bytes | None:
        with contextlib.suppress(BadKey):
            return read_key(self._file_of(host))
        return None

    def _read_all(self) -> dict[bytes, str]:
        found: dict[bytes, str] = {}
        shared: set[bytes] = set()
        for path in sorted(self._directory.glob("*.key")):
            host = path.name.removesuffix(".key")
            key = self._key_of(host) if is_host_name(host) else None
            if key is None:
                continue
            if key in found:
                shared.add(key)
            found[key] = host
        return {key: host for key, host in found.items() if key not in shared}


def _looks(path: Path) -> tuple[int, ...]:
    """What changes when a file or directory does; empty when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_ctime_ns


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, with its mode from the first moment."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
        file.write(f"{text}\n")
    new.replace(path)

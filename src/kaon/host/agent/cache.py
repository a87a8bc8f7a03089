"""The last complete picture, in a file: for a start while the server is out of reach.

The file is a digest of 16 bytes and then MessagePack. It is replaced whole or not at all; what cannot be read is treated as
if it were not there, for the server has everything.
"""

import hashlib
import os
from pathlib import Path

import msgspec

from kaon.host.agent.session import Held, Saved
from kaon.lib.log import Log
from kaon.wire.messages import WIRE_VERSION, Snapshot

_log = Log(__name__)

_DIGEST_BYTES = 16


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the file."""

    wire_version: int
    host: str
    epoch: str
    scopes: tuple[Snapshot, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_File)


def save(path: Path, host: str, state: Saved) -> None:
    """Write a complete picture to a file that only we can read. Errors: OSError."""
    snapshots = tuple(
        Snapshot(scope=name, revision=held.revision, entries=tuple(held.entries.values()))
        for name, held in sorted(state.scopes.items())
    )
    body = _encoder.encode(_File(wire_version=WIRE_VERSION, host=host, epoch=state.epoch, scopes=snapshots))
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_digest(body) + body)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def load(path: Path, host: str) -> Saved | None:
    """Read what was saved for this host; None when there is nothing that can be trusted, and the log says why."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("saved state cannot be read", path=str(path), reason=str(error))
        return None
    digest, body = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    if digest != _digest(body):
        _log.warning("saved state is damaged and ignored", path=str(path))
        return None
    try:
        file = _decoder.decode(body)
    except msgspec.DecodeError as error:
        _log.warning("saved state is of another make and ignored", path=str(path), reason=str(error))
        return None
    if file.wire_version != WIRE_VERSION or file.host != host:
        _log.warning("saved state is another host's or version's and ignored", path=str(path), host=file.host)
        return None
    return Saved(
        epoch=file.epoch,
        scopes={
            snapshot.scope: Held(snapshot.revision, {entry.key: entry for entry in snapshot.entries})
            for snapshot in file.scopes
        },
    )


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()

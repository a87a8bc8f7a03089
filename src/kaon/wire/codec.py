"""Bytes from messages and back: MessagePack with the shapes of `messages`."""

from typing import TypeVar

import msgspec

from kaon.wire.messages import FromHost, FromServer

M = TypeVar("M")

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A larger message is refused on both sides; a snapshot of 100,000 ports is about a fifth of it."""

_encoder = msgspec.msgpack.Encoder()
_from_host: msgspec.msgpack.Decoder[FromHost] = msgspec.msgpack.Decoder(FromHost)
_from_server: msgspec.msgpack.Decoder[FromServer] = msgspec.msgpack.Decoder(FromServer)


class BadMessage(ValueError):  # noqa: N818  # the name says it
    """The bytes are no message of ours; the text says what was wrong."""


def encode(message: FromHost | FromServer) -> bytes:
    """Make bytes of a message."""
    return _encoder.encode(message)


def decode_from_host(raw: bytes) -> FromHost:
    """Read what a host said. Errors: BadMessage."""
    return _decode(_from_host, raw)


def decode_from_server(raw: bytes) -> FromServer:
    """Read what a server said. Errors: BadMessage."""
    return _decode(_from_server, raw)


def _decode(decoder: msgspec.msgpack.Decoder[M], raw: bytes) -> M:
    if len(raw) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"message of {len(raw)} bytes, at most {MAX_MESSAGE_BYTES} are read")
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise BadMessage(str(error)) from error

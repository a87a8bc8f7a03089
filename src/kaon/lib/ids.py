"""Fresh identities, and what a text must look like to be one."""

import functools
import random
import uuid

from kaon.lib.addresses import normal_mac

_system = random.SystemRandom()


def new_id() -> str:
    """Make an identity that nobody has: 36 characters, lower case, with dashes."""
    return str(uuid.uuid4())


def new_mac(base: str, source: random.Random = _system) -> str:
    """Make a MAC address: the first octets of `base`, and random ones where `base` has zeroes at its end (three at least)."""
    kept = _kept(base)
    return ":".join([*kept, *(f"{octet:02x}" for octet in source.getrandbits(8 * (6 - len(kept))).to_bytes(6 - len(kept)))])


@functools.cache
def _kept(base: str) -> tuple[str, ...]:
    octets = normal_mac(base).split(":")
    return tuple(octets[: 4 if octets[3] != "00" else 3])

"""What could not be made true on a host, and for whom. Pure.

`Waiting` is known before anything is tried, `Trouble` after. Both name an owner: port/<id>, network/<id>, router/<id>,
dhcp/<network id>, floatingip/<id>, or "" for the host itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something desired cannot be said yet: what compile misses, in words for an operator."""

    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A step failed.

    transient  trying again later may help; False: something must change first (taken by others, unsupported, a bug)
    refused    the one command that all others failed with, where it is known and they can do without it
    namespace  where it was refused; "": the host's own
    """

    owner: str
    reason: str
    transient: bool = True
    refused: str = ""
    namespace: str = ""

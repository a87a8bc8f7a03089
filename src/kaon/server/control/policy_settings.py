"""What an operator decides about policy, as plain values: whoever holds them need not know how rules are read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DEFAULT_RULE: Final = "default"
"""What is asked for an action without a rule of its own."""


@dataclass(frozen=True)
class Remote:
    """How `http:` and `https:` checks ask; the options of [oslo_policy] of the same names."""

    remote_content_type: str = "application/x-www-form-urlencoded"
    remote_ssl_verify_server_crt: bool = False
    remote_ssl_ca_crt_file: str | None = None
    remote_ssl_client_crt_file: str | None = None
    remote_ssl_client_key_file: str | None = None
    remote_timeout: float = 60.0


@dataclass(frozen=True)
class PolicySettings:
    """Where an operator's rules are.

    file          policy.yaml; one that is not there changes nothing
    needed        whether the operator has named it, so that it must be there
    directories   files in these (not hidden) are read after it, in the order of their names; those that are not there are none
    default_rule  the rule that is asked for what has none
    remote        how `http:` checks ask
    """

    file: Path | None = None
    needed: bool = False
    directories: tuple[Path, ...] = ()
    default_rule: str = DEFAULT_RULE
    remote: Remote = field(default_factory=Remote)

"""What server and agent were told, read and checked. Plain values: whoever holds them need not know how they are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaon.server.control.policy_settings import PolicySettings
    from kaon.server.control.settings import ServerSettings
    from kaon.server.peers.settings import PeersSettings


class WrongSettings(ValueError):  # noqa: N818  # the name says it
    """The configuration cannot be used; the text names the option and says what was expected."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How an agent reaches the server, in keys of 32 bytes; and how much it logs."""

    server: str
    server_key: bytes
    secret: bytes
    heartbeat_s: float
    debug: bool = False


@dataclass(frozen=True)
class ServerConfiguration:
    """Everything `kaon server` is told.

    workers, threads     processes of the API, and requests at once in each
    files                that were read, in their order; none: the usual ones
    auth_strategy        none, http_basic or keystone
    user_file, project_file  of http_basic
    heartbeat_s          of hosts
    peers                other services that are told of what happens
    policy               where the operator's rules of policy are
    """

    files: tuple[Path, ...]
    bind_host: str
    bind_port: int
    workers: int
    threads: int
    auth_strategy: str
    user_file: Path
    project_file: Path
    max_body_bytes: int
    link_prefix: str
    database: str
    state_path: Path
    bus_bind: str
    bus_keys: Path
    heartbeat_s: float
    debug: bool
    control: "ServerSettings"
    peers: "PeersSettings"
    policy: "PolicySettings"

    @property
    def one_process(self) -> bool:
        """Tell whether API and feed live in one process."""
        return self.workers == 1 and self.database.startswith("sqlite")

"""The files an operator would write: configuration, keys, users. All below the lab's directory, on the disks of its hosts.

<host>:/var/lib/kaon/etc/server.conf     of `kaon server`
<host>:/var/lib/kaon/etc/passwords       users with bcrypt hashes; `projects` beside it: user:project:roles
<host>:/var/lib/kaon/etc/keys/           CURVE keys (layout: kaon.bus.keys)
<host>:/var/lib/kaon/etc/agent.conf      of `kaon agent`
<lab>/clouds.yaml                        for the openstack client on the machine: clouds admin, red and blue
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from kaon.bus.keys import make_host_keys, make_server_keys
from kaon.lab.topology import (
    API_PORT,
    BUS_PORT,
    PHYSICAL_NETWORK,
    PHYSNET_MTU,
    HostSpec,
    Lab,
)

ETC = Path("/var/lib/kaon/etc")  # as a host sees it
USERS: Mapping[str, tuple[str, str]] = {
    "admin": ("admin", "admin"),
    "red": ("red", "member"),
    "blue": ("blue", "member"),
}
"""User -> project and roles."""
_BCRYPT_ROUNDS = 4  # passwords of a lab are random and live as long as it

Sections = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Extras:
    """Options beyond what the lab needs, by section: for tests that want other limits or lease times."""

    server: Sections = field(default_factory=dict)
    agent: Sections = field(default_factory=dict)


def render(*layers: Sections) -> str:
    """An oslo.config file: sections in order, later layers over earlier ones; a sequence becomes comma-separated text."""
    merged: dict[str, dict[str, object]] = {}
    for layer in layers:
        for section, options in layer.items():
            merged.setdefault(section, {}).update(options)
    lines = []
    for section, options in merged.items():
        lines.append(f"[{section}]")
        for name, value in options.items():
            text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            lines.append(f"{name} = {text}")
        lines.append("")
    return "\n".join(lines)


def host_etc(lab: Lab, host: str) -> Path:
    """A host's configuration directory, as the machine sees it."""
    return lab.disk(host) / "kaon" / "etc"


def server_options(spec: HostSpec) -> Sections:
    """What `kaon server` is told."""
    return {
        "DEFAULT": {
            "bind_host": "127.0.0.1",
            "bind_port": API_PORT,
            "auth_strategy": "http_basic",
            "state_path": "/var/lib/kaon",
            "global_physnet_mtu": PHYSNET_MTU,
        },
        "http_basic": {"user_file": ETC / "passwords", "project_file": ETC / "projects"},
        "bus": {"bind": f"tcp://{spec.tunnel_ip}:{BUS_PORT}", "keys": ETC / "keys", "heartbeat_interval": 2.0},
    }


def agent_options(spec: HostSpec, server: HostSpec) -> Sections:
    """What `kaon agent` is told."""
    options: dict[str, dict[str, object]] = {
        "DEFAULT": {"host": spec.name, "roles": spec.roles, "state_path": "/var/lib/kaon"},
        "bus": {"server": f"tcp://{server.tunnel_ip}:{BUS_PORT}", "keys": ETC / "keys", "heartbeat": 1.0},
        "vxlan": {"local_ip": spec.tunnel_ip},
        "linux_bridge": {},
    }
    if spec.external:
        options["linux_bridge"]["physical_interface_mappings"] = f"{PHYSICAL_NETWORK}:eth1"
    return options


def write_users(lab: Lab, server: str) -> Mapping[str, str]:
    """Make users with random passwords on the server's disk; give the passwords by user."""
    etc = host_etc(lab, server)
    etc.mkdir(parents=True, exist_ok=True)
    passwords = {user: secrets.token_urlsafe(12) for user in USERS}
    hashes = {user: bcrypt.hashpw(word.encode(), bcrypt.gensalt(_BCRYPT_ROUNDS)).decode() for user, word in passwords.items()}
    (etc / "passwords").write_text("".join(f"{user}:{text}\n" for user, text in hashes.items()))
    (etc / "projects").write_text("".join(f"{user}:{project}:{roles}\n" for user, (project, roles) in USERS.items()))
    return passwords


def write_all(lab: Lab, hosts: Sequence[HostSpec], extras: Extras) -> Mapping[str, str]:
    """Write every host's files; give the users' passwords. The hosts' disks must exist."""
    server = next(spec for spec in hosts if spec.server)
    passwords = write_users(lab, server.name)
    keys = host_etc(lab, server.name) / "keys"
    make_server_keys(keys)
    (host_etc(lab, server.name) / "server.conf").write_text(render(server_options(server), extras.server))
    for spec in hosts:
        if spec.roles:
            etc = host_etc(lab, spec.name)
            etc.mkdir(parents=True, exist_ok=True)
            make_host_keys(keys, spec.name, etc / "keys")
            (etc / "agent.conf").write_text(render(agent_options(spec, server), extras.agent))
    return passwords


def write_clouds(lab: Lab, endpoint: str, passwords: Mapping[str, str]) -> Path:
    """Write clouds.yaml for the openstack client (JSON is YAML); give its path. Only its owner may read it."""
    clouds = {
        user: {"auth_type": "http_basic", "auth": {"username": user, "password": word, "endpoint": endpoint}}
        for user, word in passwords.items()
    }
    path = lab.directory / "clouds.yaml"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"clouds": clouds}, indent=2) + "\n")
    return path

"""Options of `kaon agent`: oslo.config files, with Neutron's names where the meaning is the same."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from oslo_config import cfg

from kaon.bus.keys import HOST_SECRET, SERVER_KEY, BadKey, is_host_name, read_key
from kaon.cmd.configured import Connection, WrongSettings
from kaon.host.agent.loop import LoopSettings
from kaon.host.agent.settings import AgentSettings
from kaon.host.compile.subnets import DhcpSettings
from kaon.wire.messages import Role

DEFAULT_FILES = (Path("/etc/kaon/kaon.conf"), Path("/etc/kaon/agent.conf"))
"""Read in this order when no file is named; those that do not exist are passed over."""

_RESOURCES = {
    "resource_provider_bandwidths": "What ports may ask a minimum of: interface:egress:ingress in kbit/s, ...; all tunnels are "
    "the interface rp_tunnelled. The server tells Placement.",
    "resource_provider_hypervisors": "Interfaces of compute nodes that have other names than this host: interface:name, ...",
    "resource_provider_packet_processing_without_direction": "Thousand packets/s that this host forwards: compute node:number.",
    "resource_provider_packet_processing_with_direction": "The same for each direction: compute node:egress:ingress.",
    "resource_provider_inventory_defaults": "Of bandwidths: allocation_ratio:number, min_unit, max_unit, reserved, step_size.",
    "resource_provider_packet_processing_inventory_defaults": "The same of packet rates.",
}

GROUPS: dict[str, Sequence[Any]] = {
    "DEFAULT": (
        cfg.StrOpt("host", help="Name of this host; its key must belong to it. Default: the machine's host name."),
        cfg.ListOpt("roles", default=["l2", "l3", "dhcp"], help="What the agent does here: l2, l3, dhcp."),
        cfg.StrOpt("state_path", default="/var/lib/kaon", help="Directory of what survives a reboot."),
        cfg.StrOpt("run_path", default="/run/kaon", help="Directory of what goes with a reboot; must be on a tmpfs."),
        cfg.BoolOpt("debug", default=False, help="Log more."),
        cfg.IntOpt("dhcp_lease_duration", default=86400, min=120, help="Seconds that a DHCP lease lasts."),
        cfg.StrOpt("dns_domain", default="openstacklocal", help="Domain of clients whose network has none of its own."),
    ),
    "bus": (
        cfg.StrOpt("server", help="Where the server listens: tcp://address:port, IPv6 in brackets."),
        cfg.StrOpt("keys", default="/etc/kaon/keys", help="Directory with host.secret and server.key."),
        cfg.FloatOpt(
            "heartbeat", default=5.0, min=0.5, help="Seconds between beats on the connection; three unanswered end it."
        ),
    ),
    "vxlan": (
        cfg.StrOpt("local_ip", help="Address where this host's tunnels end. Without one there are no vxlan networks."),
        cfg.PortOpt("udp_dstport", default=4789, help="UDP port of the tunnels, the same on all hosts."),
    ),
    "linux_bridge": (
        cfg.ListOpt("physical_interface_mappings", default=[], help="Provider networks on this host: network:interface, ..."),
        *(cfg.ListOpt(name, default=[], help=text) for name, text in _RESOURCES.items()),
    ),
    "agent": (
        cfg.StrOpt("availability_zone", default="nova", max_length=255, help="Part of the cloud that this host fails with."),
        cfg.FloatOpt(
            "drift_interval", default=60.0, min=1.0, help="Seconds between looks at all of the host: what broke is mended."
        ),
        cfg.FloatOpt("supervise_interval", default=2.0, min=0.2, help="Seconds between looks whether the daemons live."),
        cfg.FloatOpt("retry_first", default=0.5, min=0.05, help="Seconds before a failed step is tried again; doubles."),
        cfg.FloatOpt("retry_longest", default=60.0, min=1.0, help="Most seconds between two tries."),
        cfg.FloatOpt(
            "offline_after",
            default=20.0,
            min=0.0,
            help="Seconds without a server after a reboot until the saved state counts.",
        ),
    ),
}
"""Section -> its options."""


def load(files: Sequence[Path]) -> tuple[AgentSettings, Connection]:
    """Read configuration files. Errors: WrongSettings."""
    found = files or [file for file in DEFAULT_FILES if file.exists()]
    conf = cfg.ConfigOpts()
    for group, options in GROUPS.items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)
    try:
        conf(args=[], project="kaon", default_config_files=[str(file) for file in found], default_config_dirs=[])
        return _settings(conf), _connection(conf)
    except cfg.ConfigFilesNotFoundError as error:
        raise WrongSettings(f"no such configuration file: {', '.join(error.config_files)}") from error
    except (cfg.Error, OSError) as error:
        raise WrongSettings(str(error)) from error


def _settings(conf: Any) -> AgentSettings:
    host = conf.host or socket.gethostname()
    if not is_host_name(host):
        raise WrongSettings(f"host: {host!r} is no host name: expected letters, digits, '.', '-', '_'")
    return AgentSettings(
        host=host,
        roles=_roles(conf.roles),
        state_path=_directory("state_path", conf.state_path),
        run_path=_directory("run_path", conf.run_path),
        tunnel_ip=_address("[vxlan] local_ip", conf.vxlan.local_ip),
        physical=_mappings(conf.linux_bridge.physical_interface_mappings),
        resources=_resources(conf.linux_bridge),
        vxlan_port=conf.vxlan.udp_dstport,
        availability_zone=conf.agent.availability_zone,
        dhcp=DhcpSettings(lease_s=conf.dhcp_lease_duration, dns_domain=conf.dns_domain.strip(".")),
        loop=LoopSettings(
            drift_interval_s=conf.agent.drift_interval,
            supervise_interval_s=conf.agent.supervise_interval,
            retry_first_s=conf.agent.retry_first,
            retry_longest_s=conf.agent.retry_longest,
            offline_after_s=conf.agent.offline_after,
        ),
    )


def _connection(conf: Any) -> Connection:
    if not conf.bus.server or not conf.bus.server.startswith("tcp://"):
        raise WrongSettings(f"[bus] server: {conf.bus.server!r} is no endpoint: expected tcp://address:port")
    keys = Path(conf.bus["keys"])
    try:
        server_key, secret = read_key(keys / SERVER_KEY), read_key(keys / HOST_SECRET)
    except BadKey as error:
        raise WrongSettings(f"[bus] keys: {error}") from error
    return Connection(conf.bus.server, server_key, secret, conf.bus.heartbeat, conf.debug)


def _roles(words: Sequence[str]) -> tuple[Role, ...]:
    known = [role.value for role in (Role.L2, Role.L3, Role.DHCP)]
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        raise WrongSettings(f"roles: {', '.join(unknown) or 'none'} given: expected some of {', '.join(known)}")
    return tuple(sorted({Role(word) for word in words}))


def _directory(option: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise WrongSettings(f"{option}: {text!r} is no absolute path")
    return path


def _address(option: str, text: str | None) -> str | None:
    if not text:
        return None
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise WrongSettings(f"{option}: {text!r} is no IPv4 or IPv6 address") from error


def _resources(options: Any) -> dict[str, str]:
    """Give what is reported as it stands, each option that is used. Numbers: as many as its words have parts but the first."""
    found: dict[str, str] = {}
    for name, expected in _RESOURCES.items():
        parts = 3 if name.endswith(("bandwidths", "with_direction")) else 2
        for word in options[name]:
            key, *values = (part.strip() for part in word.split(":"))
            numbers = [value for value in values if value]
            numeric = name.endswith("hypervisors") or all(value.replace(".", "", 1).isdecimal() for value in numbers)
            if not key or len(values) != parts - 1 or not numbers or not numeric:
                raise WrongSettings(f"[linux_bridge] {name}: {word!r}: expected {expected}")
        if options[name]:
            found[name] = ",".join(options[name])
    return found


def _mappings(words: Sequence[str]) -> dict[str, str]:
    mappings: dict[str, str] = {}
    for word in words:
        network, _, interface = (part.strip() for part in word.partition(":"))
        if not network or not interface or network in mappings or interface in mappings.values():
            raise WrongSettings(
                f"[linux_bridge] physical_interface_mappings: {word!r}: expected network:interface, each only once"
            )
        mappings[network] = interface
    return mappings

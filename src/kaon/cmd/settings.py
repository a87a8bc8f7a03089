"""Options of `kaon server`, as oslo.config reads them, and what they become: frozen values for the rooms.

Names are Neutron's where the meaning is the same; its sections too. Options of Neutron's that Kaon does not know are passed
over, as oslo.config does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg

from kaon.cmd import peer_settings, policy_settings
from kaon.cmd.configured import ServerConfiguration, WrongSettings
from kaon.lib.addresses import normal_mac
from kaon.server.control.settings import DEFAULT_QUOTAS, ServerSettings

DEFAULT_FILES = (Path("/etc/kaon/kaon.conf"), Path("/etc/kaon/server.conf"))
"""Read in this order when no file is named; those that do not exist are passed over."""

_MOST_VNI = 16_777_215
_HIGHEST = {"vlan": 4094, "vxlan": _MOST_VNI, "geneve": _MOST_VNI, "gre": 4_294_967_295}
_KINDS = ("flat", "local", *_HIGHEST)

_DEFAULT = [
    cfg.HostAddressOpt("bind_host", default="127.0.0.1", help="Address the API listens on."),
    cfg.PortOpt("bind_port", default=9696, help="Port the API listens on."),
    cfg.IntOpt(
        "api_workers", min=1, max=256, default=1, help="Processes that answer the API. One, with SQLite: no others at all."
    ),
    cfg.IntOpt("api_threads", min=1, max=256, default=16, help="Requests that one API process works on at once."),
    cfg.StrOpt(
        "auth_strategy",
        default="none",
        choices=[
            ("none", "Everybody is an administrator; refused unless bind_host is a loopback address."),
            ("noauth", "Neutron's word for none."),
            ("http_basic", "Users from the files of section [http_basic]."),
            ("keystone", "Tokens of Keystone, see section [keystone_authtoken]."),
        ],
        help="How callers of the API are authenticated.",
    ),
    cfg.StrOpt("state_path", default="/var/lib/kaon", help="Directory for what must outlive the process."),
    cfg.BoolOpt("debug", default=False, help="Log more."),
    cfg.StrOpt("api_link_prefix", default="", help="What stands before the path in links when a proxy cuts it off."),
    cfg.StrOpt("base_mac", default="fa:16:3e:00:00:00", help="How generated MAC addresses begin."),
    cfg.IntOpt("global_physnet_mtu", min=576, max=65535, default=1500, help="Bytes of an IP packet on the underlay."),
    cfg.IntOpt("max_dns_nameservers", min=0, default=5, help="Of one subnet."),
    cfg.IntOpt("max_subnet_host_routes", min=0, default=20, help="Of one subnet."),
    cfg.IntOpt("max_allowed_address_pair", min=0, default=10, help="Of one port."),
    cfg.StrOpt(
        "dns_domain", default="openstacklocal", help="Domain of the names that ports have; the default: none was chosen."
    ),
    cfg.ListOpt(
        "default_availability_zones", default=[], help="Where networks and routers are that name no zone; by default anywhere."
    ),
    cfg.IntOpt("dhcp_agents_per_network", min=1, default=1, help="Hosts that serve one network with DHCP."),
    cfg.IntOpt("agent_down_time", min=1, default=75, help="Seconds after which an agent that is not heard of is dead."),
    cfg.StrOpt("pagination_max_limit", default="-1", help="Largest page of a list; -1 or infinite: no limit."),
]
_DATABASE = [
    cfg.StrOpt("connection", secret=True, help="SQLAlchemy URL; by default a SQLite file in state_path."),
]
_HTTP_BASIC = [
    cfg.StrOpt("user_file", help="Lines of user:bcrypt hash, as htpasswd -B writes them."),
    cfg.StrOpt("project_file", help="Lines of user:project id:role[,role...]."),
]
_BODY = [cfg.IntOpt("max_request_body_size", min=1024, default=114_688, help="Bytes of a request's body.")]
_ML2 = [
    cfg.ListOpt(
        "type_drivers",
        default=["flat", "vxlan"],
        help="Types that networks may have. Ports of types that no host wires stay unbound.",
    ),
    cfg.ListOpt(
        "tenant_network_types",
        default=["vxlan"],
        deprecated_name="project_network_types",
        help="Tried in order for networks whose type is not given.",
    ),
    cfg.StrOpt("external_network_type", help="Of external networks whose type is not given; by default as of others."),
]
_VLAN = [
    cfg.ListOpt(
        "network_vlan_ranges",
        default=[],
        help="Physical networks with VLANs, network:first:last or, where administrators choose the ids, network.",
    ),
]
_GRE = [cfg.ListOpt("tunnel_id_ranges", default=[], help="Ranges first:last of GRE network identifiers.")]
_GENEVE = [cfg.ListOpt("vni_ranges", default=[], help="Ranges first:last of Geneve network identifiers.")]
_VXLAN = [cfg.ListOpt("vni_ranges", default=[f"1:{_MOST_VNI}"], help="Ranges first:last of VXLAN network identifiers.")]
_FLAT = [cfg.ListOpt("flat_networks", default=["*"], help="Physical networks that flat networks may use; *: any.")]
_QUOTAS = [
    cfg.IntOpt(f"quota_{resource}", min=-1, default=limit, help="For projects without their own; -1: unlimited.")
    for resource, limit in DEFAULT_QUOTAS.items()
]
_BUS = [
    cfg.StrOpt("bind", default="tcp://127.0.0.1:9697", help="Where hosts connect: tcp://address:port, IPv6 in brackets."),
    cfg.StrOpt("keys", help="Directory of CURVE keys (see `kaon keys`); by default `keys` in state_path."),
    cfg.FloatOpt("heartbeat_interval", min=0.1, max=3600.0, default=10.0, help="Seconds between two heartbeats of a host."),
]

SERVER_OPTIONS: Mapping[str, Sequence[cfg.Opt]] = {
    "DEFAULT": [*_DEFAULT, *peer_settings.DEFAULT_OPTIONS],
    "database": _DATABASE,
    "http_basic": _HTTP_BASIC,
    "oslo_middleware": _BODY,
    "ml2": _ML2,
    "ml2_type_vxlan": _VXLAN,
    "ml2_type_vlan": _VLAN,
    "ml2_type_gre": _GRE,
    "ml2_type_geneve": _GENEVE,
    "ml2_type_flat": _FLAT,
    "quotas": _QUOTAS,
    "bus": _BUS,
    **peer_settings.OPTIONS,
    **policy_settings.OPTIONS,
}
"""Section -> options of `kaon server`."""


def read_files(files: Sequence[Path], options: Mapping[str, Sequence[cfg.Opt]]) -> Any:
    """Read configuration files into a ConfigOpts with these options. Errors: WrongSettings."""
    conf = cfg.ConfigOpts()
    for section, those in options.items():
        conf.register_opts(those, group=None if section == "DEFAULT" else section)
    found = files or [file for file in DEFAULT_FILES if file.exists()]
    try:
        conf(args=[], project="kaon", default_config_files=[str(file) for file in found], default_config_dirs=[])
    except cfg.ConfigFilesNotFoundError as error:
        raise WrongSettings(f"no such configuration file: {', '.join(error.config_files)}") from error
    except cfg.Error as error:
        raise WrongSettings(str(error)) from error
    return conf


def server_configuration(files: Sequence[Path]) -> ServerConfiguration:
    """Read what `kaon server` is told. Errors: WrongSettings."""
    conf = read_files(files, SERVER_OPTIONS)
    try:
        return _server(conf, files)
    except cfg.Error as error:
        raise WrongSettings(str(error)) from error


def _server(conf: Any, files: Sequence[Path]) -> ServerConfiguration:
    state_path = Path(conf.state_path)
    strategy = "none" if conf.auth_strategy == "noauth" else conf.auth_strategy
    if strategy == "http_basic" and not (conf.http_basic.user_file and conf.http_basic.project_file):
        raise WrongSettings("auth_strategy = http_basic needs user_file and project_file in section [http_basic]")
    if not conf.bus.bind.startswith("tcp://"):
        raise WrongSettings(f"[bus] bind = {conf.bus.bind}: expected tcp://address:port")
    return ServerConfiguration(
        files=tuple(files),
        bind_host=conf.bind_host,
        bind_port=conf.bind_port,
        workers=conf.api_workers,
        threads=conf.api_threads,
        auth_strategy=strategy,
        user_file=Path(conf.http_basic.user_file or ""),
        project_file=Path(conf.http_basic.project_file or ""),
        max_body_bytes=conf.oslo_middleware.max_request_body_size,
        link_prefix=conf.api_link_prefix,
        database=conf.database.connection or f"sqlite:///{state_path / 'kaon.sqlite'}",
        state_path=state_path,
        bus_bind=conf.bus.bind,
        bus_keys=Path(conf.bus["keys"] or state_path / "keys"),
        heartbeat_s=conf.bus.heartbeat_interval,
        debug=conf.debug,
        control=peer_settings.with_notices(_control(conf), conf),
        peers=peer_settings.peers(conf),
        policy=policy_settings.policy(conf),
    )


def _control(conf: Any) -> ServerSettings:
    choosable = [word for word in conf.ml2.type_drivers if word != "flat"]  # of which the server can choose a segment by itself
    outside = [word for word in (conf.ml2.external_network_type,) if word]
    return ServerSettings(
        base_mac=_base_mac(conf.base_mac),
        vni_ranges=_ranges("[ml2_type_vxlan] vni_ranges", "vxlan", conf.ml2_type_vxlan.vni_ranges),
        flat_networks=tuple(conf.ml2_type_flat.flat_networks),
        type_drivers=_types("type_drivers", conf.ml2.type_drivers, _KINDS),
        vlan_ranges=_vlan_ranges(conf.ml2_type_vlan.network_vlan_ranges),
        gre_ranges=_ranges("[ml2_type_gre] tunnel_id_ranges", "gre", conf.ml2_type_gre.tunnel_id_ranges),
        geneve_ranges=_ranges("[ml2_type_geneve] vni_ranges", "geneve", conf.ml2_type_geneve.vni_ranges),
        tenant_network_types=_types("tenant_network_types", conf.ml2.tenant_network_types, choosable),
        external_network_type=_types("external_network_type", outside, choosable)[0] if outside else "",
        default_availability_zones=tuple(conf.default_availability_zones),
        underlay_mtu=conf.global_physnet_mtu,
        quotas={resource: getattr(conf.quotas, f"quota_{resource}") for resource in DEFAULT_QUOTAS},
        max_dns_nameservers=conf.max_dns_nameservers,
        max_subnet_host_routes=conf.max_subnet_host_routes,
        max_allowed_address_pair=conf.max_allowed_address_pair,
        dns_domain=conf.dns_domain.lower(),
        dhcp_agents_per_network=conf.dhcp_agents_per_network,
        agent_down_time_s=float(conf.agent_down_time),
        page_limit=_page_limit(conf.pagination_max_limit),
    )


def _types(option: str, types: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    unknown = [word for word in types if word not in known]
    if unknown or not types:
        raise WrongSettings(f"[ml2] {option} = {','.join(types)}: expected some of {', '.join(known)}")
    return tuple(types)


def _base_mac(text: str) -> str:
    try:
        return normal_mac(text)
    except ValueError as error:
        raise WrongSettings(f"base_mac = {text}: expected six octets such as fa:16:3e:00:00:00") from error


def _ranges(option: str, kind: str, texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    return tuple(_range(option, kind, text) for text in texts)


def _range(option: str, kind: str, text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    most = _HIGHEST[kind]
    try:
        numbers = int(first), int(last)
    except ValueError:
        numbers = (0, 0)
    if not 1 <= numbers[0] <= numbers[1] <= most:
        raise WrongSettings(f"{option}: {text!r}: expected first:last within 1:{most}")
    return numbers


def _vlan_ranges(texts: Sequence[str]) -> dict[str, tuple[tuple[int, int], ...]]:
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for text in texts:
        physical, colon, numbers = text.partition(":")
        if not physical:
            raise WrongSettings(f"[ml2_type_vlan] network_vlan_ranges: {text!r}: expected network or network:first:last")
        more = (_range("[ml2_type_vlan] network_vlan_ranges", "vlan", numbers),) if colon else ()
        found[physical] = (*found.get(physical, ()), *more)
    return found


def _page_limit(text: str) -> int:
    if text in {"-1", "infinite"}:
        return 0
    if not text.isdecimal() or int(text) == 0:
        raise WrongSettings(f"pagination_max_limit = {text}: expected a number of rows, -1 or infinite")
    return int(text)

"""Options for the services that Kaon itself asks: Nova, Placement, Designate. Sections and names are Neutron's.

The options of keystoneauth's plugins are declared here: reading them does without keystoneauth, and the manual has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oslo_config import cfg

from kaon.cmd.configured import WrongSettings
from kaon.server.control.settings import ServerSettings
from kaon.server.peers.settings import DesignateSettings, NovaSettings, PeerSettings, PeersSettings

_USER = (
    "username",
    "user_id",
    "password",
    "user_domain_id",
    "user_domain_name",
)
_SCOPE = (
    "project_id",
    "project_name",
    "project_domain_id",
    "project_domain_name",
    "domain_id",
    "domain_name",
    "system_scope",
    "trust_id",
)
_CREDENTIAL = ("application_credential_id", "application_credential_name", "application_credential_secret")
_V3 = ("auth_url", *_USER, *_SCOPE)

_PLUGINS: Mapping[str, tuple[str, ...]] = {
    "password": (*_V3, "default_domain_id", "default_domain_name"),
    "v3password": _V3,
    "v3applicationcredential": ("auth_url", *_USER[:2], *_USER[3:], *_CREDENTIAL),
    "http_basic": ("username", "password", "endpoint"),
    "none": ("endpoint",),
}
"""Plugin of keystoneauth -> its options."""

_HELP = {
    "auth_url": "Where Keystone is.",
    "username": "Who asks.",
    "user_id": "As username, by id.",
    "password": "Of that user.",
    "user_domain_id": "Domain of the user, by id.",
    "user_domain_name": "Domain of the user.",
    "project_id": "As project_name, by id.",
    "project_name": "Project that the user acts in.",
    "project_domain_id": "Domain of the project, by id.",
    "project_domain_name": "Domain of the project.",
    "domain_id": "Domain that the user acts in, by id.",
    "domain_name": "Domain that the user acts in.",
    "system_scope": "`all`: the user acts in the system.",
    "trust_id": "A trust that the user acts by.",
    "default_domain_id": "Domain of user and project where theirs is not given, by id.",
    "default_domain_name": "Domain of user and project where theirs is not given.",
    "application_credential_id": "For auth_type v3applicationcredential.",
    "application_credential_name": "As application_credential_id, by name; then the user is needed too.",
    "application_credential_secret": "Of that application credential.",
    "endpoint": "For auth_type none and http_basic: where the service is.",
}
_SECRET = {"password", "application_credential_secret"}


def _session(service: str, *, timeout_s: int) -> list[cfg.Opt]:
    """Declare how a service is found and who asks it."""
    return [
        cfg.StrOpt("auth_type", choices=tuple(_PLUGINS), help=f"Plugin of keystoneauth. Without it {service} is not asked."),
        *(cfg.StrOpt(name, secret=name in _SECRET, help=text) for name, text in _HELP.items()),
        cfg.StrOpt("region_name", help="Region of the endpoint in Keystone's catalogue."),
        cfg.StrOpt(
            "endpoint_type", default="public", choices=("public", "internal", "admin"), help="Which of its endpoints is used."
        ),
        cfg.StrOpt("endpoint_override", help="Where the service is, whatever the catalogue says."),
        cfg.StrOpt("cafile", help="Certificates that its own is checked with; by default those of the system."),
        cfg.BoolOpt("insecure", default=False, help="Do not check its certificate."),
        cfg.StrOpt("certfile", help="Our own certificate."),
        cfg.StrOpt("keyfile", help="The key of our own certificate."),
        cfg.IntOpt("timeout", min=1, max=600, default=timeout_s, help="Seconds to wait for a connection or an answer."),
    ]


DEFAULT_OPTIONS: Sequence[cfg.Opt] = [
    cfg.BoolOpt(
        "notify_nova_on_port_status_changes", default=True, help="Tell Nova when ports of servers are plugged or unplugged."
    ),
    cfg.BoolOpt(
        "notify_nova_on_port_data_changes",
        default=True,
        help="Tell Nova when ports of servers, or floating IPs of theirs, change or are deleted.",
    ),
    cfg.IntOpt("send_events_interval", min=0, max=60, default=2, help="Least seconds between two batches of events to Nova."),
    cfg.StrOpt(
        "external_dns_driver",
        choices=("designate",),
        help="Who publishes names of ports and floating IPs: see section [designate]; by default nobody.",
    ),
]
"""Of section DEFAULT."""

_DESIGNATE = [
    cfg.StrOpt("url", help="Where Designate is, whatever the catalogue says."),
    cfg.BoolOpt("allow_reverse_dns_lookup", default=True, help="Publish names of addresses (PTR), too."),
    cfg.IntOpt("ipv4_ptr_zone_prefix_size", default=24, min=8, max=24, help="Bits of IPv4 addresses in one zone: 8, 16 or 24."),
    cfg.IntOpt("ipv6_ptr_zone_prefix_size", default=120, min=4, max=124, help="Bits of IPv6 addresses in one zone: times 4."),
    cfg.StrOpt("ptr_zone_email", default="", help="Of zones made for addresses; by default admin@ the domain."),
]

OPTIONS: Mapping[str, Sequence[cfg.Opt]] = {
    "nova": _session("Nova", timeout_s=10),
    "placement": _session("Placement", timeout_s=30),
    "designate": [*_session("Designate", timeout_s=30), *_DESIGNATE],
}
"""Section -> options."""


def peers(conf: Any) -> PeersSettings:
    """Say which services are asked, and how. Errors: WrongSettings."""
    nova = _peer(conf, "nova")
    return PeersSettings(
        nova=NovaSettings(nova, interval_s=float(conf.send_events_interval)) if nova else None,
        designate=_designate(conf) if conf.external_dns_driver else None,
        placement=_peer(conf, "placement"),
    )


def with_notices(settings: ServerSettings, conf: Any) -> ServerSettings:
    """Add what other services are told."""
    nova = bool(conf.nova.auth_type)
    return replace(
        settings,
        notify_nova_of_status=nova and conf.notify_nova_on_port_status_changes,
        notify_nova_of_data=nova and conf.notify_nova_on_port_data_changes,
        external_dns=bool(conf.external_dns_driver),
    )


def _designate(conf: Any) -> DesignateSettings:
    peer, told = _peer(conf, "designate"), conf.designate
    if peer is None:
        raise WrongSettings("external_dns_driver = designate needs auth_type in section [designate]")
    for name, step in (("ipv4_ptr_zone_prefix_size", 8), ("ipv6_ptr_zone_prefix_size", 4)):
        if told[name] % step:
            raise WrongSettings(f"[designate] {name} = {told[name]}: expected a multiple of {step}")
    url = (told.url or peer.endpoint_override).rstrip("/").removesuffix("/v2")
    return DesignateSettings(
        replace(peer, endpoint_override=url),
        allow_reverse_dns_lookup=told.allow_reverse_dns_lookup,
        ipv4_ptr_zone_prefix_size=told.ipv4_ptr_zone_prefix_size,
        ipv6_ptr_zone_prefix_size=told.ipv6_ptr_zone_prefix_size,
        ptr_zone_email=told.ptr_zone_email,
    )


def _peer(conf: Any, section: str) -> PeerSettings | None:
    told = conf[section]
    if not told.auth_type:
        if told.auth_url or told.endpoint or told.endpoint_override:
            raise WrongSettings(f"[{section}] needs auth_type: one of {', '.join(_PLUGINS)}")
        return None
    return PeerSettings(
        auth_type=told.auth_type,
        auth={name: told[name] for name in _PLUGINS[told.auth_type] if told[name]},
        region_name=told.region_name or "",
        interface=told.endpoint_type,
        endpoint_override=told.endpoint_override or "",
        cafile=told.cafile or "",
        insecure=told.insecure,
        certfile=told.certfile or "",
        keyfile=told.keyfile or "",
        timeout_s=float(told.timeout),
    )

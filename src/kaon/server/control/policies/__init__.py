"""Default rules of the API, by topic: Neutron's, under its names, so that an operator's policy.yaml means the same here.

Here      for each rule its name and whom it lets, in the language of oslo.policy.
Not here  what rules mean (`control.rules`), where they are asked (`control.policy`).
Process   API workers.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from kaon.server.control.policies import (
    address_groups,
    address_scopes,
    agents,
    base,
    floatingips,
    local_ips,
    logs,
    metering,
    ndp_proxies,
    networks,
    ports,
    private_vlans,
    qos,
    quotas,
    rbac_policies,
    routers,
    security_groups,
    segments,
    services,
    subnetpools,
    subnets,
    trunks,
)
from kaon.server.control.rules import Policy

TOPICS: Final[Mapping[str, Mapping[str, str]]] = {
    topic.__name__.rpartition(".")[2]: topic.RULES
    for topic in (
        base,
        address_groups,
        address_scopes,
        agents,
        floatingips,
        local_ips,
        logs,
        metering,
        ndp_proxies,
        networks,
        ports,
        private_vlans,
        qos,
        quotas,
        rbac_policies,
        routers,
        security_groups,
        segments,
        services,
        subnetpools,
        subnets,
        trunks,
    )
}
"""Topic -> its rules."""

DEFAULTS: Final[Mapping[str, str]] = {name: rule for rules in TOPICS.values() for name, rule in rules.items()}
"""Every default rule by name."""


def former(name: str) -> str:
    """The name that a rule about tags had in earlier releases of Neutron, under which operators may have written it; or ""."""
    verb, _, rest = name.removesuffix(":tags").partition("_")
    if not name.endswith(":tags"):
        return ""
    return f"{verb}_{rest.removesuffix('y') + 'ies' if rest.endswith('y') else rest + 's'}_tags"


def merged(overrides: Mapping[str, str]) -> dict[str, str]:
    """The defaults with an operator's rules in their place."""
    renamed = {name: overrides[former(name)] for name in DEFAULTS if former(name) in overrides}
    return {**DEFAULTS, **renamed, **overrides}


@cache
def neutron_defaults() -> Policy:
    """The defaults, compiled once."""
    return Policy(DEFAULTS)

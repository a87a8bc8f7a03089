"""What has a QoS policy: ports, networks, floating IPs, gateways of routers. Who may give one, who hears of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from kaon.model.errors.qos import PolicyRemoveAuthorizationError, QosRuleNotSupported, QosRuleNotSupportedByNetwork
from kaon.model.qos_policies import effective
from kaon.model.query import Row
from kaon.model.resource_requests import KINDS as ASKING
from kaon.server.control import binding, policy
from kaon.server.control.core import Caller, Core
from kaon.server.control.qos_policies import find
from kaon.server.store import qos_policies
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

COMPUTE = "compute:"
"""What the owner of a VM's port begins with."""


def check(core: Core, caller: Caller, tx: Transaction, wanted: str | None, **of: str) -> None:
    """Let something new have the policy that a caller names; None: none.

    of  `backend`, and `port_id` or `network_id`, where the back end must support its rules

    Errors  QosPolicyNotFound, QosRuleNotSupported, QosRuleNotSupportedByNetwork.
    """
    if wanted is None:
        return
    row = find(caller, tx, wanted)
    supported = core.backends[of["backend"]].capabilities.qos_rules if of else None
    lacking = [rule["type"] for rule in row["rules"] if supported is not None and rule["type"] not in supported]
    if lacking and "port_id" in of:
        raise QosRuleNotSupported(rule_type=lacking[0], port_id=of["port_id"])
    if lacking:
        raise QosRuleNotSupportedByNetwork(rule_type=lacking[0], network_id=of["network_id"])


def check_change(
    core: Core, caller: Caller, tx: Transaction, before: str | None, changes: Mapping[str, Any], **of: str
) -> None:
    """Let a caller change the policy of something from what it was, when `qos_policy_id` is among the changes.

    Errors  PolicyRemoveAuthorizationError for one that the caller may not see, and those of `check`.
    """
    if "qos_policy_id" not in changes or changes["qos_policy_id"] == before:
        return
    had = qos_policies.show(tx, before, caller.project_id) if before is not None else None
    if had is not None and not policy.visible(caller, "policies", had, had):
        raise PolicyRemoveAuthorizationError(policy_id=before)
    check(core, caller, tx, changes["qos_policy_id"], **of)


def check_port_change(  # noqa: PLR0913, PLR0917  # of whom, what, and who asks
    core: Core, caller: Caller, tx: Transaction, port: Row, changes: Mapping[str, Any], backend: str
) -> None:
    """Let a caller change the policy of a port. Errors: those of `check_change` and `check_allocation`."""
    if "qos_policy_id" in changes:
        check_change(core, caller, tx, port["qos_policy_id"], changes, backend=backend, port_id=port["id"])
        check_allocation(tx, port, changes["qos_policy_id"], port["qos_network_policy_id"])


def of_new_network(core: Core, caller: Caller, tx: Transaction, row: Row, backend: str) -> str | None:
    """Give the policy of a new network: the one it names, or the default one of its project. Errors: those of `check`."""
    wanted: str | None = row["qos_policy_id"] or qos_policies.default_of(tx, row["project_id"])
    check(core, caller, tx, wanted, backend=backend, network_id=row["id"])
    return wanted


def check_allocation(tx: Transaction, port: Mapping[str, Any], own: str | None, of_network: str | None) -> None:
    """Refuse another policy for a VM's port when Nova has allocated what its rules ask for. Errors: NotImplementedError.

    port  as it is stored; own and of_network are the policies that it shall have
    """
    had, wanted = port["qos_policy_id"] or port["qos_network_policy_id"], own or of_network
    if had == wanted or not port["device_owner"].startswith(COMPUTE) or not port["binding:profile"].get("allocation"):
        return
    if any(rule["type"] in ASKING for policy_id in (had, wanted) for rule in _rules(tx, policy_id)):
        raise NotImplementedError(f"what Placement has allocated for port {port['id']} cannot be changed with its QoS policy")


def touch(tx: Transaction, policy_id: str) -> list[Row]:
    """Tell the hosts of all that is under a policy that it has changed; give the ports (see `store.qos_policies`)."""
    qos_policies.hold(tx, policy_id)
    under = qos_policies.ports_under(tx, policy_id)
    _touch_ports(tx, [port for port in under if effective(port) == policy_id])
    _touch_floatingips(tx, qos_policies.floatingips_under(tx, policy_id))
    for router_id in qos_policies.routers_under(tx, policy_id):
        tx.touch(scopes.router(router_id), "router")
    return under


def _touch_floatingips(tx: Transaction, found: Sequence[tuple[str, str]]) -> None:
    for router_id, floatingip_id in found:
        tx.touch(scopes.router(router_id), f"floatingip/{floatingip_id}")


def _touch_ports(tx: Transaction, ports: Sequence[Row]) -> None:
    for port in ports:
        host = binding.wired_host(port)
        if host:
            tx.touch(scopes.host(host), f"port/{port['id']}")


def follow_network(tx: Transaction, network: Row, after: str | None) -> None:
    """Let the ports and floating IPs of a network know that it has another policy, and tell the hosts.

    network  as it was. Errors: as `check_allocation`.
    """
    qos_policies.hold_network(tx, network["id"])
    following = qos_policies.ports_of_network(tx, network["id"])
    for port in following:
        check_allocation(tx, port, None, after)
    qos_policies.follow_network(tx, network["id"], after)
    _touch_floatingips(tx, qos_policies.floatingips_of_network(tx, network["id"]))
    _touch_ports(
        tx, [port for port in following if effective(port | {"qos_network_policy_id": after or network["qos_policy_id"]})]
    )


def check_kind(core: Core, tx: Transaction, policy_id: str, kind: str) -> None:
    """Refuse a kind of rule that the back end of something that has the policy cannot carry out.

    Errors  QosRuleNotSupported, QosRuleNotSupportedByNetwork.
    """
    lacking = [name for name, backend in core.backends.items() if kind not in backend.capabilities.qos_rules]
    user = qos_policies.users_on(tx, policy_id, lacking) if lacking else None
    if user is not None and user[0] == "port":
        raise QosRuleNotSupported(rule_type=kind, port_id=user[1])
    if user is not None:
        raise QosRuleNotSupportedByNetwork(rule_type=kind, network_id=user[1])


def _rules(tx: Transaction, policy_id: str | None) -> Sequence[Row]:
    row = qos_policies.show(tx, policy_id, "") if policy_id is not None else None
    return row["rules"] if row is not None else ()

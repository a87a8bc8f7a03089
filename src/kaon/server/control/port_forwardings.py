"""Port forwardings of floating IPs: the five verbs.

A floating IP either leads to a port as a whole or forwards single ports; those then all go through one router, which the first
of them chooses. A port forwarding changes its floating IP and the port it leads to: their revisions move.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kaon.lib.ids import new_id
from kaon.model import errors
from kaon.model.errors.gateways import PortForwardingNotFound, PortHasBindingFloatingIP
from kaon.model.port_forwardings import check_sizes, ports_of, refused
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import floatingips, following, policy, ports
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import floatingips as floating
from kaon.server.store import port_forwardings, rows, select
from kaon.server.store.engine import Transaction

_SIDES = ("external", "internal")


def create(core: Core, caller: Caller, floatingip_id: str, bodies: Sequence[Body]) -> list[Row]:
    """Forward ports of a floating IP, all or none.

    Errors  FloatingIPNotFound, PolicyNotAuthorized, FloatingIPPortAlreadyAssociated (it leads to a port as a whole),
            those of `_check`.
    """

    def work(tx: Transaction) -> list[Row]:
        return [_create(tx, caller, floatingip_id, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, floatingip_id: str, forwarding_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a port forwarding. Errors: FloatingIPNotFound, PortForwardingNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, floatingip_id, forwarding_id)[0])


def index(core: Core, caller: Caller, floatingip_id: str, query: Query) -> Page:
    """List the port forwardings of a floating IP. Errors: FloatingIPNotFound, PortForwardingNotFound (the marker)."""

    def work(tx: Transaction) -> Page:
        above = floatingips.find(caller, tx, floatingip_id)
        if not policy.visible(caller, "port_forwardings", {}, above):
            return Page([])
        everything = policy.Visibility(everything=True, project_id="")
        return Page(*port_forwardings.index(tx, floatingip_id, bounded(core, query), everything))

    try:
        return core.store.read(work)
    except select.MarkerNotFound:
        raise PortForwardingNotFound(id=query.marker) from None


def update(  # noqa: PLR0913, PLR0917  # the shape of the verb
    core: Core, caller: Caller, floatingip_id: str, forwarding_id: str, changes: Body, revision: int | None = None
) -> Row:
    """Change a port forwarding. Errors: as `create`, PortForwardingNotFound, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> Row:
        before, above = _find(caller, tx, floatingip_id, forwarding_id)
        policy.authorize(caller, "update_floatingip_port_forwarding", before, above, changes)
        check_revision(above, revision)
        after = before | {key: value for key, value in changes.items() if key in before}
        if "internal_port_id" in changes and "internal_ip_address" not in changes:
            after["internal_ip_address"] = None  # of the port that it leads to now
        after |= _ends(changes, before)
        router_id = _check(tx, caller, above, after)
        changed = {key: value for key, value in after.items() if before[key] != value}
        if not changed:
            return before
        port_forwardings.update(tx, forwarding_id, changed | rows.raised(before, tx.now))
        _raise(tx, above, router_id, {before["internal_port_id"], after["internal_port_id"]})
        return _find(caller, tx, floatingip_id, forwarding_id)[0]

    return following.write(core, work)


def delete(core: Core, caller: Caller, floatingip_id: str, forwarding_id: str, revision: int | None = None) -> None:
    """Forward no longer.

    Errors  FloatingIPNotFound, PortForwardingNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed.
    """

    def work(tx: Transaction) -> None:
        row, above = _find(caller, tx, floatingip_id, forwarding_id)
        policy.authorize(caller, "delete_floatingip_port_forwarding", row, above)
        check_revision(above, revision)
        floatingips.forward_no_more(tx, [row])
        ports.stamp(tx, ports.find_any(tx, row["internal_port_id"]))

    following.write(core, work)


def _find(caller: Caller, tx: Transaction, floatingip_id: str, forwarding_id: str) -> tuple[Row, Row]:
    """Find a port forwarding that the caller may see, and its floating IP."""
    above = floatingips.find(caller, tx, floatingip_id)
    row = next((one for one in port_forwardings.of_floatingip(tx, floatingip_id) if one["id"] == forwarding_id), None)
    if row is None or not policy.visible(caller, "port_forwardings", row, above):
        raise PortForwardingNotFound(id=forwarding_id)
    return row, above


def _create(tx: Transaction, caller: Caller, floatingip_id: str, body: Body) -> Row:
    above = floatingips.find(caller, tx, floatingip_id)
    policy.authorize(caller, "create_floatingip_port_forwarding", body, above, body)
    row = {"description": "", **body, **rows.fresh(new_id(), above["project_id"], tx.now), "floatingip_id": floatingip_id}
    row |= _ends(body, {})
    router_id = _check(tx, caller, above, row)
    port_forwardings.insert(tx, row)
    _raise(tx, above, router_id, {row["internal_port_id"]})
    return _find(caller, tx, floatingip_id, row["id"])[0]


def _ends(body: Body, before: Mapping[str, Any]) -> Row:
    """Tell the first and last ports on both sides, as the body or else as what was there says. Errors: BadRequest."""
    ends: Row = {}
    for side in _SIDES:
        found = ports_of(body, side)
        if found is not None:
            ends[f"{side}_first"], ends[f"{side}_last"] = found
        elif before:
            ends |= {key: before[key] for key in (f"{side}_first", f"{side}_last")}
        else:
            raise refused(f"it needs {side}_port or {side}_port_range")
    return ends


def _check(tx: Transaction, caller: Caller, above: Row, row: Row) -> str:
    """Refuse what cannot be forwarded; choose the address inside when none is named. Give the router that it goes through.

    Errors  PortNotFound, PortHasBindingFloatingIP, FloatingIPPortAlreadyAssociated, BadRequest: sizes of ranges, an address
            that the port has not, another router than the others', ports that are taken.
    """
    check_sizes((row["external_first"], row["external_last"]), (row["internal_first"], row["internal_last"]))
    port_id = row["internal_port_id"]
    port, _ = ports.find(caller, tx, port_id)
    fixed_ip = _inside(port, row["internal_ip_address"])
    row["internal_ip_address"] = fixed_ip["ip_address"]
    if above["port_id"] is not None:
        raise errors.FloatingIPPortAlreadyAssociated(
            fixed_ip=fixed_ip["ip_address"],
            port_id=port_id,
            floating_ip_address=above["floating_ip_address"],
            net_id=above["floating_network_id"],
        )
    for other in floating.of_port(tx, port_id):
        raise PortHasBindingFloatingIP(
            floating_ip_address=other["floating_ip_address"],
            fip_id=other["id"],
            port_id=port_id,
            fixed_ip=fixed_ip["ip_address"],
        )
    router_id = floating.router_between(tx, fixed_ip["subnet_id"], above["floating_network_id"])
    if router_id is None:
        raise refused(f"no router joins subnet {fixed_ip['subnet_id']} to external network {above['floating_network_id']}")
    if above["router_id"] not in {None, router_id}:
        raise refused(f"the floating IP is on router {above['router_id']}, which does not reach port {port_id}")
    _check_free(tx, row)
    return router_id


def _inside(port: Row, wanted: str | None) -> Mapping[str, str]:
    """Find the address inside: the one that is named, or the port's first one. Errors: BadRequest."""
    for fixed_ip in port["fixed_ips"]:
        if ":" not in fixed_ip["ip_address"] and wanted in {None, fixed_ip["ip_address"]}:
            found: Mapping[str, str] = fixed_ip
            return found
    raise refused(f"port {port['id']} has no IPv4 address" + (f" {wanted}" if wanted else ""))


def _check_free(tx: Transaction, row: Row) -> None:
    """Refuse ports that another port forwarding has: outside of the same floating IP, inside of the same address."""
    same_outside = port_forwardings.of_floatingip(tx, row["floatingip_id"])
    same_inside = [
        other
        for other in port_forwardings.of_port(tx, row["internal_port_id"])
        if other["internal_ip_address"] == row["internal_ip_address"]
    ]
    for side, others in (("external", same_outside), ("internal", same_inside)):
        first, last = row[f"{side}_first"], row[f"{side}_last"]
        for other in others:
            apart = other[f"{side}_last"] < first or last < other[f"{side}_first"]
            if other["id"] != row["id"] and other["protocol"] == row["protocol"] and not apart:
                raise refused(f"{side} ports {first}:{last} collide with those of port forwarding {other['id']}")


def _raise(tx: Transaction, above: Row, router_id: str, port_ids: set[str]) -> None:
    """Store that a floating IP forwards through the router; it and the ports inside have changed."""
    floatingips.forward(tx, above, router_id)
    for port_id in sorted(port_ids):
        ports.stamp(tx, ports.find_any(tx, port_id))

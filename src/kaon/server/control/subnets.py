"""Subnets: create, show, index, update, delete."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, cast

from kaon.lib.addresses import IPV6, Prefix, first_and_last_usable, to_hex
from kaon.lib.ids import new_id
from kaon.model.errors import (
    DNSNameServersExhausted,
    GatewayIpInUse,
    HostRoutesExhausted,
    InvalidInput,
    NetworkMTUSubnetConflict,
    NetworkNotFound,
    SubnetInUse,
    SubnetNotFound,
)
from kaon.model.networks import LEAST_MTU
from kaon.model.query import Body, Page, Query, Row
from kaon.server.backends.protocol import Backend
from kaon.server.control import following, ipam, policy, ports, prefixes, quota_usage, routed, scheduling
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import addresses, networks, rows, select, subnets
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

_AUTO_PREFIX = 64
_SMALLEST_WITH_DHCP = 4
"""Addresses: network, broadcast, gateway and one more; counted alike for IPv6."""

_SERVING = ("network:dhcp", "network:distributed")
"""Owners of ports that lose their address with the subnet, rather than holding it."""


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make subnets, all or none."""

    def work(tx: Transaction) -> list[Row]:
        grounds = [_network(caller, tx, body["network_id"]) for body in bodies]
        return [add(core, caller, tx, network, body) for network, body in zip(grounds, bodies, strict=True)]

    return following.write(core, work)


def show(core: Core, caller: Caller, subnet_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a subnet. Errors: SubnetNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, subnet_id)[0])


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List subnets."""
    seeing = policy.visibility(caller, "subnets")
    try:
        return Page(*core.store.read(lambda tx: subnets.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise SubnetNotFound(subnet_id=query.marker) from None


def update(core: Core, caller: Caller, subnet_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a subnet."""

    def work(tx: Transaction) -> Row:
        row, network = find(caller, tx, subnet_id)
        policy.authorize(caller, "update_subnet", row, network, changes)
        check_revision(row, revision)
        asked = {key: value for key, value in changes.items() if key != "allocation_pools" or value is not None}
        wanted = _checked(core, tx, network, row | asked, row)
        if "segment_id" in asked:
            routed.check(tx, network["id"], wanted, row)
        if asked.keys() & {"gateway_ip", "host_routes"} and wanted["segment_id"] is not None:
            asked["host_routes"] = wanted["host_routes"] = routed.routes(tx, wanted, row)
        changed = {key: wanted[key] for key in asked if row.get(key) != wanted[key]}
        return _update(core, tx, row, changed) if changed else row

    return following.write(core, work)


def delete(core: Core, caller: Caller, subnet_id: str, revision: int | None = None) -> None:
    """Delete a subnet. Ports that only serve it, and ports that formed their address in it, lose that address.

    Errors  SubnetInUse.
    """

    def work(tx: Transaction) -> None:
        row, network = find(caller, tx, subnet_id)
        policy.authorize(caller, "delete_subnet", row, network)
        check_revision(row, revision)
        auto = subnets.is_auto(row)
        losing = []
        for user in subnets.users(tx, subnet_id):
            stays = user["device_owner"] in ipam.ROUTER_LEGS or not (auto or user["device_owner"] in _SERVING)
            if stays:
                raise SubnetInUse(subnet_id=subnet_id, reason=f"port {user['id']} has address {user['ip_address']}")
            losing.append(user["id"])
        for port_id in dict.fromkeys(losing):
            port = ports.find_any(tx, port_id)
            left = [fixed_ip for fixed_ip in port["fixed_ips"] if fixed_ip["subnet_id"] != subnet_id]
            ports.replace_addresses(core, tx, port, left)
        subnets.delete(tx, subnet_id)
        quota_usage.release(tx, row["project_id"], "subnet", 1)
        prefixes.give_back(tx, [row])
        networks.bump(tx, network["id"])
        tx.touch(scopes.network(network["id"]), f"subnet/{subnet_id}")
        if row["segment_id"] is not None:
            routed.settle(tx, network["id"], gone=row["cidr"])
        scheduling.ensure_dhcp(core, tx, network["id"])

    following.write(core, work)


def find(caller: Caller, tx: Transaction, subnet_id: str) -> tuple[Row, Row]:
    """Find a subnet that the caller may see, and its network. Errors: SubnetNotFound."""
    row = subnets.show(tx, subnet_id)
    network = row and networks.show(tx, row["network_id"], caller.project_id)
    if row is None or network is None or not policy.visible(caller, "subnets", row, network):
        raise SubnetNotFound(subnet_id=subnet_id)
    return row, network


def _backend(core: Core, tx: Transaction, network: Row) -> Backend:
    return cast("Backend", core.backends[networks.backend_of(tx, network["id"])])


def _network(caller: Caller, tx: Transaction, network_id: str) -> Row:
    network = networks.show(tx, network_id, caller.project_id)
    if network is None:
        raise NetworkNotFound(net_id=network_id)
    return network


def add(core: Core, caller: Caller, tx: Transaction, network: Row, body: Body) -> Row:
    """Make a subnet, in a transaction that makes more. Errors: as the verb."""
    quota_usage.reserve(tx, body["project_id"], "subnet", 1, core.settings)
    # Not seen before it is refused: that a network exists is no secret to who names it (Neutron answers 403 here).
    policy.authorize(caller, "create_subnet", body, network, body)
    row = _checked(core, tx, network, _filled(prefixes.choose(caller, tx, body)), None)
    routed.check(tx, network["id"], row, None)
    row["host_routes"] = routed.routes(tx, row)
    row |= rows.fresh(new_id(), body["project_id"], tx.now) | {"router:external": network["router:external"]}
    networks.bump(tx, network["id"])  # first: who only refers to a row and then changes it, deadlocks with his like
    subnets.insert(tx, row)
    if not subnets.is_auto(row):
        pools = [(to_hex(pool["start"]), to_hex(pool["end"])) for pool in row["allocation_pools"]]
        addresses.free_in(row["id"]).lay_out(tx, pools)
    tx.touch(scopes.network(network["id"]), f"subnet/{row['id']}")
    if subnets.is_auto(row):
        ports.form_addresses(core, tx, network["id"], row)
    if row["segment_id"] is not None:
        routed.settle(tx, network["id"])
    if row["enable_dhcp"]:
        scheduling.ensure_dhcp(core, tx, network["id"])
    return row


def _update(core: Core, tx: Transaction, row: Row, changed: dict[str, Any]) -> Row:
    changed |= rows.raised(row, tx.now)
    subnets.update(tx, row["id"], changed)
    after = row | changed
    if "allocation_pools" in changed and not subnets.is_auto(after):
        addresses.lay_out(tx, row["id"], [(pool["start"], pool["end"]) for pool in after["allocation_pools"]])
    networks.bump(tx, row["network_id"])
    tx.touch(scopes.network(row["network_id"]), f"subnet/{row['id']}")
    if changed.keys() & {"enable_dhcp", "segment_id"}:
        scheduling.ensure_dhcp(core, tx, row["network_id"])
    return after


_DEFAULTS: Mapping[str, Any] = {
    "name": "",
    "description": "",
    "enable_dhcp": True,
    "ipv6_ra_mode": None,
    "ipv6_address_mode": None,
    "dns_nameservers": [],
    "host_routes": [],
    "segment_id": None,
    "service_types": [],
    "dns_publish_fixed_ip": False,
    "tags": [],
}


def _filled(body: Body) -> Row:
    """Give a new subnet, whose cidr is known, with every default: the gateway is the first address, the pool all others."""
    row = {**_DEFAULTS, **body}
    prefix = ip_network(row["cidr"])
    if "gateway_ip" not in row:
        row["gateway_ip"] = ipam.default_gateway(prefix)
    if not row.get("allocation_pools"):
        row["allocation_pools"] = ipam.default_pools(prefix, row["gateway_ip"])
    return row


def _checked(core: Core, tx: Transaction, network: Row, row: Row, before: Row | None) -> Row:
    """Give the subnet as it will be stored, or refuse it. before: None when it is new."""
    backend = _backend(core, tx, network)
    prefix = ip_network(row["cidr"])
    _check_prefix(prefix, row)
    _check_modes(prefix, row)
    if network["mtu"] < LEAST_MTU[prefix.version]:
        raise NetworkMTUSubnetConflict(net_id=network["id"], mtu=LEAST_MTU[prefix.version])
    if before is None:
        _check_no_overlap(tx, network["id"], prefix)
    _check_lists(core, row)
    _check_gateway(backend, prefix, row["gateway_ip"])
    if before is not None and before["gateway_ip"] != row["gateway_ip"]:
        _check_gateway_free(tx, before)
    pools = ipam.checked_pools(prefix, row["allocation_pools"])
    ipam.check_gateway_outside_pools(row["gateway_ip"], pools)
    gateway = row["gateway_ip"] and str(ip_address(row["gateway_ip"]))
    row = row | {"cidr": str(prefix), "allocation_pools": pools, "gateway_ip": gateway}
    backend.validate_subnet(network, row)
    return row


def _check_prefix(prefix: Prefix, row: Row) -> None:
    if prefix.version != row["ip_version"]:
        raise InvalidInput(error_message=f"cidr {prefix} does not match the ip_version {row['ip_version']}")
    if prefix.prefixlen == 0:
        raise InvalidInput(error_message=f"cidr {prefix} covers everything: its prefix length must not be 0")
    if prefix.is_multicast or prefix.is_loopback:
        raise InvalidInput(error_message=f"cidr {prefix} is a multicast or loopback prefix")
    if row["enable_dhcp"] and prefix.num_addresses < _SMALLEST_WITH_DHCP:
        raise InvalidInput(error_message=f"cidr {prefix} is too small for DHCP: it needs {_SMALLEST_WITH_DHCP} addresses")


def _check_modes(prefix: Prefix, row: Row) -> None:
    modes = {row[key] for key in ("ipv6_ra_mode", "ipv6_address_mode")} - {None}
    if not modes:
        return
    if prefix.version != IPV6:
        raise InvalidInput(error_message="ipv6_ra_mode and ipv6_address_mode are of subnets with ip_version 6")
    if not row["enable_dhcp"]:
        raise InvalidInput(error_message="ipv6_ra_mode and ipv6_address_mode need enable_dhcp")
    if len(modes) > 1:
        raise InvalidInput(error_message="ipv6_ra_mode and ipv6_address_mode must be the same when both are set")
    if modes & set(subnets.AUTO_MODES) and prefix.prefixlen != _AUTO_PREFIX:
        raise InvalidInput(error_message=f"cidr {prefix} must be a /{_AUTO_PREFIX}: hosts form their addresses in it")


def _check_no_overlap(tx: Transaction, network_id: str, prefix: Prefix) -> None:
    for other in subnets.of_network(tx, network_id):
        if ip_network(other["cidr"]).overlaps(prefix):
            there = f"{other['id']} ({other['cidr']})"
            raise InvalidInput(error_message=f"cidr {prefix} overlaps with another subnet of network {network_id}: {there}")


def _check_lists(core: Core, row: Row) -> None:
    settings = core.settings
    shown = row.get("id", "new")
    if len(row["dns_nameservers"]) > settings.max_dns_nameservers:
        raise DNSNameServersExhausted(subnet_id=shown, quota=settings.max_dns_nameservers)
    if len(row["host_routes"]) > settings.max_subnet_host_routes:
        raise HostRoutesExhausted(subnet_id=shown, quota=settings.max_subnet_host_routes)
    for server in row["dns_nameservers"]:
        if ip_address(server).version != row["ip_version"]:
            raise InvalidInput(error_message=f"dns_nameservers: {server} does not match the ip_version {row['ip_version']}")
    for route in row["host_routes"]:
        versions = {ip_network(route["destination"], strict=False).version, ip_address(route["nexthop"]).version}
        if versions != {row["ip_version"]}:
            raise InvalidInput(error_message=f"host_routes: {route} is not of ip_version {row['ip_version']}")


def _check_gateway(backend: Backend, prefix: Prefix, gateway: str | None) -> None:
    if gateway is None:
        return
    address = ip_address(gateway)
    if address.version != prefix.version:
        raise InvalidInput(error_message=f"gateway_ip {gateway} is not of the IP version of {prefix}")
    if address.version == IPV6 and address.is_link_local:
        return
    if address not in prefix:
        if not backend.capabilities.gateway_outside_subnet:
            raise InvalidInput(error_message=f"gateway_ip {gateway} is not in {prefix}: back end {backend.name} needs it there")
        return
    if address.version == IPV6:
        return  # the first address, too: the anycast address of the subnet's routers
    first, last = map(int, first_and_last_usable(prefix))
    if not first <= int(address) <= last:
        raise InvalidInput(error_message=f"gateway_ip {gateway} is not an address that a machine in {prefix} may have")


def _check_gateway_free(tx: Transaction, before: Row) -> None:
    """Refuse while a router has the old gateway's address."""
    for user in subnets.users(tx, before["id"]):
        if user["device_owner"] in ipam.ROUTER_LEGS and user["ip_address"] == before["gateway_ip"]:
            raise GatewayIpInUse(ip_address=before["gateway_ip"], port_id=user["id"])

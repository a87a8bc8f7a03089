"""Which prefix a new subnet gets: its own, or one from a subnet pool; and giving it back."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from kaon.lib.addresses import Prefix
from kaon.lib.prefixes import bits
from kaon.model.errors import (
    BadRequest,
    InvalidInput,
    MaxPrefixSubnetAllocationError,
    MinPrefixSubnetAllocationError,
    NetworkSubnetPoolAffinityError,
    SubnetAllocationError,
    SubnetPoolNotFound,
    SubnetPoolQuotaExceeded,
)
from kaon.model.errors.sharing import NetworkAddressScopeAffinityError
from kaon.model.query import Body, Row
from kaon.server.control import policy
from kaon.server.control.core import Caller
from kaon.server.store import free_prefixes, subnetpools, subnets
from kaon.server.store.engine import Transaction

_QUOTA_UNIT = {4: 32, 6: 64}
"""IP version -> length of the prefixes that a pool's quota counts."""


def find_pool(caller: Caller, tx: Transaction, pool_id: str) -> Row:
    """Find a subnet pool that the caller may see. Errors: SubnetPoolNotFound."""
    row = subnetpools.show(tx, pool_id, caller.project_id)
    if row is None or not policy.visible(caller, "subnetpools", row, row):
        raise SubnetPoolNotFound(subnetpool_id=pool_id)
    return row


def choose(caller: Caller, tx: Transaction, body: Body) -> Body:
    """Give the body of a new subnet with its `cidr` and `subnetpool_id`, and without what led to them; the prefix is taken.

    Errors  BadRequest, InvalidInput, SubnetPoolNotFound, NetworkSubnetPoolAffinityError, SubnetPoolQuotaExceeded,
            SubnetAllocationError, MinPrefixSubnetAllocationError, MaxPrefixSubnetAllocationError.
    """
    pool = _pool(caller, tx, body)
    _check_form(body, pool)
    _check_affinity(tx, body, pool)
    cidr = str(_take(tx, pool, body)) if pool is not None else body["cidr"]
    kept = {key: value for key, value in body.items() if key not in {"prefixlen", "use_default_subnetpool"}}
    return kept | {"cidr": cidr, "subnetpool_id": pool and pool["id"]}


def give_back(tx: Transaction, gone: Iterable[Mapping[Any, Any]]) -> None:
    """Make the prefixes of subnets that go free again in the pools that they are from."""
    for subnet in sorted((one for one in gone if one["subnetpool_id"]), key=lambda one: str(one["subnetpool_id"])):
        free_prefixes.give_back(tx, subnet["subnetpool_id"], ip_network(subnet["cidr"]))


def check_quota(tx: Transaction, pool: Row, project_id: str, wanted: Sequence[Prefix]) -> None:
    """Refuse what is more than each project may have of the pool. Errors: SubnetPoolQuotaExceeded."""
    if pool["default_quota"] and wanted:
        free_prefixes.hold(tx, pool["id"])  # nobody else takes a part while what is taken is added up
        addresses = sum(prefix.num_addresses for prefix in (*subnetpools.prefixes_of(tx, pool["id"], project_id), *wanted))
        version = pool["ip_version"]
        if addresses > pool["default_quota"] << (bits(version) - _QUOTA_UNIT[version]):
            raise SubnetPoolQuotaExceeded


def _pool(caller: Caller, tx: Transaction, body: Body) -> Row | None:
    """Find the pool that a subnet asks for: by id, or the default one."""
    pool_id = body.get("subnetpool_id")
    if not body.get("use_default_subnetpool"):
        return find_pool(caller, tx, pool_id) if pool_id is not None else None
    if pool_id is not None:
        raise BadRequest(reason="Bad subnets request: subnetpool_id and use_default_subnetpool cannot both be specified.")
    version = ip_network(body["cidr"]).version if body.get("cidr") is not None else body["ip_version"]
    default_id = subnetpools.default_of(tx, version)
    pool = default_id and subnetpools.show(tx, default_id, caller.project_id)
    if not pool or not policy.visible(caller, "subnetpools", pool, pool):
        raise BadRequest(reason=f"Bad subnets request: No default subnetpool found for IPv{version}.")
    return pool


def _check_form(body: Body, pool: Row | None) -> None:
    """Refuse what does not go together."""
    has_cidr = body.get("cidr") is not None
    if has_cidr and "prefixlen" in body:
        raise BadRequest(reason="Bad subnets request: cidr and prefixlen must not be supplied together.")
    if pool is None:
        if not has_cidr:
            raise BadRequest(reason="Bad subnets request: a subnetpool must be specified in the absence of a cidr.")
        return
    if body["ip_version"] != pool["ip_version"]:
        versions = f"an IPv{body['ip_version']} subnet from an IPv{pool['ip_version']} subnet pool"
        raise BadRequest(reason=f"Bad subnets request: Cannot allocate {versions}.")
    if not has_cidr and body.get("allocation_pools"):
        raise BadRequest(reason="Bad subnets request: allocation_pools allowed only for specific subnet requests.")


def _check_affinity(tx: Transaction, body: Body, pool: Row | None) -> None:
    """Refuse a subnet that is of another pool than those there; pools of one address scope count as one."""
    wanted = pool and pool["id"]
    for other in subnets.of_network(tx, body["network_id"]):
        if other["ip_version"] != body["ip_version"] or other["subnetpool_id"] == wanted:
            continue
        if pool is None or other["address_scope_id"] is None:
            raise NetworkSubnetPoolAffinityError
        if other["address_scope_id"] != pool["address_scope_id"]:
            raise NetworkAddressScopeAffinityError


def _take(tx: Transaction, pool: Row, body: Body) -> Prefix:
    """Take a prefix for a subnet: the one it names, the one around its gateway, or any that is long enough."""
    specific = _specific(body, pool)
    length = specific.prefixlen if specific is not None else _length(body, pool)
    if length > pool["max_prefixlen"]:
        raise MaxPrefixSubnetAllocationError(prefixlen=length, max_prefixlen=pool["max_prefixlen"])
    if length < pool["min_prefixlen"]:
        raise MinPrefixSubnetAllocationError(prefixlen=length, min_prefixlen=pool["min_prefixlen"])
    if specific is None:
        found = free_prefixes.take_next(tx, pool["id"], length, pool["ip_version"])
        if found is None:
            raise SubnetAllocationError(reason=f"the subnet pool has no /{length} left")
        check_quota(tx, pool, body["project_id"], [found])
        return found
    if not free_prefixes.take(tx, pool["id"], specific):
        raise SubnetAllocationError(reason=f"{specific} is not free in the subnet pool")
    check_quota(tx, pool, body["project_id"], [specific])
    return specific


def _length(body: Body, pool: Row) -> int:
    return int(body["prefixlen"] if "prefixlen" in body else pool["default_prefixlen"])


def _specific(body: Body, pool: Row) -> Prefix | None:
    """Give the prefix that a subnet names, by its cidr or by its gateway and length."""
    if body.get("cidr") is not None:
        prefix: Prefix = ip_network(body["cidr"])
        if prefix.version != pool["ip_version"]:
            raise InvalidInput(error_message=f"cidr {prefix} does not match the ip_version {pool['ip_version']}")
        return prefix
    gateway = body.get("gateway_ip")
    if gateway is None:
        return None
    length = _length(body, pool)
    version = ip_address(gateway).version
    if version != pool["ip_version"] or length > bits(version):
        raise InvalidInput(error_message=f"gateway_ip {gateway} lies in no /{length} of the subnet pool")
    return ip_network(f"{gateway}/{length}", strict=False)

"""Which names ports and floating IPs should have in DNS, read from what they are; and which were published."""

from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.peers import dns_records


class Record(NamedTuple):
    """One address of a name.

    name        fully qualified, with a dot at its end
    zone        in which it is; so, too
    project_id  whose zone that must be
    """

    resource_id: str
    name: str
    address: str
    zone: str
    project_id: str


def published(tx: Transaction, resource_ids: Collection[str]) -> set[Record]:
    """List what was published of these resources. One statement."""
    c = dns_records.c
    chosen = sa.select(c.resource_id, c.name, c.address, c.zone, c.project_id).where(c.resource_id.in_(sorted(resource_ids)))
    return {Record(*row) for row in tx.execute(chosen)}


def replace(tx: Transaction, gone: Collection[Record], fresh: Collection[Record]) -> None:
    """Store what is no longer published, and what is."""
    c = dns_records.c
    for record in sorted(gone):
        same = sa.and_(c.resource_id == record.resource_id, c.name == record.name, c.address == record.address)
        tx.execute(sa.delete(dns_records).where(same))
    if fresh:
        tx.execute(sa.insert(dns_records), [record._asdict() for record in sorted(fresh)])


def named_ports(tx: Transaction, port_ids: Collection[str]) -> list[RowMap]:
    """List the addresses of those of these ports that have names, with all that their publication depends on. One statement.

    port_id, dns_name, dns_domain, project_id, address, dns_publish_fixed_ip of its subnet; of the network: network_domain,
    network_project, external, network_type, segmentation_id, physical_network.
    """
    p, n, a, s = t.ports.c, t.networks.c, t.ip_allocations.c, t.subnets.c
    joined = (
        t.ports.join(t.networks, n.id == p.network_id)
        .join(t.ip_allocations, a.port_id == p.id)
        .join(t.subnets, s.id == a.subnet_id)
    )
    chosen = sa.select(
        p.id.label("port_id"),
        p.dns_name,
        p.dns_domain,
        p.project_id,
        a.ip_address.label("address"),
        s.dns_publish_fixed_ip,
        n.dns_domain.label("network_domain"),
        n.project_id.label("network_project"),
        n.external,
        n.network_type,
        n.segmentation_id,
        n.physical_network,
    )
    found: list[Any] = list(
        tx.execute(chosen.select_from(joined).where(p.id.in_(sorted(port_ids)), p.dns_name != "")).mappings()
    )
    return found


def floating(tx: Transaction, floatingip_ids: Collection[str], port_ids: Collection[str]) -> list[RowMap]:
    """List floating IPs, by id or by the port that they lead to, with what their names depend on. One statement.

    id, project_id, address, dns_name, dns_domain; of the port: port_name; of its network: network_domain, network_project.
    """
    f, p, n = t.floatingips.c, t.ports.c, t.networks.c
    joined = t.floatingips.outerjoin(t.ports, p.id == f.fixed_port_id).outerjoin(t.networks, n.id == p.network_id)
    chosen = sa.select(
        f.id,
        f.project_id,
        f.floating_ip_address.label("address"),
        f.dns_name,
        f.dns_domain,
        p.dns_name.label("port_name"),
        n.dns_domain.label("network_domain"),
        n.project_id.label("network_project"),
    )
    mine = sa.or_(f.id.in_(sorted(floatingip_ids)), f.fixed_port_id.in_(sorted(port_ids)))
    found: list[Any] = list(tx.execute(chosen.select_from(joined).where(mine)).mappings())
    return found

"""Which names ports and floating IPs have in an external DNS service; changes are left in the outbox of the same transaction.

    port         its `dns_name` in its own `dns_domain` or else its network's: all its addresses where the network is one that
                 an administrator connected to the outside (flat, or a segment outside what the server chooses from), and on any
                 network those of subnets with `dns_publish_fixed_ip`
    floating IP  its own `dns_name` and `dns_domain`; else, while it leads to a port with a name, that name in the domain of the
                 port's network

A zone must be of the project that the resource belongs to, or of the network's project when the domain is the network's.
What was published is kept, so that exactly that is withdrawn. Nothing is stored or asked unless the operator configured such a
service.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store import dns_records as store
from kaon.server.store import outbox
from kaon.server.store.dns_records import Record
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

PUBLISH: Final = "publish"
WITHDRAW: Final = "withdraw"


def port_changed(core: Core, tx: Transaction, port_id: str) -> None:
    """Remember that a port came, changed or went: its name, its addresses."""
    if core.settings.external_dns:
        _at_the_end(core, tx).ports.add(port_id)


def floatingip_changed(core: Core, tx: Transaction, floatingip_id: str) -> None:
    """Remember that a floating IP came, changed or went: its name, where it leads."""
    if core.settings.external_dns:
        _at_the_end(core, tx).floatingips.add(floatingip_id)


def of_ports(rows: Iterable[RowMap], settings: ServerSettings) -> set[Record]:
    """Give the records that ports should have. Pure. rows: of `store.dns_records.named_ports`."""
    by_port: dict[str, list[RowMap]] = defaultdict(list)
    for row in rows:
        by_port[row["port_id"]].append(row)
    found: set[Record] = set()
    for port_id, addresses in by_port.items():
        chosen = [row for row in addresses if row["dns_publish_fixed_ip"]]
        if not chosen and _is_outside(addresses[0], settings):
            chosen = addresses
        for row in chosen:
            owner = row["project_id"] if row["dns_domain"] else row["network_project"]
            found |= _record(port_id, row["dns_name"], row["dns_domain"] or row["network_domain"], row["address"], owner)
    return found


def of_floatingips(rows: Iterable[RowMap]) -> set[Record]:
    """Give the records that floating IPs should have. Pure. rows: of `store.dns_records.floating`."""
    found: set[Record] = set()
    for row in rows:
        if row["dns_name"]:
            found |= _record(row["id"], row["dns_name"], row["dns_domain"], row["address"], row["project_id"])
        else:
            found |= _record(
                row["id"], row["port_name"] or "", row["network_domain"] or "", row["address"], row["network_project"] or ""
            )
    return found


@dataclass(slots=True)
class _Settling:
    """What changed in one transaction; names follow at its end, from the rows as they then are."""

    settings: ServerSettings
    ports: set[str] = field(default_factory=set)
    floatingips: set[str] = field(default_factory=set)

    def finish(self, tx: Transaction) -> None:
        """Have published and withdrawn what differs."""
        floating = store.floating(tx, self.floatingips, self.ports)
        wanted = of_floatingips(floating)
        if self.ports:
            wanted |= of_ports(store.named_ports(tx, self.ports), self.settings)
        there = store.published(tx, self.ports | self.floatingips | {row["id"] for row in floating})
        gone, fresh = there - wanted, wanted - there
        store.replace(tx, gone, fresh)
        _tell(tx, WITHDRAW, gone)  # first, so that a name that goes from one to another is free
        _tell(tx, PUBLISH, fresh)


def _at_the_end(core: Core, tx: Transaction) -> _Settling:
    outbox.expect(tx)
    return tx.at_the_end("dns_records", lambda: _Settling(core.settings))


def _tell(tx: Transaction, what: str, records: Collection[Record]) -> None:
    by_name: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for record in sorted(records):
        by_name[record.name, record.zone, record.project_id].append(record.address)
    for (name, zone, project_id), addresses in by_name.items():
        told = {"do": what, "name": name, "zone": zone, "project_id": project_id, "addresses": addresses}
        outbox.post(tx, outbox.DESIGNATE, name, told)


def _record(resource_id: str, name: str, domain: str, address: str, project_id: str) -> set[Record]:
    if not name or not domain:
        return set()
    full = name if name.endswith(".") else f"{name}.{domain}"
    return {Record(resource_id, full, address, domain, project_id)} if f".{full}".endswith(f".{domain}") else set()


def _is_outside(row: RowMap, settings: ServerSettings) -> bool:
    """Tell whether an administrator connected a network to the outside: its segment is none that the server chooses."""
    if row["external"]:
        return False  # floating IPs speak for its addresses
    ranges = {
        "vxlan": settings.vni_ranges,
        "gre": settings.gre_ranges,
        "geneve": settings.geneve_ranges,
        "vlan": settings.vlan_ranges.get(row["physical_network"], ()),
    }
    kind: str = row["network_type"]
    number: int | None = row["segmentation_id"]
    if kind not in ranges:
        return kind != "local"  # flat, or several segments
    return number is None or not any(first <= number <= last for first, last in ranges[kind])

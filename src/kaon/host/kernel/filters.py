"""The door to packet filters: observe our tables, apply plans, end flows.

Why observing is cheap: the kernel counts transactions. As long as the count is the one after our last look or write,
nothing can have changed and nothing is listed. Otherwise our tables are listed and compared with the fingerprints that
were taken after writing; a chain that differs is in doubt, and the planner writes it again.

Two kinds of this door exist, the kernel's and `filters_fake.FakeFilters`; both keep the laws of `tests/laws`.
"""

import errno
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from kaon.host.kernel.conntrack import Conntrack, FlowDoor
from kaon.host.kernel.filter_reading import Printed, Written, read_objects, vouch
from kaon.host.kernel.filter_record import BOOT_ID, Record, Records
from kaon.host.kernel.nfnetlink import Nfnetlink
from kaon.host.kernel.nftables import NamespaceGoneError, Nft, NftRefusedError
from kaon.host.plan.filters import FilterPlan, Transaction, blame
from kaon.host.plan.flows import by_namespace, judge
from kaon.host.state.filters import TABLE, FilterState, Table, TableKey
from kaon.host.state.flows import EndFlows, FlowPolicy, Verdict
from kaon.host.state.names import HOST
from kaon.host.state.trouble import Trouble

_LOAD_TIMEOUT_S = 10.0
_FEW_CHAINS = 8
"""Up to so many chains are listed one by one after writing; beyond, their whole table is."""


class FilterDoor(Protocol):
    """The packet filters of one host."""

    def observe(self, namespaces: Iterable[str]) -> FilterState:
        """Read our tables in the host's own namespace and in the named ones that exist. Errors: OSError, NftRefusedError."""
        ...

    def apply(self, plan: FilterPlan) -> list[Trouble]:
        """Run a plan: each transaction, then the flows that end. Goes on past a failure and reports it."""
        ...


class KernelFilters:
    """The kernel's own. One thread at a time."""

    def __init__(
        self,
        state_dir: Path,
        netns_dir: Path = Path("/run/netns"),
        flows: FlowDoor | None = None,
        switches: Path = Path("/proc/sys/net"),
    ) -> None:
        """Remember in `state_dir`/filters what was written.

        netns_dir  where named namespaces are found
        switches   where the kernel shows which parts of it are loaded
        """
        self._switches = switches
        self._records = Records(state_dir / "filters")
        self._netns_dir = netns_dir
        self._flows = flows or Conntrack(netns_dir)
        self._tables: dict[str, Mapping[str, Table]] = {}  # as they stand at the generation in the record

    def _path(self, namespace: str) -> Path | None:
        return self._netns_dir / namespace if namespace else None

    def observe(self, namespaces: Iterable[str]) -> FilterState:
        """Read our tables; a namespace that is gone is left out."""
        tables: dict[TableKey, Table] = {}
        seen: set[str] = set()
        policy: FlowPolicy | None = None
        pending: set[EndFlows] = set()
        for namespace in sorted({HOST, *namespaces}):
            try:
                found = self._observe(namespace)
            except NamespaceGoneError:
                continue
            seen.add(namespace)
            tables.update(found.tables)
            pending |= found.pending
            policy = found.policy if namespace == HOST else policy
        self._records.forget_all_but(frozenset(seen))
        self._tables = {namespace: self._tables[namespace] for namespace in seen}
        if policy is None and (HOST, "inet") not in tables:
            policy = FlowPolicy()  # nothing was ever allowed: there is nothing to be in doubt about
        return FilterState(tables, policy, frozenset(seen), frozenset(pending), frozenset(self._records.get(HOST).condemned))

    def _observe(self, namespace: str) -> FilterState:
        record = self._records.get(namespace)
        with Nfnetlink(self._path(namespace)) as netlink:
            instance, generation = _instance(netlink), netlink.generation()
            if (record.instance, record.generation) != (instance, generation):
                printed = self._list(namespace)
                tables: Mapping[str, Table] = {family: vouch(one, record.tables.get(family)) for family, one in printed.items()}
                if netlink.generation() == generation:
                    record = _looked_at(record, instance, generation, tables)
                    self._records.put(namespace, record)
                    self._tables[namespace] = tables
                else:  # somebody wrote meanwhile: what was read is good for a plan, but not to stand on later
                    self._records.put(namespace, msgspec.structs.replace(record, instance=instance, generation=None))
                    self._tables[namespace] = tables
                return record.state_of(namespace, tables)
        if namespace not in self._tables:
            self._tables[namespace] = {family: written.table for family, written in record.tables.items()}
        return record.state_of(namespace, self._tables[namespace])

    def _list(self, namespace: str) -> dict[str, Printed]:
        with Nft(self._path(namespace)) as nft:
            return {family: read_objects(objects) for family, objects in nft.read_tables().items()}

    def _forget_generation(self, namespace: str) -> None:
        self._records.put(namespace, msgspec.structs.replace(self._records.get(namespace), generation=None))
        self._tables.setdefault(namespace, {})

    def apply(self, plan: FilterPlan) -> list[Trouble]:
        """Run a plan. A transaction that is refused changes nothing, and the flows of its namespace stay."""
        troubles: list[Trouble] = []
        endings = dict(by_namespace(plan.endings))
        failed = set()
        for transaction in plan.transactions:
            try:
                self._write(transaction, endings.get(transaction.namespace, ()))
            except (NftRefusedError, NamespaceGoneError, OSError) as error:
                failed.add(transaction.namespace)
                self._forget_generation(transaction.namespace)
                line = error.line if isinstance(error, NftRefusedError) else None
                troubles.extend(blame(transaction, line, f"packet filters: {error}"))
        for namespace, wanted in endings.items():
            if namespace in failed:
                continue
            try:
                self._end(namespace, wanted, plan.desired)
            except (NamespaceGoneError, OSError) as error:
                troubles.append(Trouble("", f"flows in {namespace or 'the host'} could not be ended: {error}"))
        if plan.policy_changed and HOST not in failed:
            record = self._records.get(HOST)
            self._records.put(HOST, msgspec.structs.replace(record, policy=plan.desired.policy))
        return troubles

    def _write(self, transaction: Transaction, endings: tuple[EndFlows, ...]) -> None:
        """Write, then take the fingerprints of what was written.

        Flows to end are remembered first: an agent killed in between must not leave them to live. The generation is kept
        only if nobody else wrote between our look, our transaction and the fingerprints.
        """
        namespace = transaction.namespace
        if namespace == HOST and transaction.tables.get("inet"):
            _show_bridged_frames(self._switches)
        with Nfnetlink(self._path(namespace)) as netlink, Nft(self._path(namespace)) as nft:
            instance = _instance(netlink)
            record = self._records.get(namespace)
            if record.instance != instance:  # another namespace had this name: what stood there says nothing
                record = Record(instance=instance, policy=record.policy)
                self._tables.pop(namespace, None)
            if endings:
                self._records.put(namespace, msgspec.structs.replace(record, pending=endings))
            try:
                nft.write(transaction.text)
            except NftRefusedError as error:
                raise NftRefusedError(str(error), nft.first_refused(transaction.text)) from error
            generation = netlink.generation()
            alone = record.generation is not None and generation == (record.generation + 1) & 0xFFFF_FFFF
            tables = {family: table for family, table in transaction.tables.items() if table is not None}
            fresh = {family: self._fingerprint(nft, family, table, record) for family, table in tables.items()}
            alone = alone and netlink.generation() == generation
        kept = {family: one for family, one in record.tables.items() if family not in transaction.tables}
        known = {family: self._tables.get(namespace, {}).get(family, one.table) for family, one in kept.items()}
        self._tables[namespace] = known | tables
        self._records.put(
            namespace,
            Record(
                instance=instance,
                generation=generation if alone else None,
                tables={**kept, **fresh},
                policy=record.policy,
                pending=endings,
                condemned=record.condemned,
            ),
        )

    def _fingerprint(self, nft: Nft, family: str, table: Table, record: Record) -> Written:
        """Take fingerprints of a table just written; chains that were vouched for and have not changed keep theirs."""
        before = record.tables.get(family)
        vouched = dict(before.chains) if before else {}
        same = {
            name: vouched[name]
            for name, chain in table.chains.items()
            if before and name in vouched and before.table.chains.get(name) == chain
        }
        changed = [name for name in table.chains if name not in same]
        declared = before is not None and before.table.collections.keys() >= table.collections.keys()
        if before is None or not declared or len(changed) > _FEW_CHAINS:
            printed = read_objects(nft.read(f"list table {family} {TABLE}"))
            return Written(table, printed.chains, printed.declarations)
        for name in changed:
            same.update(read_objects(nft.read(f"list chain {family} {TABLE} {name}")).chains)
        declarations = {name: text for name, text in before.declarations.items() if name in table.collections}
        return Written(table, same, declarations)

    def _end(self, namespace: str, endings: tuple[EndFlows, ...], desired: FilterState) -> None:
        record = self._records.get(namespace)
        if record.pending != endings:
            self._records.put(namespace, msgspec.structs.replace(record, pending=endings))
        flows = self._flows.flows(namespace)
        verdicts = [(flow, judge(endings, flow, desired)) for flow in flows]
        self._flows.carry_out(namespace, verdicts)
        condemned = {flow.zone for flow, verdict in verdicts if verdict is Verdict.CONDEMN}
        condemned |= {flow.zone for flow, verdict in verdicts if verdict is Verdict.KEEP and flow.condemned}
        record = self._records.get(namespace)
        self._records.put(namespace, msgspec.structs.replace(record, pending=(), condemned=tuple(sorted(condemned))))


def _show_bridged_frames(switches: Path) -> None:
    """Make sure that the kernel shows bridged frames to our chains: without br_netfilter each is right and none is asked.

    After a reboot nobody else may have loaded it. Errors: OSError, and then no port is to be wired.
    """
    shown = switches / "bridge" / "bridge-nf-call-iptables"
    if shown.exists():
        return
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(["modprobe", "br_netfilter"], check=False, timeout=_LOAD_TIMEOUT_S, capture_output=True)  # noqa: S607 - by PATH
    if not shown.exists():
        raise OSError(errno.EOPNOTSUPP, "the kernel module br_netfilter is missing: bridged frames would pass unfiltered")


def _instance(netlink: Nfnetlink) -> str:
    return f"{BOOT_ID.read_text().strip()}/{netlink.namespace_cookie()}"


def _looked_at(record: Record, instance: str, generation: int, tables: Mapping[str, Table]) -> Record:
    """Stand on what was just read, but vouch only for what was written.

    A table with anything in doubt must be listed again next time, so its generation is not kept.
    """
    doubtful = any(not _is_sure(table) for table in tables.values())
    written = {family: one for family, one in record.tables.items() if family in tables}
    for family, table in tables.items():
        if family in written:
            sure = Table({name: chain for name, chain in table.chains.items() if chain.rules is not None}, table.collections)
            written[family] = Written(sure, written[family].chains, written[family].declarations)
    return msgspec.structs.replace(record, instance=instance, generation=None if doubtful else generation, tables=written)


def _is_sure(table: Table) -> bool:
    return table.known and all(chain.rules is not None for chain in table.chains.values())

"""Packet filters of a host that is not there: the same interface as `filters.KernelFilters`, over rulesets in memory.

Everything around may be turned: namespaces come and go (`namespaces`), somebody else writes (`rulesets[...].write`),
the agent is restarted (`restarted()`), its records are lost (`forget()`), flows are begun (`flows`), and the next
transaction can be refused (`refuse_next`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from kaon.host.kernel.nftables import NftRefusedError
from kaon.host.kernel.nftables_fake import FakeNft
from kaon.host.plan.filters import FilterPlan, blame
from kaon.host.plan.flows import by_namespace, judge
from kaon.host.state.filters import TABLE, Chain, Collection, FilterState, Table, TableKey
from kaon.host.state.flows import Flow, FlowPolicy, Verdict
from kaon.host.state.names import HOST
from kaon.host.state.trouble import Trouble


@dataclass(slots=True)
class FakeFilters:
    """A host's packet filters.

    rulesets     namespace -> its ruleset; the host's own is always there
    flows        namespace -> its tracked flows
    refuse_next  a message: the next transaction fails with it
    refuse_rule  every transaction fails that has a line which ends so
    transactions texts that were taken, in order
    """

    rulesets: dict[str, FakeNft] = field(default_factory=lambda: {HOST: FakeNft()})
    flows: dict[str, list[Flow]] = field(default_factory=dict)
    refuse_next: str = ""
    refuse_rule: str = ""
    transactions: list[str] = field(default_factory=list)
    _written: dict[TableKey, Table] = field(default_factory=dict)
    _policy: FlowPolicy | None = None

    def restarted(self) -> "FakeFilters":
        """Give the door of the next agent: same host, same records."""
        return replace(self)

    def forget(self) -> None:
        """Lose the records."""
        self._written, self._policy = {}, None

    def observe(self, namespaces: Iterable[str]) -> FilterState:
        """Read our tables; chains that are not as written are in doubt."""
        seen = [namespace for namespace in sorted({HOST, *namespaces}) if namespace in self.rulesets]
        tables = {
            (namespace, family): _vouch(table.frozen(), self._written.get((namespace, family)))
            for namespace in seen
            for (family, name), table in self.rulesets[namespace].tables.items()
            if name == TABLE
        }
        policy = self._policy
        if policy is None and (HOST, "inet") not in tables:
            policy = FlowPolicy()
        condemned = frozenset(flow.zone for flow in self.flows.get(HOST, ()) if flow.condemned)
        return FilterState(tables, policy, frozenset(seen), condemned=condemned)

    def apply(self, plan: FilterPlan) -> list[Trouble]:
        """Run a plan, as the kernel's door does."""
        troubles: list[Trouble] = []
        failed = set()
        for transaction in plan.transactions:
            try:
                self._write(transaction.namespace, transaction.text)
            except NftRefusedError as error:
                failed.add(transaction.namespace)
                troubles.extend(blame(transaction, error.line, f"packet filters: {error}"))
                continue
            for family, table in transaction.tables.items():
                self._written.pop((transaction.namespace, family), None)
                if table is not None:
                    self._written[(transaction.namespace, family)] = table
        for namespace, endings in by_namespace(plan.endings).items():
            if namespace not in failed:
                verdicts = [(flow, judge(endings, flow, plan.desired)) for flow in self.flows.get(namespace, [])]
                self.flows[namespace] = [_after(*one) for one in verdicts if one[1] is not Verdict.FORGET]
        if HOST not in failed and plan.policy_changed:
            self._policy = plan.desired.policy
        return troubles

    def _write(self, namespace: str, text: str) -> None:
        message, self.refuse_next = self.refuse_next, ""
        if message:
            raise NftRefusedError(message)
        for number, line in enumerate(text.splitlines()):
            if self.refuse_rule and line.endswith(self.refuse_rule):
                raise NftRefusedError(f"not taken: {line}", number)
        if namespace not in self.rulesets:
            raise NftRefusedError(f"namespace {namespace} is gone")
        self.rulesets[namespace].write(text)
        self.transactions.append(text)


def _after(flow: Flow, verdict: Verdict) -> Flow:
    return flow if verdict is Verdict.KEEP else replace(flow, condemned=verdict is Verdict.CONDEMN)


def _vouch(found: Table, written: Table | None) -> Table:
    if written is None:
        collections = {name: Collection(one.kind, "", one.elements) for name, one in found.collections.items()}
        chains = {name: Chain(None, chain.hook) for name, chain in found.chains.items()}
        return Table(chains, collections, known=False)
    chains = {
        name: chain if written.chains.get(name) == chain else Chain(None, chain.hook) for name, chain in found.chains.items()
    }
    return Table(chains, found.collections)

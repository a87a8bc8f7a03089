"""What the agent remembers of the filters it wrote, on disk, so that the next agent adopts them without writing.

Losing it costs one atomic rewrite of our tables: numbers in use are read from the kernel. Nothing here is desired state.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from kaon.host.kernel.filter_reading import Written
from kaon.host.state.filters import FilterState, Table
from kaon.host.state.flows import EndFlows, FlowPolicy

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One namespace.

    instance    boot and number of the namespace; of another one, only the fingerprints still say something
    generation  of the rules after our last transaction or look; None: it was not ours alone
    tables      family -> what we wrote
    policy      what the ports were allowed; None: never written
    pending     flows to end, of a transaction that was about to be run
    condemned   zones that have condemned flows
    """

    instance: str = ""
    generation: int | None = None
    tables: Mapping[str, Written] = {}
    policy: FlowPolicy | None = None
    pending: tuple[EndFlows, ...] = ()
    condemned: tuple[int, ...] = ()

    def state_of(self, namespace: str, tables: Mapping[str, Table]) -> FilterState:
        """Give the actual state of a namespace with these tables."""
        return FilterState(
            tables={(namespace, family): table for family, table in tables.items()},
            policy=self.policy,
            namespaces=frozenset({namespace}),
            pending=frozenset(self.pending),
        )


class Records:
    """The records of all namespaces, in memory and in a directory of small files."""

    def __init__(self, directory: Path) -> None:
        """Keep them in a directory, which is made when first needed."""
        self._directory = directory
        self._held: dict[str, Record] = {}
        self._unwritten: set[str] = set()

    def _file(self, namespace: str) -> Path:
        return self._directory / f"{namespace or 'host'}.json"

    def get(self, namespace: str) -> Record:
        """Give a record; an empty one when it is lost or cannot be read."""
        if namespace not in self._held:
            try:
                self._held[namespace] = msgspec.json.decode(self._file(namespace).read_bytes(), type=Record)
            except (OSError, msgspec.MsgspecError):
                self._held[namespace] = Record()
        return self._held[namespace]

    def put(self, namespace: str, record: Record) -> None:
        """Keep a record; a reader finds the old one or the new one.

        A full disk is no reason to wire nothing: the record is kept in memory, and written with the next change. What an agent
        believes that starts meanwhile is old, and every chain that differs from it is written again.
        """
        file = self._file(namespace)
        if record == self._held.get(namespace) and namespace not in self._unwritten and file.exists():
            return
        self._held[namespace] = record
        self._unwritten.add(namespace)
        draft = file.with_suffix(".new")
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(record))
            draft.replace(file)
            self._unwritten.discard(namespace)

    def forget_all_but(self, namespaces: frozenset[str]) -> None:
        """Drop the records of namespaces that are gone."""
        names = {self._file(namespace).name for namespace in namespaces}
        for file in self._directory.glob("*.json"):
            if file.name not in names:
                file.unlink(missing_ok=True)
        for namespace in self._held.keys() - namespaces:
            del self._held[namespace]

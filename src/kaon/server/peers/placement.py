"""Placement's words, and Nova's for host aggregates: makes resource providers what they should be.

What is wanted is compared with what was made; only what differs is told, and all of it again once an hour, for somebody may
have changed it. Providers that are no longer wanted go, unless a server still has something of theirs: then later.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kaon.lib.log import Log
from kaon.server.peers.http import Peer, PeerUnavailable
from kaon.server.peers.providers import Provider
from kaon.server.store import outbox
from kaon.server.store import resource_providers as made
from kaon.server.store.engine import Store, Transaction

_log = Log(__name__)

PEER: Final = "placement"
_EVERY_S: Final = 30.0
_LONGEST_PAUSE_S: Final = 300.0
_TURN_S: Final = 120.0
_MOST_CONFLICTS: Final = 5
_PLACEMENT: Final = {"OpenStack-API-Version": "placement 1.20"}
_COMPUTE: Final = {"OpenStack-API-Version": "compute 2.41", "X-OpenStack-Nova-API-Version": "2.41"}
_REFUSED, _NOT_FOUND, _CONFLICT = 400, 404, 409

Wanted = Callable[[Transaction], Sequence[Provider]]


class _RefusedError(Exception):
    """One provider cannot be made what it should be now; the text says why."""


class Reconciler:
    """A thread that keeps Placement as it should be. `stop` may come from any thread.

    nova    for host aggregates; None: segments get none, and Nova does not choose hosts by them
    wanted  every provider that should be there, parents first
    """

    def __init__(self, store: Store, holder: str, placement: Peer, nova: Peer | None, wanted: Wanted) -> None:
        self._store = store
        self._holder = holder
        self._placement = placement
        self._nova = nova
        self._wanted = wanted
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="placement", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def poke(self) -> None:
        """Nothing: it looks by itself."""

    def stop(self) -> None:
        """Finish the provider at hand and no other; see `join`."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the provider at hand, after `stop`."""
        self._thread.join(timeout_s)

    def round(self) -> int:
        """Make everything what it should be, if it is our turn; tell how many providers could not. Errors: PeerUnavailable."""
        wanted, there, salt = self._store.read(
            lambda tx: (list(self._wanted(tx)), made.made(tx), tx.now.strftime("%Y-%m-%dT%H"))
        )
        changed = [one for one in wanted if there.get(one.id, ("", ""))[1] != one.digest(salt)]
        gone = there.keys() - {one.id for one in wanted}
        if not changed and not gone:
            return 0
        if not self._store.write(lambda tx: outbox.take_turn(tx, PEER, self._holder, _TURN_S)):
            return 0
        try:
            work = [(one.name, lambda one=one: self._make(one, salt)) for one in changed]
            work += [(there[one][0], lambda one=one: self._unmake(one, there[one][0])) for one in sorted(gone)]
            return sum(not self._try(name, step) for name, step in work if not self._stopping.is_set())
        finally:
            self._store.write(lambda tx: outbox.end_turn(tx, PEER, self._holder))

    def _try(self, name: str, step: Callable[[], None]) -> bool:
        try:
            step()
        except _RefusedError as problem:
            _log.warning("placement is not as it should be", provider=name, reason=str(problem))
            return False
        # So that nobody takes the turn of one who has much to do.
        self._store.write(lambda tx: outbox.take_turn(tx, PEER, self._holder, _TURN_S))
        return True

    def _run(self) -> None:
        pause = _EVERY_S
        while not self._stopping.is_set():
            try:
                failed: bool = self.round() > 0
            except PeerUnavailable as problem:
                failed = True
                _log.warning("a service cannot be told", peer=PEER, reason=str(problem), again_in_s=pause)
            except Exception as problem:  # noqa: BLE001  # whatever goes wrong, it is tried again; it is logged
                failed = True
                _log.failed("telling a service failed", problem, peer=PEER, again_in_s=pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2) if failed else _EVERY_S
            self._stopping.wait(pause)

    # One provider

    def _make(self, one: Provider, salt: str) -> None:
        self._store.write(lambda tx: made.remember(tx, one.id, one.name, ""))
        path = f"/resource_providers/{one.id}"
        status, _ = self._ask("GET", path, None, _NOT_FOUND)
        if status == _NOT_FOUND:
            parent = one.parent or (self._root(one.root) if one.root else None)
            body = {"name": one.name, "uuid": one.id} | ({"parent_provider_uuid": parent} if parent else {})
            self._ask("POST", "/resource_providers", body)
        for trait in one.traits:
            if trait.startswith("CUSTOM_"):
                self._ask("PUT", f"/traits/{trait}", None)
        self._set(f"{path}/traits", "traits", sorted(one.traits), sorted)
        self._set(f"{path}/inventories", "inventories", one.inventories, lambda there: _known(there, one.inventories))
        if one.hosts is not None and self._nova is not None:
            aggregate = self._aggregate(one.name, one.hosts)
            self._set(f"{path}/aggregates", "aggregates", [aggregate], list)
        self._store.write(lambda tx: made.remember(tx, one.id, one.name, one.digest(salt)))

    def _unmake(self, provider_id: str, name: str) -> None:
        if self._nova is not None and name.startswith("Neutron segment id "):
            self._drop_aggregate(name)
        self._ask("DELETE", f"/resource_providers/{provider_id}", None, _NOT_FOUND)
        self._store.write(lambda tx: made.forget(tx, provider_id))

    def _root(self, name: str) -> str:
        _, found = self._ask("GET", f"/resource_providers?name={name}", None)
        for one in found["resource_providers"]:
            return str(one["uuid"])
        raise _RefusedError(f"Nova has no compute node {name} yet")

    def _set(self, path: str, key: str, wanted: Any, shown: Callable[[Any], Any]) -> None:
        """Set one part of a provider, unless it is so already; again when somebody changed the provider meanwhile."""
        for _ in range(_MOST_CONFLICTS):
            _, there = self._ask("GET", path, None)
            if shown(there[key]) == wanted:
                return
            body = {key: wanted, "resource_provider_generation": there["resource_provider_generation"]}
            status, answer = self._ask("PUT", path, body, _CONFLICT)
            if status != _CONFLICT:
                return
        raise _RefusedError(f"PUT {path}: {answer}")

    def _ask(self, method: str, path: str, body: Any, *expected: int) -> tuple[int, Any]:
        return _checked(self._placement.ask(method, path, body, _PLACEMENT), f"{method} {path}", expected)

    # Host aggregates

    def _compute(self, method: str, path: str, body: Any, *expected: int) -> tuple[int, Any]:
        assert self._nova is not None  # noqa: S101  # asked only where there is one
        return _checked(self._nova.ask(method, path, body, _COMPUTE), f"{method} {path}", expected)

    def _find_aggregate(self, name: str) -> Mapping[str, Any] | None:
        _, found = self._compute("GET", "/os-aggregates", None)
        return next((one for one in found["aggregates"] if one["name"] == name), None)

    def _aggregate(self, name: str, hosts: Sequence[str]) -> str:
        """Make a host aggregate with these hosts; give its UUID. Hosts without a nova-compute are left out."""
        there = self._find_aggregate(name)
        if there is None:
            _, answer = self._compute("POST", "/os-aggregates", {"aggregate": {"name": name, "availability_zone": None}})
            there = {"hosts": [], **answer["aggregate"]}
        has = set(there["hosts"] or ())
        for word, those in (("add_host", set(hosts) - has), ("remove_host", has - set(hosts))):
            for host in sorted(those):
                path = f"/os-aggregates/{there['id']}/action"
                self._compute("POST", path, {word: {"host": host}}, _NOT_FOUND, _CONFLICT)
        return str(there["uuid"])

    def _drop_aggregate(self, name: str) -> None:
        there = self._find_aggregate(name)
        if there is not None:
            for host in there["hosts"] or ():
                self._compute("POST", f"/os-aggregates/{there['id']}/action", {"remove_host": {"host": host}}, _NOT_FOUND)
            self._compute("DELETE", f"/os-aggregates/{there['id']}", None, _NOT_FOUND)


def _checked(told: tuple[int, Any], question: str, expected: Sequence[int]) -> tuple[int, Any]:
    status, answer = told
    if status >= _REFUSED and status not in expected:
        raise _RefusedError(f"{question}: {status} {answer}")
    if question.startswith("GET") and status < _REFUSED and not isinstance(answer, dict):
        raise _RefusedError(f"{question}: {status} without a document")
    return status, answer


def _known(there: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Leave out of inventories what nobody asked for: Placement adds defaults."""
    return {kind: {key: there[kind].get(key) for key in wanted.get(kind, there[kind])} for kind in there}

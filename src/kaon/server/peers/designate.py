"""Designate's words: recordsets of names (A, AAAA) and of addresses (PTR).

Names are published in zones of the project that they belong to, and in no other: Designate is asked in its stead. Zones of
addresses are ours; they are made when they are first needed. What somebody else published is left alone.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kaon.lib.log import Log
from kaon.server.peers.courier import Delivery, Send, Verdict
from kaon.server.peers.http import Peer, PeerUnavailable
from kaon.server.peers.settings import DesignateSettings
from kaon.server.store.outbox import DESIGNATE, Message

_log = Log(__name__)

_KEEP_S: Final = 86_400.0
"""For so long what could not be published is tried again: nobody else will."""

_MANAGED: Final = {"X-Designate-Edit-Managed-Records": "true"}

_CONFLICT, _NOT_FOUND, _REFUSED = 409, 404, 400


class _LaterError(Exception):
    """Designate refuses one thing for the time being."""


class _NeverError(Exception):
    """It refuses it for good; the text says why."""


def delivery(settings: DesignateSettings) -> Delivery:
    """Tell how Designate is told. Errors: those of `Peer`."""
    peer = Peer(settings.peer, "dns")
    # Up to four questions for each of few messages.
    turn_s = 20 * settings.peer.timeout_s
    return Delivery(
        DESIGNATE, sender(peer, settings), turn_s=turn_s, keep_s=_KEEP_S, most=5, most_attempts=0, longest_pause_s=300.0
    )


def sender(peer: Peer, settings: DesignateSettings) -> Send:
    """Make what publishes and withdraws names."""
    designate = _Designate(peer, settings)
    return lambda messages: {message.id: designate.tell(message) for message in messages}


def reverse(address: str, settings: DesignateSettings) -> tuple[str, str]:
    """Give the name of an address and the zone in which it is, with dots at their ends. Pure."""
    parsed = ipaddress.ip_address(address)
    labels = parsed.reverse_pointer.split(".")
    v4 = parsed.version == 4  # noqa: PLR2004  # the IP version
    host_bits = 32 - settings.ipv4_ptr_zone_prefix_size if v4 else 128 - settings.ipv6_ptr_zone_prefix_size
    skipped = host_bits // (8 if v4 else 4)
    return ".".join(labels) + ".", ".".join(labels[skipped:]) + "."


class _Designate:
    def __init__(self, peer: Peer, settings: DesignateSettings) -> None:
        self._peer = peer
        self._settings = settings

    def tell(self, message: Message) -> Verdict:
        """Publish or withdraw a name. Errors: PeerUnavailable when Designate cannot be reached."""
        told = message.body
        try:
            if told["do"] == "publish":
                self._publish(told)
            else:
                self._withdraw(told)
        except _LaterError as problem:
            _log.warning("designate refuses for the time being", name=told["name"], reason=str(problem))
            return Verdict.LATER
        except _NeverError as problem:
            _log.error("a name is not in DNS", name=told["name"], addresses=told["addresses"], reason=str(problem))
            return Verdict.DROPPED
        return Verdict.TOLD

    def _publish(self, told: Mapping[str, Any]) -> None:
        sudo = {"X-Auth-Sudo-Project-ID": told["project_id"]}
        zone = self._zone(told["zone"], sudo)
        if zone is None:
            raise _NeverError(f"project {told['project_id']} has no zone {told['zone']}")
        by_type: dict[str, list[str]] = {}
        for address in told["addresses"]:
            by_type.setdefault("AAAA" if ":" in address else "A", []).append(address)
        for kind, addresses in by_type.items():
            self._make(zone, told["name"], kind, addresses, sudo)
        if not self._settings.allow_reverse_dns_lookup:
            return
        for address in told["addresses"]:
            name, zone_name = reverse(address, self._settings)
            self._make(self._address_zone(zone_name, told["zone"]), name, "PTR", [told["name"]], _MANAGED)

    def _withdraw(self, told: Mapping[str, Any]) -> None:
        sudo = {"X-Auth-Sudo-Project-ID": told["project_id"]}
        self._drop(self._zone(told["zone"], sudo), told["name"], set(told["addresses"]), sudo)
        if not self._settings.allow_reverse_dns_lookup:
            return
        for address in told["addresses"]:
            name, zone_name = reverse(address, self._settings)
            self._drop(self._zone(zone_name, {}), name, {told["name"]}, _MANAGED)

    def _zone(self, name: str, headers: Mapping[str, str]) -> str | None:
        _, found = self._ask("GET", f"/v2/zones?name={name}", None, headers)
        return next((zone["id"] for zone in found["zones"] if zone["name"] == name), None)

    def _address_zone(self, name: str, domain: str) -> str:
        zone = self._zone(name, {})
        if zone is None:
            email = self._settings.ptr_zone_email or f"admin@{domain.removesuffix('.')}"
            made = {"name": name, "email": email, "description": "Names of addresses, made by the network service."}
            status, answer = self._ask("POST", "/v2/zones", made, {}, _CONFLICT)
            zone = self._zone(name, {}) if status == _CONFLICT else answer["id"]
        if zone is None:
            raise _NeverError(f"zone {name} is somebody else's")
        return zone

    def _make(self, zone: str, name: str, kind: str, records: Sequence[str], headers: Mapping[str, str]) -> None:
        made = {"name": name, "type": kind, "records": list(records)}
        status, _ = self._ask("POST", f"/v2/zones/{zone}/recordsets", made, headers, _CONFLICT)
        if status != _CONFLICT:
            return
        there = self._recordsets(zone, name, headers)
        if not any(one["type"] == kind and set(one["records"]) == set(records) for one in there):
            raise _NeverError(f"there is another {kind} recordset of {name}")

    def _drop(self, zone: str | None, name: str, records: set[str], headers: Mapping[str, str]) -> None:
        for one in self._recordsets(zone, name, headers) if zone is not None else ():
            if not records.isdisjoint(one["records"]):
                path = f"/v2/zones/{zone}/recordsets/{one['id']}"
                status, _ = self._ask("DELETE", path, None, headers, _NOT_FOUND, _REFUSED)
                if status == _REFUSED:
                    self._ask("DELETE", path, None, dict(headers) | _MANAGED, _NOT_FOUND)

    def _recordsets(self, zone: str, name: str, headers: Mapping[str, str]) -> list[Mapping[str, Any]]:
        status, found = self._ask("GET", f"/v2/zones/{zone}/recordsets?name={name}", None, headers, _NOT_FOUND)
        return [] if status == _NOT_FOUND else [one for one in found["recordsets"] if one["name"] == name]

    def _ask(self, method: str, path: str, body: Any, headers: Mapping[str, str], *expected: int) -> tuple[int, Any]:
        try:
            status, answer = self._peer.ask(method, path, body, dict(headers))
        except PeerUnavailable as problem:
            if problem.status is None:
                raise
            raise _LaterError(str(problem)) from problem
        if status in expected:
            return status, answer
        if status < _REFUSED:
            if method != "DELETE" and not isinstance(answer, dict):
                raise _LaterError(f"{method} {path}: {status} without a document")
            return status, answer
        raise _NeverError(f"{method} {path}: {status} {answer}")

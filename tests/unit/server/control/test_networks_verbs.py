"""Networks: what is stored, what is refused, what hosts are told."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from kaon.model.errors import (
    FlatNetworkInUse,
    InvalidInput,
    InvalidSharedSetting,
    NetworkInUse,
    NetworkNotFound,
    NoNetworkAvailable,
    OverQuota,
    PolicyNotAuthorized,
    RevisionNumberConstraintFailed,
    TunnelIdInUse,
)
from kaon.model.query import Query
from kaon.server.control import networks, ports, segment_types, subnets
from kaon.server.control.core import Caller, Core
from kaon.server.store import tables as t


def _make(core: Core, caller: Caller, **body: Any) -> dict[str, Any]:
    return networks.create(core, caller, [{"project_id": caller.project_id, **body}])[0]


def _used(core: Core, resource: str) -> int:
    c = t.quota_usages.c
    wanted = sa.select(c.used).where(c.project_id == "blue", c.resource == resource)
    return core.store.read(lambda tx: tx.execute(wanted).scalar() or 0)


def test_a_network_is_shown_as_it_was_answered(core: Core, member: Caller) -> None:
    """POST and GET give the same."""
    made = _make(core, member, name="n")
    assert made == networks.show(core, member, made["id"])
    assert (made["provider:network_type"], made["provider:segmentation_id"], made["mtu"]) == ("vxlan", 1, 1450)


def test_each_network_has_its_own_segment(core: Core, member: Caller, admin: Caller) -> None:
    """The lowest free id is taken; a deleted network's comes back."""
    first, second = _make(core, member), _make(core, member)
    assert [row["provider:segmentation_id"] for row in (first, second)] == [1, 2]
    networks.delete(core, member, first["id"])
    assert _make(core, member)["provider:segmentation_id"] == 1
    chosen = {"provider:network_type": "vxlan", "provider:segmentation_id": 2}
    with pytest.raises(TunnelIdInUse):
        _make(core, admin, **chosen)
    assert _make(core, admin, **chosen | {"provider:segmentation_id": 3})["provider:segmentation_id"] == 3
    assert _make(core, member)["provider:segmentation_id"] == 4


def test_segments_run_out(core: Core, member: Caller) -> None:
    """Without a free id there is no network, and nothing of it remains."""
    small = replace(core, settings=replace(core.settings, vni_ranges=((5, 6),)))
    assert [_make(small, member)["provider:segmentation_id"] for _ in range(2)] == [5, 6]
    with pytest.raises(NoNetworkAvailable):
        _make(small, member)
    assert _used(core, "network") == 2


def test_new_ranges_leave_out_what_is_used(core: Core, member: Caller) -> None:
    """When the configured ranges change, ids that networks have are not handed out again."""
    _make(core, member)
    other = replace(core, settings=replace(core.settings, vni_ranges=((1, 2), (9, 9))))
    segment_types.prepare(other)
    assert [_make(other, member)["provider:segmentation_id"] for _ in range(2)] == [2, 9]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"provider:network_type": "vlan", "provider:physical_network": "p", "provider:segmentation_id": 7}, "back end linux"),
        ({"provider:network_type": "flat"}, "physical_network"),
        ({"provider:network_type": "flat", "provider:physical_network": "p", "provider:segmentation_id": 1}, "segmentation_id"),
        ({"provider:network_type": "vxlan", "provider:physical_network": "p"}, "physical_network"),
        ({"provider:network_type": "vxlan", "provider:segmentation_id": 1 << 24}, "between 1 and"),
        ({"provider:segmentation_id": 4}, "network_type"),
        ({"mtu": 1451}, "mtu 1451"),
    ],
)
def test_what_cannot_be_made_is_refused(core: Core, admin: Caller, body: dict[str, Any], says: str) -> None:
    """The refusal names the attribute or the back end."""
    with pytest.raises(InvalidInput, match=says):
        _make(core, admin, **body)
    assert networks.index(core, admin, Query()).rows == []


def test_a_physical_network_has_one_flat_network(core: Core, admin: Caller) -> None:
    """The second is a conflict; the MTU is the underlay's."""
    flat = {"provider:network_type": "flat", "provider:physical_network": "outside"}
    made = _make(core, admin, **flat)
    assert (made["mtu"], made["provider:segmentation_id"]) == (1500, None)
    assert made == networks.show(core, admin, made["id"])
    with pytest.raises(FlatNetworkInUse):
        _make(core, admin, **flat)


def test_bulk_is_all_or_none(core: Core, member: Caller) -> None:
    """One bad item, nothing made."""
    with pytest.raises(InvalidInput):
        networks.create(core, member, [{"project_id": "blue"}, {"project_id": "blue", "mtu": 9000}])
    assert (networks.index(core, member, Query()).rows, _used(core, "network")) == ([], 0)


def test_quota_is_kept_to_the_last(core: Core, member: Caller) -> None:
    """The limit itself is allowed, one more is not, and what is deleted may be made again."""
    small = replace(core, settings=replace(core.settings, quotas={"network": 2}))
    made = networks.create(small, member, [{"project_id": "blue"}] * 2)
    with pytest.raises(OverQuota, match="network"):
        _make(small, member)
    networks.delete(small, member, made[0]["id"])
    _make(small, member)


def test_first_use_is_limited_too(core: Core, member: Caller) -> None:
    """A project that never had any is held to its limit at once."""
    none = replace(core, settings=replace(core.settings, quotas={"network": 0}))
    with pytest.raises(OverQuota):
        _make(none, member)


def test_strangers_see_only_what_is_shared_or_external(core: Core, member: Caller, stranger: Caller, admin: Caller) -> None:
    """Not visible is not found; visible is not changeable."""
    own = _make(core, member)
    shared = _make(core, admin, shared=True)
    external = _make(core, admin, **{"router:external": True})
    with pytest.raises(NetworkNotFound):
        networks.show(core, stranger, own["id"])
    with pytest.raises(NetworkNotFound):
        networks.delete(core, stranger, own["id"])
    assert {shared["id"], external["id"]} == {row["id"] for row in networks.index(core, stranger, Query()).rows}
    with pytest.raises(PolicyNotAuthorized):
        networks.update(core, stranger, shared["id"], {"name": "mine"})


def test_update_raises_the_revision_once(core: Core, member: Caller) -> None:
    """What changes nothing raises nothing; a stale revision changes nothing."""
    made = _make(core, member, name="n")
    assert made == networks.update(core, member, made["id"], {})
    changed = networks.update(core, member, made["id"], {"name": "m"}, made["revision_number"])
    assert (changed["name"], changed["revision_number"]) == ("m", made["revision_number"] + 1)
    with pytest.raises(RevisionNumberConstraintFailed):
        networks.update(core, member, made["id"], {"name": "o"}, made["revision_number"])
    assert changed == networks.show(core, member, made["id"])


def test_shared_stays_while_others_use_it(core: Core, admin: Caller, stranger: Caller) -> None:
    """A port of another project holds the network shared."""
    made = _make(core, admin, shared=True)
    port = ports.create(core, stranger, [{"project_id": "red", "network_id": made["id"]}])[0]
    with pytest.raises(InvalidSharedSetting):
        networks.update(core, admin, made["id"], {"shared": False})
    ports.delete(core, stranger, port["id"])
    assert networks.update(core, admin, made["id"], {"shared": False})["shared"] is False


def test_a_network_with_ports_stays(core: Core, member: Caller) -> None:
    """Without ports it goes, and takes its subnets and their quota along."""
    made = _make(core, member)
    subnets.create(core, member, [{"project_id": "blue", "network_id": made["id"], "cidr": "10.0.0.0/24", "ip_version": 4}])
    port = ports.create(core, member, [{"project_id": "blue", "network_id": made["id"]}])[0]
    with pytest.raises(NetworkInUse):
        networks.delete(core, member, made["id"])
    ports.delete(core, member, port["id"])
    networks.delete(core, member, made["id"])
    assert [_used(core, resource) for resource in ("network", "subnet", "port")] == [0, 0, 0]
    left = core.store.read(lambda tx: tx.execute(sa.select(t.scopes.c.name).where(t.scopes.c.name.like("network:%"))).all())
    assert left == []

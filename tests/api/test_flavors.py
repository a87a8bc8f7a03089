"""Flavors, service profiles and providers over HTTP, and routers of a flavor."""

from typing import Any
from uuid import uuid4

import pytest
from api_client import Client

NEUTRON = "neutron.services.l3_router.service_providers."


def flavor(admin: Client, *drivers: str, **more: Any) -> Any:
    """Make a flavor of routers with a profile for each driver."""
    made = admin.make("flavor", name="f", service_type="L3_ROUTER_NAT", **more)
    for driver in drivers:
        profile = admin.make("service_profile", driver=driver)
        bind(admin, made, profile)
    return made


def bind(admin: Client, made: Any, profile: Any) -> None:
    """Give a flavor a profile."""
    path = f"/v2.0/flavors/{made['id']}/service_profiles"
    answer = admin.ask("POST", path, json={"service_profile": {"id": profile["id"]}})
    assert (answer.status_code, answer.json()) == (201, {"service_profile": {"id": profile["id"]}})


def test_a_flavor_and_its_profiles(admin: Client, ann: Client) -> None:
    """Administrators make them; users see flavors only. What is in use stays."""
    one = admin.make("flavor", name="gold", service_type="FLAVORS", description=None)
    assert one == {
        "id": one["id"],
        "name": "gold",
        "description": None,
        "service_type": "FLAVORS",
        "service_profiles": [],
        "enabled": True,
    }
    profile = admin.make("service_profile", metainfo='{"data": "value"}')
    assert profile == {**profile, "description": "", "driver": "", "metainfo": '{"data": "value"}', "enabled": True}
    bind(admin, one, profile)
    below = f"flavors/{one['id']}/service_profiles"
    assert admin.refused("POST", below, json={"service_profile": {"id": profile["id"]}}) == (
        409,
        "FlavorServiceProfileBindingExists",
    )
    assert admin.refused("POST", below, json={"service_profile": {"id": str(uuid4())}}) == (404, "ServiceProfileNotFound")
    assert ann.get("flavors", name="gold")["flavors"] == [{**one, "service_profiles": [profile["id"]]}]
    assert ann.get("service_profiles")["service_profiles"] == []
    assert ann.refused("GET", f"service_profiles/{profile['id']}") == (404, "ServiceProfileNotFound")
    assert ann.refused("PUT", f"flavors/{one['id']}", json={"flavor": {"name": "x"}}) == (403, "PolicyNotAuthorized")
    path = f"service_profiles/{profile['id']}"
    assert admin.refused("DELETE", path) == (409, "ServiceProfileInUse")
    assert admin.refused("PUT", path, json={"service_profile": {"enabled": False}}) == (409, "ServiceProfileInUse")
    assert admin.ask("DELETE", f"/v2.0/{below}/{profile['id']}").status_code == 204
    assert admin.refused("DELETE", f"{below}/{profile['id']}") == (404, "FlavorServiceProfileBindingNotFound")
    assert admin.change("service_profile", profile["id"], enabled=False)["enabled"] is False
    assert admin.change("flavor", one["id"], service_profiles=[profile["id"]], enabled=False) == {
        **one,
        "enabled": False,
        "service_profiles": [profile["id"]],
    }
    assert admin.get("flavors", id="33")["flavors"] == []
    admin.remove("flavor", one["id"])
    admin.remove("service_profile", profile["id"])
    assert admin.refused("GET", f"flavors/{one['id']}") == (404, "FlavorNotFound")


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("service_profiles", {"service_profile": {}}, (400, "ServiceProfileEmpty")),
        ("service_profiles", {"service_profile": {"driver": "no.such.Driver"}}, (404, "ServiceProfileDriverNotFound")),
        ("flavors", {"flavor": {"service_type": "NOTHING"}}, (400, "InvalidServiceType")),
        ("flavors", {"flavor": {"name": "x"}}, (400, "HTTPBadRequest")),
        ("flavors", {"flavor": {"service_type": "QOS", "service_profiles": [str(uuid4())]}}, (404, "ServiceProfileNotFound")),
    ],
)
def test_what_is_refused(admin: Client, path: str, body: Any, refusal: tuple[int, str]) -> None:
    """What says nothing, or names what nobody has."""
    assert admin.refused("POST", path, json=body) == refusal


def test_providers_are_neutron_s_four_kinds_of_routers(ann: Client) -> None:
    """Everybody may list them; a flavor tells who would serve it."""
    found = ann.get("service-providers")["service_providers"]
    assert sorted(one["name"] for one in found) == ["dvr", "dvrha", "ha", "single_node"]
    assert ann.get("service_providers", name="dvr")["service_providers"] == [
        {"service_type": "L3_ROUTER_NAT", "name": "dvr", "default": False}
    ]


def test_a_router_of_a_flavor(admin: Client, ann: Client) -> None:
    """Is what its provider makes, keeps the flavor alive, and has no flags that contradict it."""
    driver = NEUTRON + "single_node.SingleNodeDriver"
    one = flavor(admin, driver)
    following = admin.get(f"flavors/{one['id']}/next_providers")["next_providers"]
    assert following == [{"provider": "single_node", "driver": driver, "metainfo": ""}]
    router = ann.make("router", flavor_id=one["id"])
    assert (router["flavor_id"], ann.make("router")["flavor_id"]) == (one["id"], None)
    assert ann.refused("PUT", f"routers/{router['id']}", json={"router": {"flavor_id": one["id"]}}) == (400, "HTTPBadRequest")
    assert admin.refused("DELETE", f"flavors/{one['id']}") == (409, "FlavorInUse")
    distributed = {"router": {"flavor_id": one["id"], "distributed": True}}
    assert admin.refused("POST", "routers", json=distributed)[0] == 400
    assert ann.make("router", flavor_id=flavor(admin, NEUTRON + "dvr.DvrDriver")["id"])["flavor_id"]
    ann.remove("router", router["id"])
    admin.remove("flavor", one["id"])


def test_a_router_is_not_made_of_what_is_no_flavor_for_it(admin: Client, ann: Client) -> None:
    """Unknown, disabled, without a profile, with a disabled or a driverless one, or for something else."""
    disabled = admin.make("service_profile", driver="single_node", enabled=False)["id"]
    driverless = admin.make("service_profile", metainfo="x")["id"]
    for flavor_id, refusal in (
        (str(uuid4()), (404, "FlavorNotFound")),
        (flavor(admin, "single_node", enabled=False)["id"], (503, "FlavorDisabled")),
        (flavor(admin)["id"], (404, "FlavorServiceProfileBindingNotFound")),
        (flavor(admin, service_profiles=[disabled])["id"], (503, "ServiceProfileDisabled")),
        (flavor(admin, service_profiles=[driverless])["id"], (404, "ServiceProfileDriverNotFound")),
        (admin.make("flavor", service_type="QOS")["id"], (400, "InvalidInput")),
    ):
        assert ann.refused("POST", "routers", json={"router": {"flavor_id": flavor_id}}) == refusal

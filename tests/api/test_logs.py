"""Logs over HTTP."""

from typing import Any

import pytest
from api_client import Client

NOBODY = "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"


def _log(client: Client, **attributes: Any) -> Any:
    answer = client.ask("POST", "/v2.0/log/logs", json={"log": {"resource_type": "security_group", **attributes}})
    assert answer.status_code == 201, answer.text
    return answer.json()["log"]


def test_a_log_lives(admin: Client) -> None:
    """Made, shown, found, changed and deleted, with the service's word in the path and without."""
    group = admin.make("security_group", name="g")["id"]
    log = _log(admin, name="what", resource_id=group)
    assert log.keys() == {
        *("id", "project_id", "tenant_id", "name", "resource_type", "resource_id", "target_id", "event", "enabled"),
        *("description", "created_at", "updated_at", "revision_number"),
    }
    assert (log["event"], log["enabled"], log["target_id"]) == ("ALL", True, None)
    _log(admin)
    assert admin.get(f"log/logs/{log['id']}")["log"] == admin.get(f"logs/{log['id']}")["log"] == log
    assert admin.get("log/logs", resource_id=group)["logs"] == [log]
    assert len(admin.get("log/logs", sort_key="resource_id", sort_dir="asc")["logs"]) == 2
    path = f"/v2.0/log/logs/{log['id']}"
    changed = admin.ask("PUT", path, json={"log": {"enabled": False, "description": "d"}}).json()["log"]
    assert (changed["enabled"], changed["description"], changed["revision_number"]) == (False, "d", 2)
    assert admin.refused("PUT", f"log/logs/{log['id']}", json={"log": {"event": "DROP"}}) == (400, "HTTPBadRequest")
    assert admin.ask("DELETE", path).status_code == 204
    assert admin.refused("GET", f"log/logs/{log['id']}") == (404, "LogResourceNotFound")


def test_a_log_goes_with_what_it_is_about(admin: Client) -> None:
    """With the group, and with the port."""
    group = admin.make("security_group", name="g")["id"]
    port = admin.make("port", network_id=admin.make("network")["id"], security_groups=[group])["id"]
    of_port, of_group = _log(admin, resource_id=group, target_id=port), _log(admin, resource_id=group)
    admin.remove("port", port)
    assert admin.get("log/logs")["logs"] == [of_group]
    assert of_port["target_id"] == port
    admin.remove("security_group", group)
    assert admin.get("log/logs")["logs"] == []


def test_what_can_be_logged_is_listed(admin: Client, ann: Client) -> None:
    """For those who may make logs."""
    assert admin.get("log/loggable-resources")["loggable_resources"] == [{"type": "security_group"}, {"type": "snat"}]
    assert ann.get("log/loggable-resources")["loggable_resources"] == []


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        ({"resource_type": "dragon"}, (400, "InvalidLogResourceType")),
        ({"resource_id": NOBODY}, (404, "ResourceNotFound")),
        ({"target_id": NOBODY}, (404, "TargetResourceNotFound")),
        ({"resource_id": "g", "target_id": "p"}, (400, "InvalidResourceConstraint")),
        ({"event": "SOME"}, (400, "HTTPBadRequest")),
        ({"resource_type": "snat"}, (400, "ResourceIdNotSpecified")),
        ({"resource_type": "snat", "resource_id": "r", "event": "DROP"}, (400, "EventsDisabled")),
        ({"resource_type": "snat", "resource_id": "r", "target_id": "p"}, (400, "InvalidResourceConstraint")),
        ({"resource_type": "snat", "resource_id": NOBODY}, (404, "ResourceNotFound")),
        ({"resource_type": "snat", "resource_id": "r"}, (409, "RouterGatewayNotSet")),
    ],
)
def test_a_wrong_log_is_refused(admin: Client, wish: dict[str, Any], refusal: tuple[int, str]) -> None:
    """With Neutron's code and type, but for routers that are not set up for it."""
    made = {"r": admin.make("router")["id"], "g": admin.make("security_group", name="g")["id"]}
    made["p"] = admin.make("port", network_id=admin.make("network")["id"], security_groups=[])["id"]
    body = {"resource_type": "security_group"} | {key: made.get(value, value) for key, value in wish.items()}
    assert admin.refused("POST", "log/logs", json={"log": body}) == refusal


def test_a_router_that_translates_can_be_logged(admin: Client) -> None:
    """And one that does not, cannot."""
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    router = admin.make("router", external_gateway_info={"network_id": outside})["id"]
    assert _log(admin, resource_type="snat", resource_id=router)["resource_id"] == router
    admin.change("router", router, external_gateway_info={"network_id": outside, "enable_snat": False})
    body = {"resource_type": "snat", "resource_id": router}
    assert admin.refused("POST", "log/logs", json={"log": body}) == (409, "RouterNotEnabledSnat")


def test_members_have_no_logs(ann: Client) -> None:
    """Neutron keeps them to managers of a project."""
    body = {"log": {"resource_type": "security_group"}}
    assert ann.refused("POST", "log/logs", json=body) == (403, "PolicyNotAuthorized")
    assert ann.get("log/logs")["logs"] == []

"""Quotas over HTTP."""

from typing import Any

from api_client import Client


def test_a_project_has_the_defaults(ann: Client) -> None:
    """With or without a row of its own."""
    quota = ann.get("quotas/p1")["quota"]
    assert {"network": 100, "port": 500, "router": 10, "floatingip": 50, "trunk": -1}.items() <= quota.items()
    assert ann.get("quotas/p1/default")["quota"]["network"] == 100
    assert ann.get("quotas/tenant")["tenant"]["tenant_id"] == "p1"
    assert ann.get("quotas/project")["project"]["project_id"] == "p1"


def test_details_show_what_is_used(ann: Client) -> None:
    """Limit, use and reservations."""
    ann.make("network")
    assert ann.get("quotas/p1/details.json")["quota"]["network"] == {"limit": 100, "used": 1, "reserved": 0}


def test_an_admin_sets_and_clears_limits(admin: Client, ann: Client) -> None:
    """Some of them; what is not named stays. Clearing what is not there is 404."""
    answer = admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"network": "5", "port": -1}})
    assert {"network": 5, "port": -1, "router": 10}.items() <= answer.json()["quota"].items()
    assert [row["project_id"] for row in admin.get("quotas")["quotas"]] == ["p1"]
    assert ann.get("quotas/p1")["quota"]["network"] == 5
    assert admin.ask("DELETE", "/v2.0/quotas/p1").status_code == 204
    assert admin.refused("DELETE", "quotas/p1") == (404, "TenantQuotaNotFound")


def test_wrong_limits_are_400(admin: Client, ann: Client) -> None:
    """Below -1, too many, text, parts, unknown resources, below what is used (unless forced by true itself)."""
    ann.make("network")
    below: tuple[dict[str, Any], ...] = ({"network": 0}, {"network": 0, "check_limit": True}, {"network": 0, "force": "true"})
    values = (-2, 2147483648, "many", 1.5, True, None)
    for wrong in (*({"network": value} for value in values), {"dragons": 1}, *below):
        assert admin.refused("PUT", "quotas/p1", json={"quota": wrong})[0] == 400, wrong
    assert admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"network": 1, "port": 2147483647}}).status_code == 200
    forced = admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"network": 0, "force": True}})
    assert forced.json()["quota"]["network"] == 0


def test_every_resource_has_a_limit_and_a_use(ann: Client, eve: Client) -> None:
    """Those that Neutron counts; readers see their own project's too."""
    resources = {
        *("network", "subnet", "subnetpool", "port", "router", "floatingip", "router_route"),
        *("rbac_policy", "security_group", "security_group_rule", "trunk"),
    }
    ann.make("security_group", name="g")
    quota = eve.get("quotas/p1/details")["quota"]
    assert quota.keys() == ann.get("quotas/p1")["quota"].keys() == ann.get("quotas/p1/default")["quota"].keys() == resources
    assert quota["security_group"] == {"limit": 10, "used": 2, "reserved": 0}
    assert quota["security_group_rule"] == {"limit": 100, "used": 6, "reserved": 0}


def test_members_look_at_their_own_only(ann: Client) -> None:
    """Others' quotas, lists and changes are 403."""
    refused = (403, "PolicyNotAuthorized")
    for path in ("quotas/p2", "quotas/p2/default", "quotas/p2/details"):
        assert ann.refused("GET", path) == refused
    assert ann.refused("GET", "quotas") == refused
    assert ann.refused("PUT", "quotas/p1", json={"quota": {"network": 1000}}) == refused
    assert ann.refused("DELETE", "quotas/p1") == refused

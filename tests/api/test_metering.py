"""Metering labels and their rules over HTTP."""

from typing import Any

from api_client import Client


def _post(client: Client, kind: str, **wish: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/metering/metering_{kind}s", json={f"metering_{kind}": wish})
    return answer.json()[f"metering_{kind}"] if answer.status_code == 201 else answer.json()["NeutronError"]["type"]


def test_a_label_lives_with_its_rules(admin: Client, mia: Client, ann: Client) -> None:
    """Managers make them, members see them, and the rules go with the label."""
    assert _post(ann, "label", name="l") == "PolicyNotAuthorized"
    label = _post(mia, "label", name="l", description="d")
    assert label == {
        "id": label["id"],
        "name": "l",
        "description": "d",
        "shared": False,
        "project_id": "p1",
        "tenant_id": "p1",
    }
    assert ann.get(f"metering/metering-labels/{label['id']}")["metering_label"] == label
    assert ann.get("metering-labels", name="l")["metering_labels"] == [label]
    wish = {"metering_label_id": label["id"], "direction": "ingress"}
    made = _post(mia, "label_rule", **wish, source_ip_prefix="10.0.0.0/24")
    assert (made["source_ip_prefix"], made["destination_ip_prefix"], made["excluded"]) == ("10.0.0.0/24", None, False)
    assert ann.get(f"metering/metering-label-rules/{made['id']}")["metering_label_rule"] == made
    assert ann.get("metering-label-rules", direction="ingress")["metering_label_rules"] == [made]
    assert mia.ask("DELETE", f"/v2.0/metering/metering-labels/{label['id']}").status_code == 204
    assert admin.get("metering/metering-label-rules")["metering_label_rules"] == []
    assert mia.refused("GET", f"metering-label-rules/{made['id']}") == (404, "MeteringLabelRuleNotFound")
    assert mia.refused("GET", f"metering-labels/{label['id']}") == (404, "MeteringLabelNotFound")


def test_rules_say_one_thing_about_an_end(admin: Client, bob: Client) -> None:
    """And not what another one says already."""
    label = _post(admin, "label", name="l", shared=True)["id"]
    wish = {"metering_label_id": label, "direction": "egress"}
    assert _post(admin, "label_rule", **wish, remote_ip_prefix="10.0.0.0/24")["remote_ip_prefix"] == "10.0.0.0/24"
    for more, refusal in (
        ({}, "Invalid"),
        ({"remote_ip_prefix": "10.9.0.0/16", "source_ip_prefix": "10.8.0.0/16"}, "Invalid"),
        ({"remote_ip_prefix": "10.0.0.128/25"}, "MeteringLabelRuleOverlaps"),
        ({"source_ip_prefix": "dragon"}, "HTTPBadRequest"),
        ({"source_ip_prefix": "10.0.0.0/8", "direction": "sideways"}, "HTTPBadRequest"),
    ):
        assert _post(admin, "label_rule", **wish | more) == refusal
    for more in ({"direction": "ingress"}, {"excluded": True}, {"remote_ip_prefix": "10.0.1.0/24"}):
        made = _post(admin, "label_rule", **wish | {"remote_ip_prefix": "10.0.0.0/25"} | more)
        assert admin.ask("DELETE", f"/v2.0/metering/metering-label-rules/{made['id']}").status_code == 204
    assert _post(bob, "label_rule", **wish, remote_ip_prefix="10.2.0.0/24") == "PolicyNotAuthorized"

"""Ports: where something joins a network."""

from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, label, owner, standard, switch, words
from kaon.model.errors import InvalidInput
from kaon.model.port_attributes import FURTHER
from kaon.model.qos_policies import network_policy_id, policy_id
from kaon.model.query import FilterValue
from kaon.model.tags import tagging

VNIC_TYPES: Final = (
    "normal",
    "direct",
    "macvtap",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
)


def _fixed_ips_filter(value: str) -> FilterValue:
    """`ip_address=192.0.2.1` as a pair; parts that nobody knows are dropped by the reader of the query."""
    key, equals, wanted = value.partition("=")
    if not equals:
        raise InvalidInput(error_message=f"{checks.shown(value)} is not of the form key=value")
    return key, wanted


def _mac_filter(value: str) -> FilterValue:
    return addresses.normal_mac(value) or value


@checks.keeps({"type": "string", "maxLength": 255})
def _host(value: Any) -> str:
    """The host to bind to; null, like the empty string, means none."""
    return str(addresses.host(value) or "")


PORT: Final = Resource(
    collection="ports",
    member="port",
    attributes=(
        identity("port"),
        label("port"),
        Attribute(name="network_id", alias="port", check=checks.uuid, default=REQUIRED, post=True, filter=words, sort=True),
        *owner(),
        Attribute(
            name="mac_address",
            alias="port",
            # Null means one that the server makes.
            check=checks.optional(addresses.mac),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=_mac_filter,
            sort=True,
        ),
        switch("admin_state_up", "port", sort=True),
        Attribute(name="status", alias="port", filter=words, sort=True),
        Attribute(
            name="device_id",
            alias="port",
            check=checks.text(255),
            default="",
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="device_owner",
            alias="port",
            check=checks.text(255),
            default="",
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="fixed_ips",
            alias="port",
            check=addresses.fixed_ips,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=_fixed_ips_filter,
        ),
        Attribute(
            name="allowed_address_pairs",
            alias="allowed-address-pairs",
            check=checks.or_empty(addresses.address_pairs),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(
            name="security_groups",
            alias="security-group",
            check=checks.or_empty(checks.uuids),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=words,
        ),
        Attribute(
            name="port_security_enabled",
            alias="port-security",
            check=checks.boolean,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(
            name="binding:vnic_type",
            alias="binding",
            check=checks.one_of(*VNIC_TYPES),
            default="normal",
            post=True,
            put=True,
        ),
        Attribute(
            name="binding:host_id",
            alias="binding",
            check=_host,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=words,
        ),
        Attribute(
            name="binding:profile",
            alias="binding",
            check=checks.dictionary,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(name="binding:vif_type", alias="binding"),
        Attribute(name="binding:vif_details", alias="binding"),
        *FURTHER,
        policy_id("qos"),
        network_policy_id("qos-port-network-policy"),
        Attribute(name="resource_request", alias="port-resource-request"),
        *standard(),
        *tagging(post=True),
    ),
)

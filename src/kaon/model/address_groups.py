"""Address groups: sets of prefixes that security group rules name as one."""

from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import NOT_SPECIFIED, Attribute, Resource, identity, label, owner, standard
from kaon.model.checks import Unfit
from kaon.model.extensions import Extension
from kaon.model.query import Body


@checks.keeps(checks.list_of(checks.schema_of(addresses.cidr)))
def prefixes(value: Any) -> list[str]:
    """A list of prefixes, each with its length; each once, without bits to the right of it, sorted. Null is an empty list."""
    return _listed(value, addresses.cidr)


@checks.keeps(checks.object_of(("addresses",), addresses=checks.list_of({"type": "string"})))
def addresses_body(document: Any) -> Body:
    """Body of add_addresses and remove_addresses: `addresses`, as `prefixes`, but an address may stand for itself."""
    if not isinstance(document, dict) or not isinstance(document.get("addresses"), list):
        raise Unfit("it needs a list of addresses")
    return {"addresses": _listed(document["addresses"], addresses.subnet_cidr)}


def _listed(value: Any, check: checks.Check) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit(f"{checks.shown(value)} is not a list")
    return sorted({check(item) for item in value})


ADDRESS_GROUP: Final = Resource(
    collection="address_groups",
    member="address_group",
    attributes=(
        identity("address-group"),
        label("address-group"),
        *owner(),
        Attribute(name="addresses", alias="address-group", check=prefixes, default=NOT_SPECIFIED, post=True),
        *standard(),
    ),
)

EXTENSIONS: Final = (
    Extension(
        "rbac-address-group",
        "Add address_group type to RBAC",
        "2021-01-20T00:00:00-00:00",
        "Address groups can be shared with projects.",
    ),
    Extension("address-group", "Address group", "2020-07-15T10:00:00-00:00", "Sets of prefixes for security group rules."),
    Extension(
        "security-groups-remote-address-group",
        "Remote address group id field for security group rules",
        "2020-08-25T10:00:00-00:00",
        "A security group rule can name an address group.",
    ),
)

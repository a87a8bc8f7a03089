"""Metering label rules: which traffic is counted under a label."""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, owner, words
from kaon.model.checks import Unfit, shown
from kaon.model.errors.metering import Invalid
from kaon.model.qos_rules import EGRESS, INGRESS

REMOTE: Final = "remote_ip_prefix"
PREFIXES: Final = (REMOTE, "source_ip_prefix", "destination_ip_prefix")


@checks.keeps({"type": ["string", "null"]})
def _prefix(value: Any) -> str | None:
    """An address, or a network whose bits to the right stay as sent; null: any."""
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004, TRY301  # one place says no
        ipaddress.ip_interface(value)
    except ValueError:
        raise Unfit(f"{shown(value)} is not a valid IP subnet") from None
    return value


def _attribute(name: str, alias: str, check: checks.Check, default: object) -> Attribute:
    return Attribute(name=name, alias=alias, check=check, default=default, post=True, filter=words, sort=True)


METERING_LABEL_RULE: Final = Resource(
    collection="metering_label_rules",
    member="metering_label_rule",
    attributes=(
        identity("metering"),
        *owner(),
        _attribute("metering_label_id", "metering", checks.uuid, REQUIRED),
        _attribute("direction", "metering", checks.one_of(INGRESS, EGRESS), REQUIRED),
        Attribute(
            name="excluded",
            alias="metering",
            check=checks.boolean,
            default=False,
            post=True,
            filter=checks.boolean,
            sort=True,
        ),
        _attribute(REMOTE, "metering", _prefix, None),
        *(_attribute(name, "metering_source_and_destination_fields", _prefix, None) for name in PREFIXES[1:]),
    ),
    verbs=frozenset({"create", "index", "show", "delete"}),
    prefix="metering",
)
"""`excluded`: what it says is not counted, though another rule of the label would."""


def check_prefixes(body: Mapping[str, Any]) -> None:
    """Refuse a rule that says of nothing where it is from or goes, or says it in both ways. Errors: Invalid."""
    named = [name for name in PREFIXES if body.get(name) is not None]
    if not named:
        raise Invalid(reason=f"A metering label rule needs one of {', '.join(PREFIXES)}.")
    if REMOTE in named and len(named) > 1:
        raise Invalid(reason=f"{REMOTE} cannot stand beside {' or '.join(named[1:])}.")

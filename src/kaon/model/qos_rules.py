"""Rules of QoS policies: five kinds, each a resource below its policy, most of them another one without it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, owner, words

INGRESS: Final = "ingress"
EGRESS: Final = "egress"
ANY: Final = "any"

MOST: Final = 0x7FFFFFFF
"""The largest number in a rule."""

MARKS: Final = (0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 44, 46, 48, 56)
"""DSCP marks that mean something: default, class selectors, assured and expedited forwarding, voice."""


@dataclass(frozen=True)
class Kind:
    """A kind of rule.

    name        its `type`
    extension   that brings it
    amount      attribute that a rule of this kind is about; a POST must name it
    burst       attribute that may stand beside; empty: none
    directions  that a rule may be for, `egress` unless it says so; empty: rules of this kind have none
    directed    extension that brings `direction`
    aliased     extension by which rules are found without their policy; empty: they are not
    """

    name: str
    extension: str
    amount: str
    burst: str = ""
    directions: tuple[str, ...] = (INGRESS, EGRESS)
    directed: str = ""
    aliased: str = ""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Attributes that are numbers."""
        return (self.amount, self.burst) if self.burst else (self.amount,)

    @property
    def shown(self) -> tuple[str, ...]:
        """Attributes that tell rules of this kind apart."""
        return (*self.numbers, "direction") if self.directions else self.numbers

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """All but the identity."""
        found = [_number(self, self.amount, REQUIRED)]
        if self.burst:
            found.append(_number(self, self.burst, 0))
        if self.directions:
            found.append(
                Attribute(
                    name="direction",
                    alias=self.directed or self.extension,
                    check=checks.one_of(*self.directions),
                    default=EGRESS,
                    post=True,
                    put=True,
                    filter=words,
                    sort=True,
                )
            )
        return tuple(found)


def _number(kind: Kind, name: str, default: object) -> Attribute:
    check = checks.number_of(*MARKS) if name == "dscp_mark" else checks.between(0, MOST)
    return Attribute(
        name=name,
        alias=kind.extension,
        check=check,
        default=default,
        post=True,
        put=True,
        filter=checks.integer,
        sort=True,
    )


KINDS: Final = (
    Kind(
        "bandwidth_limit",
        "qos",
        "max_kbps",
        burst="max_burst_kbps",
        directed="qos-bw-limit-direction",
        aliased="qos-rules-alias",
    ),
    Kind("dscp_marking", "qos", "dscp_mark", directions=(), aliased="qos-rules-alias"),
    Kind("minimum_bandwidth", "qos", "min_kbps", directed="qos-bw-minimum-ingress", aliased="qos-rules-alias"),
    Kind(
        "minimum_packet_rate",
        "qos-pps-minimum",
        "min_kpps",
        directions=(INGRESS, EGRESS, ANY),
        aliased="qos-pps-minimum-rule-alias",
    ),
    Kind("packet_rate_limit", "qos-pps", "max_kpps", burst="max_burst_kpps"),
)

BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS}


def _below_policy(kind: Kind) -> Resource:
    return Resource(
        collection=f"{kind.name}_rules",
        member=f"{kind.name}_rule",
        parent="policies",
        attributes=(identity(kind.extension), *kind.attributes),
    )


def _alias(kind: Kind) -> Resource:
    return Resource(
        collection=f"alias_{kind.name}_rules",
        member=f"alias_{kind.name}_rule",
        prefix="qos",
        verbs=frozenset({"show", "update", "delete"}),
        attributes=(identity(kind.aliased), *owner(), *(replace(one, post=False) for one in kind.attributes)),
    )


RULES: Final[Mapping[str, Resource]] = {kind.name: _below_policy(kind) for kind in KINDS}
"""Kind -> its rules below their policy."""

ALIASES: Final[Mapping[str, Resource]] = {kind.name: _alias(kind) for kind in KINDS if kind.aliased}
"""Kind -> its rules without their policy."""

RESOURCES: Final = (*RULES.values(), *ALIASES.values())

RULE_TYPE: Final = Resource(
    collection="rule_types",
    member="rule_type",
    prefix="qos",
    verbs=frozenset({"index", "show"}),
    key="type",
    attributes=(
        Attribute(name="type", alias="qos"),
        Attribute(name="drivers", alias="qos-rule-type-details"),
        Attribute(name="all_rules", alias="qos-rule-type-filter", visible=False, filter=checks.boolean),
        Attribute(name="all_supported", alias="qos-rule-type-filter", visible=False, filter=checks.boolean),
    ),
)
"""A list has the kinds that every back end carries out; `all_supported`: that some do; `all_rules`: that there are."""

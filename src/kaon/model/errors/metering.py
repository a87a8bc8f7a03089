"""Refusals about metering labels and their rules."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, NotFound


class Invalid(BadRequest):
    """{reason}"""  # noqa: D400  # a template


class MeteringLabelNotFound(NotFound):
    """Metering label {label_id} does not exist."""


class MeteringLabelRuleNotFound(NotFound):
    """Metering label rule {rule_id} does not exist."""


class MeteringLabelRuleOverlaps(Conflict):
    """A metering label rule with remote_ip_prefix {remote_ip_prefix} overlaps another one."""

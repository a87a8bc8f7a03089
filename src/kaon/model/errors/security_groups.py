"""Refusals about security groups beyond the core: their statefulness, and what new ones begin with.

The name of a class is Neutron's `type`, its docstring the message; see `kaon.model.errors`.
"""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, NotFound


class SecurityGroupConflict(Conflict):
    """{reason}"""  # noqa: D400  # a template


class SecurityGroupRulesNotSingleProject(BadRequest):
    """Rules of one request must belong to one project."""


class DefaultSecurityGroupRuleNotFound(NotFound):
    """Default security group rule {id} could not be found."""


class DefaultSecurityGroupRuleExists(Conflict):
    """New security groups of this kind begin with the same rule already: {rule_id}."""


class SecurityGroupDefaultStatefulnessNotFound(NotFound):
    """Security group default statefulness {id} could not be found."""


class SecurityGroupDefaultStatefulnessAlreadyExists(Conflict):
    """There is a default statefulness for {project_id} already."""

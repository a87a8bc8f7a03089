"""Refusals about QoS policies, their rules, and what uses them."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import Conflict, Forbidden, NotFound


class QosPolicyNotFound(NotFound):
    """QoS policy {policy_id} could not be found."""


class QosRuleNotFound(NotFound):
    """QoS rule {rule_id} for policy {policy_id} could not be found."""


class QoSPolicyDefaultAlreadyExists(Conflict):
    """A default QoS policy exists for project {project_id}."""


class QosPolicyInUse(Conflict):
    """QoS Policy {policy_id} is used by {object_type} {object_id}."""


class QosRuleNotSupported(Conflict):
    """Rule {rule_type} is not supported by port {port_id}"""  # noqa: D400  # a template


class QosRuleNotSupportedByNetwork(Conflict):
    """Rule {rule_type} is not supported by network {network_id}"""  # noqa: D400  # a template


class QoSRuleParameterConflict(Conflict):
    """Unable to have a rule with {rule_value} in policy {policy_id}: its rule of type {existing_rule} has {existing_value}."""


class QoSRulesConflict(Conflict):
    """Rule {new_rule_type} conflicts with rule {rule_id} which already exists in QoS Policy {policy_id}."""


class PolicyRemoveAuthorizationError(Forbidden):
    """Failed to remove provided policy {policy_id} because you are not authorized."""

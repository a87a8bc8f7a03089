"""Refusals about quotas.

The name of a class is Neutron's `type`, its docstring the message; see `kaon.model.errors`.
"""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest


class QuotaMissingTenant(BadRequest):
    """The caller acts in no project."""

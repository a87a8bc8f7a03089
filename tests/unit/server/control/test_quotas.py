"""Quotas."""

import pytest
from cloud import ADMIN, ANN, BOB, Cloud

from kaon.model import errors
from kaon.server.control import quotas


def test_defaults_until_set(cloud: Cloud) -> None:
    """A project has the defaults, then what an administrator gave it, then the defaults again."""
    assert 100 == quotas.show(cloud.core, ANN, "p1")["network"]
    assert 7 == quotas.update(cloud.core, ADMIN, "p1", {"network": 7})["network"]
    assert (7, 500) == (quotas.show(cloud.core, ANN, "p1")["network"], quotas.show(cloud.core, ANN, "p1")["port"])
    assert 100 == quotas.show_default(cloud.core, ANN, "p1")["network"]
    assert [("p1", 7)] == [(row["project_id"], row["network"]) for row in quotas.index(cloud.core, ADMIN)]
    quotas.delete(cloud.core, ADMIN, "p1")
    assert 100 == quotas.show(cloud.core, ANN, "p1")["network"]
    with pytest.raises(errors.TenantQuotaNotFound):
        quotas.delete(cloud.core, ADMIN, "p1")


def test_limit_holds(cloud: Cloud) -> None:
    """Over the limit nothing is made; details tell what is used."""
    quotas.update(cloud.core, ADMIN, "p1", {"network": 1})
    cloud.network()
    with pytest.raises(errors.OverQuota):
        cloud.network()
    assert {"limit": 1, "used": 1, "reserved": 0} == quotas.details(cloud.core, ANN, "p1")["network"]


def test_limit_below_usage_needs_force(cloud: Cloud) -> None:
    """Less than what is there is refused, unless it is forced."""
    cloud.network()
    with pytest.raises(errors.HTTPBadRequest):
        quotas.update(cloud.core, ADMIN, "p1", {"network": 0})
    assert 0 == quotas.update(cloud.core, ADMIN, "p1", {"network": 0, "force": True})["network"]


def test_members_see_their_own_only(cloud: Cloud) -> None:
    """Another project's quota is not to be seen, and none is to be set, by members."""
    with pytest.raises(errors.PolicyNotAuthorized):
        quotas.show(cloud.core, BOB, "p1")
    with pytest.raises(errors.PolicyNotAuthorized):
        quotas.update(cloud.core, ANN, "p1", {"network": 1000})
    with pytest.raises(errors.PolicyNotAuthorized):
        quotas.index(cloud.core, ANN)

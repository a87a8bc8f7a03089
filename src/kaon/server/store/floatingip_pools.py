"""Floating IP pools: subnets in, pools out."""

from dataclasses import replace

import sqlalchemy as sa

from kaon.lib.addresses import IPV4
from kaon.model.query import FilterValue, Query, Row
from kaon.server.store import rbac, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import Condition

_FOR = "for"


def _for(values: tuple[FilterValue, ...]) -> Condition:
    """IPv4 subnets of external networks: those that this project may use, or all ("")."""
    s, n = t.subnets.c, t.networks.c
    (project_id,) = values
    usable = rbac.condition("network", n.id, rbac.EXTERNAL)(str(project_id)) if project_id else sa.true()
    outside = sa.select(n.id).where(n.external, sa.or_(usable, n.project_id == project_id))
    return sa.and_(s.ip_version == IPV4, s.network_id.in_(outside))


LISTING = select.Listing(table=t.subnets, columns={}, special={_FOR: _for})


def index(tx: Transaction, query: Query, seeing: select.Seeing, project_id: str) -> tuple[list[Row], bool]:
    """List pools as those of a project: a page, and whether more follow. Errors: select.MarkerNotFound.

    seeing  who sees everything is shown every external network
    """
    asked = replace(query, filters={_FOR: ("" if seeing.everything else project_id,)})
    page = select.index(tx, LISTING, asked, _Everything())
    return [
        {
            "id": row["id"],
            "subnet_id": row["id"],
            "subnet_name": row["name"],
            "network_id": row["network_id"],
            "cidr": row["cidr"],
            "project_id": project_id,
            "tenant_id": project_id,
        }
        for row in page.rows
    ], page.has_more


class _Everything:
    """A select.Seeing without restriction: whose a subnet is, does not matter here."""

    everything = True
    project_id = ""
    through: frozenset[str] = frozenset()
    own = False

"""What rows of every resource have in common, between columns and wire names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kaon.model.query import Row
from kaon.server.store.select import RowMap

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def standard(row: RowMap, columns: Mapping[str, str]) -> Row:
    """Make the attributes that are one column each, with those that every resource has. columns: wire name -> column."""
    return {wire: row[column] for wire, column in columns.items()} | {
        "tenant_id": row["project_id"],
        "created_at": format_time(row["created_at"]),
        "updated_at": format_time(row["updated_at"]),
        "revision_number": row["revision_number"],
    }


def values(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Translate a resource, or some attributes of it, to columns. What is no column is left out."""
    found = {column: row[wire] for wire, column in columns.items() if wire in row}
    found.update({key: parse_time(row[key]) for key in ("created_at", "updated_at") if key in row})
    if "revision_number" in row:
        found["revision_number"] = row["revision_number"]
    return found


def fresh(identity: str, project_id: str, now: datetime) -> Row:
    """Give a new resource what every resource has."""
    return {
        "id": identity,
        "project_id": project_id,
        "tenant_id": project_id,
        "created_at": format_time(now),
        "updated_at": format_time(now),
        "revision_number": 1,
    }


def raised(row: Row, now: datetime) -> Row:
    """Give the stamps of a resource after a change."""
    return {"revision_number": row["revision_number"] + 1, "updated_at": format_time(now)}


def format_time(moment: datetime) -> str:
    """Write a time as the API does."""
    return moment.strftime(_FORMAT)


def parse_time(text: str) -> datetime:
    """Read what `format_time` wrote."""
    return datetime.strptime(text, _FORMAT)  # noqa: DTZ007  # the tables keep UTC without zone

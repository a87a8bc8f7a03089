"""The only place where the time of day enters; everything else takes it as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time: UTC without zone, whole seconds, as the tables keep it."""


def utc_now() -> datetime:
    """Give the present time: UTC, without zone, whole seconds."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)

"""Lines of the log: one an event, and nothing a value contains makes another."""

import logging

from kaon.cmd.logs import Logfmt
from kaon.lib.log import FIELDS


def line(event: str, process: str = "", problem: BaseException | None = None, **fields: object) -> str:
    """Write an event at the beginning of time."""
    error = (type(problem), problem, problem.__traceback__) if problem is not None else None
    record = logging.LogRecord("kaon.x", logging.WARNING, __file__, 1, event, None, error)
    record.created = 0.0
    setattr(record, FIELDS, fields)
    return Logfmt(process).format(record)


def test_fields_are_named() -> None:
    """An event and its fields stand on one line; what contains a space is quoted; nothing is nothing."""
    assert line("in sync", process="bus", scopes=7, stale=False, why=None) == (
        'timestamp=1970-01-01T00:00:00Z level=warning event="in sync" process=bus scopes=7 stale=false why='
    )


def test_a_value_cannot_forge_a_line() -> None:
    """Quotes, line ends and control characters of a value stay inside its quotes, escaped."""
    assert line("x", path='a" level=info\nevent=y\x1b[31m\\').endswith(r'path="a\" level=info\nevent=y\x1b[31m\\"')


def test_a_traceback_is_one_field() -> None:
    """An exception is told on the event's own line."""
    said = line("broken", problem=ValueError("no\nway"))
    assert ("\n" in said, 'exception="ValueError: no\\nway"' in said) == (False, True), said

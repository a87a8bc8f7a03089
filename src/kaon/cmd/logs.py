"""How logs are written: one event, one line on standard error, named fields (logfmt); a traceback is one field of it."""

import logging
import re
import sys
from datetime import UTC, datetime

from kaon.lib.log import FIELDS

_PLAIN = re.compile(r"[^\s=\"\\\x00-\x1f\x7f]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE = re.compile(r'[\\"\x00-\x1f\x7f]')


def set_up(*, debug: bool, process: str = "") -> None:
    """Have our own events and what libraries log written the same way. process: named in each line, if any."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt(process))
    logging.basicConfig(level=logging.INFO if debug else logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("kaon").setLevel(logging.DEBUG if debug else logging.INFO)


class Logfmt(logging.Formatter):
    """Lines such as: timestamp=2026-01-31T12:00:00.000001Z level=info event="in sync" scopes=7."""

    def __init__(self, process: str = "") -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Make one line. Whatever a value contains, it stays inside its quotes: nobody can forge a line or a field."""
        fields: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if self._process:
            fields["process"] = self._process
        fields |= getattr(record, FIELDS, {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_written(value)}" for name, value in fields.items())


def _written(value: object) -> str:
    text = {True: "true", False: "false", None: ""}[value] if value is None or isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(text):
        return text
    escaped = _TO_ESCAPE.sub(lambda found: _ESCAPED.get(found[0], f"\\x{ord(found[0]):02x}"), text)
    return f'"{escaped}"' if text else ""

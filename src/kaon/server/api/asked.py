"""A request and its answer as the synchronous part of the server sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from kaon.model.errors import BadRequest

_DIGITS: Final = 4000
"""Python reads no longer numbers."""


@dataclass(frozen=True)
class Asked:
    """A request, read completely.

    raw_path as it came, decoded
    path     its segments, without `.json` and trailing slash
    query    parameters in their order, repeated ones included
    headers  by small name
    body     bytes as they came
    base     scheme, authority and prefix as the client knows them, without trailing slash: for links
    """

    method: str
    raw_path: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    base: str

    def link(self, path: str, query: tuple[tuple[str, str], ...] = ()) -> str:
        """An absolute URL."""
        return f"{self.base}{path}{'?' + urlencode(query) if query else ''}"

    def revision(self) -> int | None:
        """The revision that `If-Match: revision_number=N` demands; any other tag demands nothing. Raises BadRequest."""
        key, equals, number = self.headers.get("if-match", "").strip().strip('"').partition("=")
        if key.strip() != "revision_number" or not equals:
            return None
        if not number.strip().isdecimal() or len(number) > _DIGITS:
            raise BadRequest(reason="The revision_number of If-Match must be a whole number")
        return int(number)


@dataclass(frozen=True)
class Answer:
    """What goes back: a document (None: empty body), its status, more headers."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

"""From refusals to HTTP: one table."""

from typing import Any, Final

from sqlalchemy.exc import OperationalError

from kaon.model import errors
from kaon.server.store.engine import Retry

STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (errors.BadRequest, 400),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.StaleRevision, 412),
    (errors.TooLarge, 413),
    (errors.Failed, 500),
    (errors.Unavailable, 503),
)
"""Base class -> status; the first that fits."""

UNEXPECTED: Final = "The request failed because of an error in the server."


class HttpRefusal(Exception):  # noqa: N818  # a word of HTTP, not an error of ours
    """What HTTP itself refuses before a resource is asked.

    status   the code
    kind     `type` in the body, as Neutron's framework names it
    headers  that the code asks for (Allow, WWW-Authenticate)
    """

    def __init__(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.headers = headers or {}


def not_found() -> HttpRefusal:
    """No such path."""
    return HttpRefusal(404, "HTTPNotFound", "The resource could not be found.")


def not_allowed(*allowed: str) -> HttpRefusal:
    """The path is there, the method is not."""
    return HttpRefusal(
        405, "HTTPMethodNotAllowed", "The method is not allowed for this resource.", {"Allow": ", ".join(allowed)}
    )


def not_acceptable() -> HttpRefusal:
    """The caller wants something else than JSON."""
    return HttpRefusal(406, "HTTPNotAcceptable", "Only application/json can be given.")


def too_large(limit: int) -> HttpRefusal:
    """The body is longer than `limit` bytes."""
    return HttpRefusal(413, "HTTPRequestEntityTooLarge", f"The body may have no more than {limit} bytes.")


def unauthorized(challenge: str) -> HttpRefusal:
    """The caller did not show who it is."""
    message = "The request you have made requires authentication."
    return HttpRefusal(401, "HTTPUnauthorized", message, {"WWW-Authenticate": challenge})


def fault(error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of the answer to a request that ended with `error`."""
    if isinstance(error, HttpRefusal):
        return error.status, _document(error.kind, error.message), error.headers
    if isinstance(error, errors.Refused):
        status = next(status for base, status in STATUS if isinstance(error, base))
        return status, _document(type(error).__name__, error.message), {}
    if isinstance(error, NotImplementedError):
        return 501, {"NotImplementedError": {"message": str(error), "type": "NotImplementedError", "detail": ""}}, {}
    if isinstance(error, (Retry, OperationalError)):
        return 503, _document("ServiceUnavailable", "The database is busy; try again."), {"Retry-After": "1"}
    return 500, _document("HTTPInternalServerError", UNEXPECTED), {}


def _document(kind: str, message: str) -> dict[str, Any]:
    return {"NeutronError": {"type": kind, "message": message, "detail": ""}}

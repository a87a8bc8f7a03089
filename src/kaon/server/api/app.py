"""The ASGI application: reads a request, hops once to a worker thread, writes the answer."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kaon.lib.log import Log
from kaon.server.api import routes
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.auth import Authenticator
from kaon.server.api.faults import HttpRefusal, fault, not_acceptable, not_allowed, too_large
from kaon.server.control.core import Core

log = Log(__name__)

METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True)
class ApiSettings:
    """What an operator decides about the API.

    max_request_body_size  bytes of a body that are read; more is 413
    worker_threads         requests worked on at once; others wait
    link_prefix            what stands before the path in links when a proxy cuts it off; empty: as the request came
    """

    max_request_body_size: int = 112 * 1024
    worker_threads: int = 16
    link_prefix: str = ""


class Endpoint:
    """Answers every request."""

    def __init__(self, core: Core, authenticator: Authenticator, settings: ApiSettings) -> None:
        self._core = core
        self._authenticator = authenticator
        self._settings = settings
        self._threads: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        request_id = f"req-{uuid.uuid4()}"
        began = time.monotonic()
        headers = {"X-Openstack-Request-Id": request_id}
        try:
            asked = await self._asked(request)
            # Made here because a limiter belongs to an event loop.
            self._threads = self._threads or anyio.CapacityLimiter(self._settings.worker_threads)
            status, content, more = await anyio.to_thread.run_sync(self._work, asked, request_id, limiter=self._threads)
        except HttpRefusal as refusal:
            status, content, more = _refused(refusal)
        except ClientDisconnect:
            return
        if request.method == "HEAD":
            content = b""
        log.info(
            "request", method=request.method, path=scope["path"], status=status, request_id=request_id, seconds=_since(began)
        )
        kind = "application/json" if content else None
        await Response(content, status, headers | dict(more), media_type=kind)(scope, receive, send)

    async def _asked(self, request: Request) -> Asked:
        """The request, read completely. Raises HttpRefusal."""
        if request.method not in METHODS:
            raise not_allowed(*METHODS)
        path = request.url.path
        segments = [segment for segment in request.scope["path"].split("/") if segment]
        if segments and segments[-1].endswith(".json"):
            segments[-1] = segments[-1].removesuffix(".json")
        elif not _takes_json(request.headers.get("accept", "")):
            raise not_acceptable()
        return Asked(
            method=request.method,
            raw_path=request.scope["path"],
            path=tuple(segments),
            query=tuple(request.query_params.multi_items()),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=await self._body(request, path),
            base=self._base(request),
        )

    async def _body(self, request: Request, path: str) -> bytes:
        limit = self._settings.max_request_body_size
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            raise too_large(limit)
        parts, length = [], 0
        async for part in request.stream():
            length += len(part)
            if length > limit:
                log.warning("body over the limit", path=path, limit=limit)
                raise too_large(limit)
            parts.append(part)
        return b"".join(parts)

    def _base(self, request: Request) -> str:
        scheme = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
        return f"{scheme}://{request.url.netloc}{self._settings.link_prefix.rstrip('/')}"

    def _work(self, asked: Asked, request_id: str) -> tuple[int, bytes, Mapping[str, str]]:
        """All that happens in the worker thread."""
        try:
            answer = self._answer(asked, request_id)
            content = b"" if answer.document is None else msgspec.json.encode(answer.document)
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the client gets an answer and the operator the reason
            return _refused(error, request_id)
        return answer.status, content, answer.headers

    def _answer(self, asked: Asked, request_id: str) -> Answer:
        if asked.raw_path in routes.PUBLIC:
            return routes.answer_public(asked)
        caller = replace(self._authenticator.caller(asked, request_id), policy=self._core.policy())
        return routes.answer(self._core, caller, asked)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 4)


def _takes_json(accept: str) -> bool:
    """Whether the Accept header lets JSON through; none at all lets everything through."""
    ranges = [part.split(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    return not ranges or bool({"*/*", "application/*", "application/json"} & set(ranges))


def _refused(error: Exception, request_id: str = "") -> tuple[int, bytes, Mapping[str, str]]:
    status, document, headers = fault(error)
    if status >= 500 and not isinstance(error, NotImplementedError):  # noqa: PLR2004  # the server's own fault
        log.failed("request failed", error, request_id=request_id)
    return status, msgspec.json.encode(document), headers


def make_app(core: Core, authenticator: Authenticator, settings: ApiSettings | None = None) -> Starlette:
    """The API of `core` as an ASGI application. It starts nothing and holds nothing but its worker threads."""
    endpoint: Any = Endpoint(core, authenticator, settings or ApiSettings())
    app = Starlette()

    async def every_path(scope: Scope, receive: Receive, send: Send) -> None:
        await (endpoint if scope["type"] == "http" else app.router.not_found)(scope, receive, send)

    # A route would not do: its patterns stop at a newline, which a path may have.
    app.router.default = every_path
    return app

"""Callers whom Keystone vouches for. keystonemiddleware's auth_token does the work; what is here keeps it from doing it twice.

Two things are kept, both for no longer than `token_cache_time` after Keystone said so, and neither the token itself:

    what Keystone said of a token       bounded; asked for once, however many requests with the same token wait for it
    the caller that its headers make    bounded; most requests are answered from here, without a walk through the middleware

While Keystone does not answer, who is known stays known, and all others get 503: one request at a time finds out whether it is
back, the rest need not wait with it.
"""

import hashlib
import importlib.util
import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

import webob.exc
from keystoneauth1.exceptions import ClientException
from keystonemiddleware import auth_token
from oslo_config import cfg

from kaon.lib.log import Log
from kaon.server.api.asked import Asked
from kaon.server.api.faults import HttpRefusal, unauthorized
from kaon.server.control.core import Caller

log = Log(__name__)

SECTION: Final = "keystone_authtoken"

REMEMBERED: Final = 8192
"""Tokens that are kept, and callers."""

ANSWER_S: Final = 10
"""How long Keystone is waited for unless `http_connect_timeout` says otherwise; the middleware would wait for ever."""

BESIDE_MEMCACHED_S: Final = 10.0
"""How long something is kept that came from memcached, which does not say how old it is."""

_NO_CACHE: Final = "kaon.no_cache"
"""Where the WSGI environment has the cache that the middleware uses in place of one without bounds."""

_Kept = TypeVar("_Kept")


class WrongKeystoneSettings(ValueError):  # noqa: N818  # the name says it
    """Section [keystone_authtoken] cannot be used; the text says why."""


@dataclass
class Kept(Generic[_Kept]):
    """Values by digest, each until a time of `time.monotonic`; those not asked for longest go first."""

    _values: OrderedDict[bytes, tuple[_Kept, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: bytes) -> tuple[_Kept, float] | None:
        """What is kept, and until when."""
        with self._lock:
            found = self._values.pop(key, None)
            if found is None or found[1] <= time.monotonic():
                return None
            self._values[key] = found
            return found

    def put(self, key: bytes, value: _Kept, until: float) -> None:
        """Keep a value. One whose time is over already is not kept."""
        if until <= time.monotonic():
            return
        with self._lock:
            self._values[key] = (value, until)
            if len(self._values) > REMEMBERED:
                self._values.popitem(last=False)


class Validations:
    """What Keystone says of tokens. seconds: how long that counts."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: Kept[Any] = Kept()
        self._lock = threading.Lock()
        self._asked: dict[tuple[bytes, bool], Future[tuple[Any, float]]] = {}
        self._down = False
        self._finding_out = threading.Lock()

    def of(self, token: str, ask: Callable[[], Any], *, allow_expired: bool) -> tuple[Any, float]:
        """What it says, and until when that counts. Who asks for the same meanwhile gets the same. Errors: those of `ask`."""
        key = digest(token)
        with self._lock:
            known = self._kept.get(key)
            if known:
                return known
            answer = self._asked.get((key, allow_expired))
            if answer is None:
                mine = self._asked[key, allow_expired] = Future()
        if answer is not None:
            return answer.result()
        try:
            said = self._one_at_a_time_while_down(ask), time.monotonic() + self._seconds
        except BaseException as problem:
            mine.set_exception(problem)
            raise
        else:
            self._kept.put(key, *said)
            mine.set_result(said)
            return said
        finally:
            with self._lock:
                del self._asked[key, allow_expired]

    def _one_at_a_time_while_down(self, ask: Callable[[], Any]) -> Any:
        if not self._down:
            return self._ask(ask)
        if not self._finding_out.acquire(blocking=False):
            raise webob.exc.HTTPServiceUnavailable
        try:
            return self._ask(ask)
        finally:
            self._finding_out.release()

    def _ask(self, ask: Callable[[], Any]) -> Any:
        down = False
        try:
            return ask()
        except auth_token.InvalidToken:
            raise
        except webob.exc.HTTPServiceUnavailable:
            down = True
            raise
        except Exception as problem:  # whatever it is, it is not the caller's fault: nonsense instead of an answer, no endpoint
            down = True
            log.warning("Keystone cannot be asked", reason=repr(problem))
            raise webob.exc.HTTPServiceUnavailable from problem
        finally:
            if down != self._down:
                self._down = down
                log.warning("Keystone does not answer" if down else "Keystone answers again")


class _Middleware(auth_token.AuthProtocol):  # type: ignore[misc]  # it ships no types
    """The middleware, whose questions about tokens go through Validations.

    lapses  of the present thread: when the first of what it was told since `begin` no longer counts
    """

    def __init__(self, conf: cfg.ConfigOpts, seconds: float) -> None:
        super().__init__(_admit, {"oslo_config_config": conf})
        self._validations = Validations(seconds)
        self._told = threading.local()

    def begin(self) -> None:
        """Forget what the thread was told."""
        self._told.lapses = float("inf")

    @property
    def lapses(self) -> float:
        """See above; infinite when nothing was told."""
        return float(self._told.lapses)

    def fetch_token(self, token: str, allow_expired: bool = False) -> Any:
        """What Keystone says of a token; the middleware's own method, which it means to be replaced."""
        ask = super().fetch_token
        data, until = self._validations.of(token, lambda: ask(token, allow_expired=allow_expired), allow_expired=allow_expired)
        self._told.lapses = min(self._told.lapses, until)
        return data


class _NoCache:
    """Keeps nothing."""

    def get(self, key: object) -> None:
        """Find nothing."""

    def set(self, key: object, value: object, **_: object) -> None:
        """Keep nothing."""


class KeystoneAuthentication:
    """Tokens in X-Auth-Token, and in X-Service-Token when a service speaks for a user."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """conf: has read the files that have the section. Errors: WrongKeystoneSettings."""
        try:
            seconds = _settle(conf)
            self._middleware = _Middleware(conf, seconds)
            self._challenge = f'Keystone uri="{_where_to_authenticate(conf)}"'
        except (cfg.Error, ClientException, ValueError) as problem:
            raise WrongKeystoneSettings(str(problem)) from problem
        self._callers: Kept[Caller] = Kept()

    def caller(self, asked: Asked, request_id: str) -> Caller:
        """The user of the token. Raises 401, and 503 while Keystone cannot be asked."""
        headers = asked.headers
        user, service = headers.get("x-auth-token") or headers.get("x-storage-token", ""), headers.get("x-service-token", "")
        if not user.strip():
            raise unauthorized(self._challenge)
        key = digest(user, service)
        known = self._callers.get(key)
        if known:
            return replace(known[0], request_id=request_id)
        caller, until = self._ask(asked, user, service)
        self._callers.put(key, caller, until)
        return replace(caller, request_id=request_id)

    def _ask(self, asked: Asked, user: str, service: str) -> tuple[Caller, float]:
        """Walk through the middleware. Give the caller, and until when that may be believed of the same two tokens."""
        environ = _environ(asked, user, service)
        status: list[str] = []
        self._middleware.begin()
        self._middleware(environ, lambda line, _headers, _problem=None: status.append(line))
        if status[0].startswith("503"):
            raise _unavailable()
        if environ.get("HTTP_X_IDENTITY_STATUS") != "Confirmed" or status[0] != _ADMITTED or not environ.get("HTTP_X_USER_ID"):
            raise unauthorized(self._challenge)
        token = environ["keystone.token_info"]["token"]
        if (token.get("application_credential") or {}).get("access_rules") is not None:
            return _caller(environ, token), 0.0  # what it may do depends on what it wants to do
        return _caller(environ, token), min(self._middleware.lapses, _expiry(environ["keystone.token_auth"]))


_ADMITTED: Final = "204 No Content"


def _admit(_environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """What stands behind the middleware: its headers are in the environment, which is all we want."""
    start_response(_ADMITTED, [])
    return []


def digest(*words: str) -> bytes:
    """What tokens are known by; headers contain no NUL."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=32).digest()


def _environ(asked: Asked, user: str, service: str) -> dict[str, Any]:
    """The request as WSGI has it, with no header but the tokens: nobody can claim what the middleware is to find out."""
    tokens = {"HTTP_X_AUTH_TOKEN": user} | ({"HTTP_X_SERVICE_TOKEN": service} if service else {})
    return tokens | {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": asked.raw_path.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": "kaon",
        "SERVER_PORT": "9696",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        _NO_CACHE: _NoCache(),
    }


def _caller(environ: Mapping[str, Any], token: Mapping[str, Any]) -> Caller:
    """The caller, from what the middleware put into the environment; what a token has not is empty."""

    def said(header: str) -> str:
        return environ.get(f"HTTP_X_{header}") or ""

    return Caller(
        user_id=said("USER_ID"),
        project_id=said("PROJECT_ID"),
        user_domain_id=said("USER_DOMAIN_ID"),
        project_domain_id=said("PROJECT_DOMAIN_ID"),
        domain_id=said("DOMAIN_ID"),
        roles=_names(said("ROLES")),
        service_roles=_names(said("SERVICE_ROLES")),
        # Not from the header, which the middleware writes twice: a service token would lend its scope to the user, or take it.
        system_scope="all" if (token.get("system") or {}).get("all") else "",
    )


def _names(header: str) -> frozenset[str]:
    return frozenset(name for name in header.split(",") if name)


def _expiry(tokens: Any) -> float:
    """When the first of the two tokens expires, as `time.monotonic` counts. One that has expired was let through knowingly."""
    now = time.time()
    ends = [one.expires.timestamp() for one in (tokens.user, tokens.service) if one is not None]
    return time.monotonic() - now + min((end for end in ends if end > now), default=float("inf"))


def _unavailable() -> HttpRefusal:
    """Keystone does not answer."""
    message = "The Keystone service is temporarily unavailable."
    return HttpRefusal(503, "HTTPServiceUnavailable", message, {"Retry-After": "1"})


# Settings


def _settle(conf: cfg.ConfigOpts) -> float:
    """Set what is ours to decide; give how many seconds a token may be kept. Errors: WrongKeystoneSettings."""
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group=group)
    section = conf[SECTION]
    conf.set_default("http_connect_timeout", ANSWER_S, group=SECTION)
    # Only rules of application credentials look at the catalogue, and only when they are told what we are called there.
    conf.set_override("include_service_catalog", bool(section.service_type), group=SECTION)
    if not (section.auth_type or section.auth_section):
        raise WrongKeystoneSettings("auth_type is missing; password is the usual one")
    if not section.memcached_servers:
        conf.set_override("cache", _NO_CACHE, group=SECTION)
        return float(section.token_cache_time)
    binary = section.memcache_sasl_enabled or section.memcache_tls_enabled
    wanted = {"bmemcached": "python-binary-memcached"} if binary else {"memcache": "python-memcached"}
    if section.memcache_security_strategy.lower() != "none":
        wanted["cryptography"] = "cryptography"
    missing = [package for module, package in wanted.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise WrongKeystoneSettings(f"memcached_servers needs {', '.join(missing)} to be installed")
    return min(float(section.token_cache_time), BESIDE_MEMCACHED_S)


def _where_to_authenticate(conf: cfg.ConfigOpts) -> str:
    """Give what 401 tells clients. Errors: WrongKeystoneSettings."""
    uri = conf[SECTION].www_authenticate_uri
    if not uri:
        try:
            uri = conf[conf[SECTION].auth_section or SECTION].auth_url
        except cfg.NoSuchOptError:
            raise WrongKeystoneSettings("www_authenticate_uri is missing") from None
    return str(uri)

"""Sessions with other services: keystoneauth finds the endpoint, brings the token and renews it."""

from collections.abc import Mapping
from typing import Any

from keystoneauth1 import adapter, loading, session
from keystoneauth1.exceptions import ClientException, EndpointNotFound

from kaon.server.peers.settings import PeerSettings


class PeerUnavailable(Exception):  # noqa: N818  # the name says it
    """A service cannot be asked now; the text says why. It may be asked again later.

    status  that it answered; None: it was not reached
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Peer:
    """One other service. Errors of making it: keystoneauth1.exceptions.ClientException, ValueError for wrong options.

    service_type  of Keystone's catalogue
    """

    def __init__(self, settings: PeerSettings, service_type: str) -> None:
        self._settings = settings
        auth_type, auth = _plain(settings)
        plugin: Any = loading.get_plugin_loader(auth_type).load_from_options(**auth)
        verify: bool | str = not settings.insecure and (settings.cafile or True)
        cert = (settings.certfile, settings.keyfile) if settings.keyfile else settings.certfile or None
        self._session = session.Session(
            auth=plugin, verify=verify, cert=cert, timeout=settings.timeout_s, app_name="kaon", split_loggers=False
        )
        self._adapter = adapter.Adapter(
            session=self._session,
            service_type=service_type,
            interface=settings.interface,
            region_name=settings.region_name or None,
            endpoint_override=settings.endpoint_override or None,
        )

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Ask once; give the status and the decoded answer (None when it is no JSON).

        Errors  PeerUnavailable: it was not reached, or says 401, 403, 408, 429 or 5xx.
        """
        json = {} if body is None else {"json": body}
        try:
            answer = self._adapter.request(path, method, headers=dict(headers or {}), raise_exc=False, **json)
        except ClientException as problem:
            if isinstance(problem, EndpointNotFound):
                self._session.invalidate()
            raise PeerUnavailable(str(problem)) from problem
        status = answer.status_code
        if status in {401, 403, 408, 429} or status >= 500:  # noqa: PLR2004  # HTTP's own numbers
            raise PeerUnavailable(f"{method} {path}: {status}", status)
        try:
            return status, answer.json()
        except ValueError:
            return status, None

    def close(self) -> None:
        """Close idle connections."""
        opened = self._session.session
        opened.close()


def _plain(settings: PeerSettings) -> tuple[str, dict[str, str]]:
    """Say how a token is got from Keystone's v3, the only one there is, without asking for versions first.

    keystoneauth waits for itself for ever when Keystone, or a proxy before it, answers 401 to that question.
    """
    auth = dict(settings.auth)
    if auth.get("auth_url"):
        url = auth["auth_url"].rstrip("/")
        auth["auth_url"] = url if url.endswith("/v3") else f"{url}/v3"
    if settings.auth_type != "password":
        return settings.auth_type, auth
    for kind in ("id", "name"):
        default = auth.pop(f"default_domain_{kind}", "")
        for whose in ("user", "project"):
            missing = not (auth.get(f"{whose}_domain_id") or auth.get(f"{whose}_domain_name"))
            if default and missing and (whose == "user" or auth.get("project_name")):
                auth[f"{whose}_domain_{kind}"] = default
    return "v3password", auth

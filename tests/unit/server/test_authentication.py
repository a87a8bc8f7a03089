"""Who asks."""

import base64
from pathlib import Path

import bcrypt
import pytest

from kaon.server.api.asked import Asked
from kaon.server.api.auth import BasicAuthentication, NoAuthentication, check_bind, read_users
from kaon.server.api.faults import HttpRefusal


def _hashed(password: str) -> str:
    # Four rounds: the least that bcrypt allows, for speed.
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def _asked(headers: dict[str, str]) -> Asked:
    return Asked("GET", "/v2.0/ports", ("v2.0", "ports"), (), headers, b"", "http://kaon:9696")


def _header(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """One admin and one member."""
    passwords, projects = tmp_path / "htpasswd", tmp_path / "projects"
    passwords.write_text(f"# who\nada:{_hashed('secret')}\nbob:{_hashed('hidden')}\nlost:{_hashed('x')}\n")
    projects.write_text("ada:p1:admin,member\nbob:p2:member\n")
    return passwords, projects


def test_a_user_has_the_project_and_roles_of_the_second_file(files: tuple[Path, Path]) -> None:
    """Name and password say who it is, the file what it may do."""
    door = BasicAuthentication(*files)
    ada = door.caller(_asked(_header("ada", "secret")), "req-1")
    implied = {"admin", "manager", "member", "reader"}
    assert (ada.user_id, ada.project_id, ada.roles, ada.is_admin) == ("ada", "p1", implied, True)
    assert ada.request_id == "req-1"
    assert not door.caller(_asked(_header("bob", "hidden")), "req-2").is_admin


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic"},
        {"authorization": "Basic %%%"},
        {"authorization": "Bearer abc"},
        {"authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"authorization": "Basic " + base64.b64encode(b"\xff:x").decode()},
        _header("ada", "wrong"),
        _header("ada", "sec\0ret"),
        _header("nobody", "secret"),
        _header("lost", "x"),
    ],
)
def test_who_cannot_show_who_it_is_gets_401(files: tuple[Path, Path], headers: dict[str, str]) -> None:
    """No header, another scheme, nonsense, a wrong password, an unknown user, one without a project."""
    door = BasicAuthentication(*files)
    with pytest.raises(HttpRefusal) as refused:
        door.caller(_asked(headers), "req-1")
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_changed_password_counts_at_once(files: tuple[Path, Path]) -> None:
    """What was verified before does not outlive its hash."""
    door = BasicAuthentication(*files)
    door.caller(_asked(_header("ada", "secret")), "req-1")
    files[0].write_text(f"ada:{_hashed('another password')}\n")
    with pytest.raises(HttpRefusal):
        door.caller(_asked(_header("ada", "secret")), "req-2")
    assert door.caller(_asked(_header("ada", "another password")), "req-3").user_id == "ada"


def test_a_broken_file_locks_nobody_out(files: tuple[Path, Path]) -> None:
    """Who was known before the edit stays known; at the start it is an error."""
    door = BasicAuthentication(*files)
    files[1].write_text("ada")
    assert door.caller(_asked(_header("ada", "secret")), "req-1").user_id == "ada"
    with pytest.raises(ValueError, match="ada"):
        BasicAuthentication(*files)


def test_a_password_is_checked_slowly_only_once(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Bcrypt is paid when a pair is new, not for each request."""
    door = BasicAuthentication(*files)
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        checked.append(password)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    for number in range(5):
        door.caller(_asked(_header("ada", "secret")), f"req-{number}")
    assert len(checked) == 1


def test_passwords_longer_than_bcrypt_sees_are_no_error(files: tuple[Path, Path]) -> None:
    """A wrong password of any length is simply wrong."""
    with pytest.raises(HttpRefusal):
        BasicAuthentication(*files).caller(_asked(_header("ada", "x" * 500)), "req-1")


@pytest.mark.parametrize(("passwords", "projects"), [("ada:{SHA}abc", ""), ("", "ada"), ("", "ada:p1")])
def test_a_wrong_file_is_refused_at_start(passwords: str, projects: str) -> None:
    """A hash that is not bcrypt, a user without project or roles."""
    with pytest.raises(ValueError, match="ada"):
        read_users(passwords, projects)


def test_without_authentication_everybody_is_admin() -> None:
    """The header says in which project."""
    caller = NoAuthentication().caller(_asked({"x-project-id": "p9"}), "req-1")
    assert (caller.project_id, caller.is_admin) == ("p9", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8"])
def test_no_authentication_is_for_loopback(host: str) -> None:
    """Only this machine can connect there."""
    check_bind("none", host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104  # it is refused, that is the point
def test_no_authentication_is_refused_elsewhere(host: str) -> None:
    """Others could connect there, or it cannot be told; with passwords they may."""
    with pytest.raises(ValueError, match="loopback"):
        check_bind("none", host)
    check_bind("http_basic", host)

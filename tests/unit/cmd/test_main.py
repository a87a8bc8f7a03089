"""The command line: what it understands, and what it says when it does not."""

from pathlib import Path

import pytest

from kaon.cmd import main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`kaon --help` lists the commands, each with what it does, and none of the options that are for the supervisor."""
    with pytest.raises(SystemExit) as ended:
        main.run(["--help"])
    said = capsys.readouterr().out
    assert (ended.value.code, [word for word in ("server", "agent", "keys", "lab") if word not in said]) == (0, [])


@pytest.mark.parametrize("daemon", ["server", "agent"])
def test_help_of_a_daemon_says_which_files_it_reads(capsys: pytest.CaptureFixture[str], daemon: str) -> None:
    """The help of a daemon names the files that it reads by itself, and hides how its own processes are told apart."""
    with pytest.raises(SystemExit):
        main.run([daemon, "--help"])
    said = capsys.readouterr().out
    assert f"/etc/kaon/{daemon}.conf" in said
    assert "--part" not in said


@pytest.mark.parametrize("words", [[], ["nonsense"], ["server", "--nonsense"], ["keys"], ["keys", "host", "only-one"]])
def test_a_wrong_command_line_is_refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """What is not understood ends with status 2 and a line on standard error that says what was expected."""
    with pytest.raises(SystemExit) as ended:
        main.run(words)
    assert (ended.value.code, "usage: kaon" in capsys.readouterr().err) == (2, True)


def test_the_lab_has_its_own_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """What follows `kaon lab` is the lab's to understand, --help included."""
    with pytest.raises(SystemExit) as ended:
        main.run(["lab", "--help"])
    assert (ended.value.code, "power-cut" in capsys.readouterr().out) == (0, True)


def test_keys_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`kaon keys` makes a server's keys and a host's; a name that is none is refused with status 2 and the reason."""
    server, host = tmp_path / "server", tmp_path / "host"
    assert main.run(["keys", "server", str(server)]) == 0
    assert main.run(["keys", "host", str(server), "h1", str(host)]) == 0
    assert {"host.secret", "server.key"} == {path.name for path in host.iterdir()}
    assert main.run(["keys", "host", str(server), "../h1", str(host)]) == 2
    assert "host name" in capsys.readouterr().err

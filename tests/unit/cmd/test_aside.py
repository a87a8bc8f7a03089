"""Work in a process of its own."""

import os
import sys

import pytest

from kaon.cmd.aside import AsideError, aside
from kaon.cmd.configured import WrongSettings


def test_what_it_gives_comes_back() -> None:
    """The result is the work's, and what the work imported is not here."""

    def work() -> tuple[int, bool]:
        import wave  # noqa: PLC0415  # something that nobody else imports

        return os.getpid(), wave is not None

    pid, imported = aside(work)
    assert (imported, pid != os.getpid(), "wave" in sys.modules) == (True, True, False)


def test_what_it_raises_is_raised() -> None:
    """An exception of the work is raised here, with its text."""

    def work() -> None:
        raise WrongSettings("base_mac = zz: expected six octets")

    with pytest.raises(WrongSettings, match="six octets"):
        aside(work)


def test_a_process_that_dies_is_noticed() -> None:
    """Without an answer there is an error that says how the process ended."""
    with pytest.raises(AsideError, match="without an answer"):
        aside(lambda: os.kill(os.getpid(), 9))

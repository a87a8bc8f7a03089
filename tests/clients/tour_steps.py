"""What a tour of the `openstack` command is made of, and how one is walked."""

import contextlib
import io
import json
import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
Run = Callable[[Sequence[str]], tuple[int, str, str]]
"""Run `openstack` with words; give the exit code and what it printed and complained."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what it must answer. Words and expected texts may name kept documents: `{network[id]}`."""

    words: str
    shows: Document | None = None
    """What the answer contains, or some row of it. None: the command prints nothing."""
    keep: str = ""
    """Under which name later steps find the document (of a list: the row)."""
    gone: Document = field(default_factory=dict)
    """What no row contains. A list that has this prints no other expectation."""
    rows: int | None = None
    """How many rows there are."""

    @property
    def prints(self) -> bool:
        """Tell whether the command answers with a document."""
        return self.shows is not None or bool(self.gone) or self.rows is not None


def filled(value: Any, kept: Document) -> Any:
    """Put what was kept into texts, however deep."""
    match value:
        case str():
            return value.format_map(kept)
        case Mapping():
            return {filled(key, kept): filled(one, kept) for key, one in value.items()}
        case list():
            return [filled(one, kept) for one in value]
    return value


def contains(document: Document, expected: Document) -> bool:
    """Tell whether a document has all that is expected; mappings inside may have more."""
    return all(
        key in document
        and (
            contains(document[key], one)
            if isinstance(one, Mapping) and isinstance(document[key], Mapping)
            else one == document[key]
        )
        for key, one in expected.items()
    )


def in_process() -> Run:
    """The command of this Python, without a process for each call: what it prints is the same."""
    from openstackclient.shell import OpenStackShell  # noqa: PLC0415 - four seconds, for those who walk

    def run(words: Sequence[str]) -> tuple[int, str, str]:
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            shell = OpenStackShell()
            shell.stdout, shell.stderr = said, complained
            logging.disable(logging.DEBUG)  # the command has every logger say all, which takes longer than what it does
            try:
                code = shell.run(list(words))
            finally:
                logging.disable(logging.NOTSET)
        return code, said.getvalue(), complained.getvalue()

    return run


def arguments(step: Step, kept: Document) -> list[str]:
    """What stands behind `openstack`."""
    return [*shlex.split(filled(step.words, kept)), *(["-f", "json"] if step.prints else [])]


def walk(run: Run, tour: Sequence[Step], kept: dict[str, Any]) -> None:
    """Run a tour's commands one after the other; add to what is kept. Errors: AssertionError, which names the step."""
    for step in tour:
        code, said, complained = run(arguments(step, kept))
        assert code == 0, (step.words, said, complained)
        if not step.prints:
            assert said == "", (step.words, said)
            continue
        found = _found(step, json.loads(said), kept)
        if step.keep:
            kept[step.keep] = found


def _found(step: Step, answer: Any, kept: Document) -> Document:
    rows = answer if isinstance(answer, list) else [answer]
    if step.rows is not None:
        assert step.rows == len(rows), (step.words, rows)
    if step.gone:
        there = [row for row in rows if contains(row, filled(step.gone, kept))]
        assert there == [], (step.words, there)
    if step.shows is None:
        return {}
    expected = filled(step.shows, kept)
    found = [row for row in rows if contains(row, expected)]
    assert found, (step.words, expected, rows)
    return found[0]

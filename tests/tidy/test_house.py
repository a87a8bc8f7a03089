"""Is the house in order? Cards, sizes, the journey in ARCHITECTURE.md, what the Makefile promises."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "kaon"
PACKAGES = sorted(path.parent for path in SOURCE.rglob("__init__.py") if "migrations" not in path.parts)
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)

ALARM_LINES = 500


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("package", PACKAGES, ids=_name)
def test_every_package_has_a_card(package: Path) -> None:
    """The docstring of a package says what lives there, what does not, and which process it runs in."""
    card = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    assert card, f"{_name(package)}/__init__.py has no docstring"
    if package != SOURCE:
        for word in ("Here", "Not here", "Process"):
            assert word in card, f"the card of {_name(package)} does not say {word!r}"


@pytest.mark.parametrize("package", PACKAGES, ids=_name)
def test_no_room_is_empty(package: Path) -> None:
    """A room is built when it is first needed."""
    assert [path for path in package.rglob("*.py") if path.name != "__init__.py"], f"{_name(package)} has nothing in it"


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_long_files_say_why(module: Path) -> None:
    """A file beyond the alarm says in its docstring why it is one idea."""
    text = module.read_text()
    if len(text.splitlines()) > ALARM_LINES:
        card = ast.get_docstring(ast.parse(text)) or ""
        assert "Long" in card, f"{_name(module)} has {len(text.splitlines())} lines and does not say why it is long"


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_exceptions_from_the_checks_have_a_reason(module: Path) -> None:
    """`noqa` and `type: ignore` name their rule and say why on the same line."""
    for number, line in enumerate(module.read_text().splitlines(), 1):
        if "# noqa" in line:
            assert re.search(r"# noqa: [A-Z]+[0-9, A-Z]*\S*\s+\S+", line), (
                f"{_name(module)}:{number} gives no reason: {line.strip()}"
            )
        if "# type: ignore" in line:
            assert re.search(r"# type: ignore\[[a-z, -]+\]\s+# \S+", line), (
                f"{_name(module)}:{number} gives no reason: {line.strip()}"
            )


def test_names_in_the_architecture_exist() -> None:
    """Every file that ARCHITECTURE.md names in backticks is there."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`((?:src/kaon|tests|tools|docs|bench|[a-z_]+)/[\w./-]+\.(?:py|md|toml))`", text))
    assert named, "ARCHITECTURE.md names no files"
    missing = sorted(name for name in named if not ((ROOT / name).exists() or (SOURCE / name).exists()))
    assert missing == []


def test_the_journey_is_told_with_real_files() -> None:
    """The port's journey names a file for each step, each of them real."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    journey = text.split("## A port's journey", 1)[1].split("\n## ", 1)[0]
    steps = re.findall(r"^\| *\d+ *\| *`([^`]+)`", journey, re.MULTILINE)
    assert len(steps) == 12
    assert [step for step in steps if not (SOURCE / step).exists()] == []


def test_every_room_is_in_the_drawing() -> None:
    """Every package stands in the drawing of ARCHITECTURE.md."""
    drawing = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    rooms = [package.name for package in PACKAGES if package != SOURCE]
    assert [room for room in rooms if f"{room}/" not in drawing] == []


def test_help_lists_every_target() -> None:
    """`make help` shows each target that the Makefile declares for people."""
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    declared = re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert [target for target in declared[1].split() if f"make {target} " not in shown] == []


def test_documents_name_no_foreign_paths() -> None:
    """Nothing that is kept names a path of the machine it was written on."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    private = re.compile(r"/(?:home|work|root)/\w+")
    found = [
        name
        for name in tracked
        if name
        and (ROOT / name).is_file()
        and not name.endswith(".lock")
        and private.search((ROOT / name).read_text(errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize("tool", ["document_options", "document_api"])
def test_what_is_declared_is_documented(tool: str) -> None:
    """docs/configure.md holds every option as it is declared, docs/api.md every alias."""
    outcome = subprocess.run([sys.executable, ROOT / "tools" / tool, "--check"], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr

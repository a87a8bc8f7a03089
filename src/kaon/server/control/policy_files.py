"""The operator's rules: files that are read at the start, and again when they change."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kaon.lib.log import Log
from kaon.server.control.policies import DEFAULTS, former, merged
from kaon.server.control.policy_settings import PolicySettings
from kaon.server.control.rules import BadPolicy, Policy

log = Log(__name__)

_Stamp = tuple[tuple[str, int, int], ...]


class PolicyFiles:
    """The default rules with an operator's in their place, as the files are at the moment. For any thread."""

    def __init__(self, settings: PolicySettings) -> None:
        """Read the files. Errors: BadPolicy, OSError."""
        self._settings = settings
        self._lock = threading.Lock()
        if settings.needed and settings.file is not None and not settings.file.is_file():
            raise BadPolicy(f"no such file: {settings.file}")
        self._stamp = self._seen()
        self._policy = self._read()

    def current(self) -> Policy:
        """The rules of the moment. Where files that changed cannot be used, the rules before them stay, and it is logged."""
        stamp = self._seen()
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._stamp = stamp  # also when it fails: it is said once
                    try:
                        self._policy = self._read()
                    except (OSError, BadPolicy) as problem:
                        log.warning("policy cannot be read again; the rules of before stay", reason=str(problem))
        return self._policy

    def _paths(self) -> list[Path]:
        paths = [self._settings.file] if self._settings.file is not None else []
        for directory in self._settings.directories:
            if directory.is_dir():
                paths += sorted(path for path in directory.iterdir() if not path.name.startswith("."))
        return [path for path in paths if path.is_file()]

    def _seen(self) -> _Stamp:
        found = []
        for path in self._paths():
            try:
                stat = path.stat()
            except OSError:
                continue  # it went in between
            found.append((str(path), stat.st_mtime_ns, stat.st_size))
        return tuple(found)

    def _read(self) -> Policy:
        overrides: dict[str, Any] = {}
        for path in self._paths():
            overrides |= read_rules(path)
        made = Policy(merged(overrides), self._settings.remote, self._settings.default_rule)
        known = DEFAULTS.keys() | {former(name) for name in DEFAULTS}
        log.info("policy read", own=len(overrides), unknown=sorted(name for name in overrides if _strange(name, known)))
        return made


def read_rules(path: Path) -> Mapping[str, Any]:
    """The rules of a file by name, in YAML or JSON. Errors: BadPolicy, OSError."""
    from oslo_policy.policy import parse_file_contents  # noqa: PLC0415  # the process that serves hosts does without

    try:
        found = parse_file_contents(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise BadPolicy(f"{path}: {problem}") from problem
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise BadPolicy(f"{path}: rules are written as `name: rule`, one below the other")
    return found


def _strange(name: str, known: frozenset[str] | set[str]) -> bool:
    """Whether a rule looks as if it were meant for an action that the API does not have: perhaps a slip of the pen."""
    verb = name.partition("_")[0]
    return name not in known and ":" not in name and verb in ("get", "create", "update", "delete", "add", "remove")

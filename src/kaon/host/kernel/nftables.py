"""The door to nftables: libnftables (Debian package libnftables1) through ctypes, one context for one namespace.

Why not a process: starting one costs more than what it does. Why not the JSON grammar for writing: version 1.0.6 refuses
parts of its own output. So text is written and JSON is read. See libnftables(3) for every call made here.

A context belongs to the network namespace in which it was made, since that is where it opens its socket; afterwards any
thread may use it. As long as it is open it keeps the namespace alive, even one that was deleted: close it after use.
"""

import ctypes
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from kaon.host.state.filters import TABLE

T = TypeVar("T")

_CLONE_NEWNET = 0x4000_0000
_OUTPUT_STATELESS = 1 << 2
_OUTPUT_JSON = 1 << 4
_OUTPUT_NUMERIC = (1 << 7) | (1 << 8) | (1 << 9)  # protocols, priorities, symbols: names differ between versions

_FIRST_ERROR = 3
"""Lines: what is wrong, where, and an arrow to it. One mistake makes nft say the same of all that follows."""


class NftRefusedError(Exception):
    """nft did not take a text. The message is nft's own; `line`, from 0, is the first one that it does not take, if known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class NamespaceGoneError(Exception):
    """The namespace does not exist (any more)."""


def opened_in(namespace: Path | None, make: Callable[[], T]) -> T:
    """Call `make` inside a network namespace, in a thread of its own, so that this thread stays where it is.

    namespace  the file that stands for it, such as /run/netns/qrouter-1; None: where the process is
    Errors     NamespaceGoneError; whatever `make` raises
    """
    if namespace is None:
        return make()
    made: list[T] = []
    failed: list[BaseException] = []

    def visit() -> None:
        try:
            _enter(namespace)
            made.append(make())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
            failed.append(error)

    thread = threading.Thread(target=visit, name=f"enter {namespace.name}")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def _enter(namespace: Path) -> None:
    """Move this thread into a namespace, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        with namespace.open("rb") as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET):
                raise NamespaceGoneError(f"{namespace}: {os.strerror(ctypes.get_errno())}")
    except FileNotFoundError as error:
        raise NamespaceGoneError(f"{namespace}: {error.strerror}") from error


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libnftables.so.1")
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    for name in ("nft_ctx_free", "nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_char_p
    library.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    library.nft_ctx_set_dry_run.argtypes = [ctypes.c_void_p, ctypes.c_bool]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library


class Nft:
    """One context of libnftables. Not to be used by two threads at once."""

    def __init__(self, namespace: Path | None = None) -> None:
        """Open it in a namespace; None: where the process is. Errors: NamespaceGoneError; OSError without the library."""
        self._library = _library()
        self._context = opened_in(namespace, lambda: self._library.nft_ctx_new(0))
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the namespace go."""
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None

    def write(self, text: str, *, dry_run: bool = False) -> None:
        """Run commands as one transaction: all of them or none. Errors: NftRefusedError with nft's message.

        dry_run  everything is checked, by the kernel too as far as it goes, and nothing is changed
        """
        self._library.nft_ctx_set_dry_run(self._context, dry_run)
        self._run(text, 0)

    def first_refused(self, text: str) -> int | None:
        """Find the first line, from 0, that is not taken; None when only the kernel would say. Nothing is changed.

        nft does not tell: of a text handed over in memory it prints the first line, whichever it means. So ever more lines are
        tried, which may end anywhere, as each refers only to those before.
        """
        lines = text.splitlines()
        taken, refused = 0, len(lines) + 1
        while refused - taken > 1:
            middle = (taken + refused) // 2
            try:
                self.write("\n".join([*lines[:middle], ""]), dry_run=True)
                taken = middle
            except NftRefusedError:
                refused = middle
        return refused - 1 if refused <= len(lines) else None

    def read(self, command: str) -> list[dict[str, Any]]:
        """Run a `list` command and give its objects, as in libnftables-json(5). Errors: NftRefusedError."""
        self._library.nft_ctx_set_dry_run(self._context, False)  # noqa: FBT003 - a C function knows no keywords
        output = self._run(command, _OUTPUT_JSON | _OUTPUT_STATELESS | _OUTPUT_NUMERIC)
        objects: list[dict[str, Any]] = json.loads(output)["nftables"] if output else []
        return objects

    def read_tables(self) -> dict[str, list[dict[str, Any]]]:
        """Read every table of ours: family -> its objects. Other tables are not read."""
        names = (one["table"] for one in self.read("list tables") if "table" in one)
        families = sorted(name["family"] for name in names if name["name"] == TABLE)
        return {family: self.read(f"list table {family} {TABLE}") for family in families}

    def _run(self, text: str, flags: int) -> str:
        self._library.nft_ctx_output_set_flags(self._context, flags)
        failed = self._library.nft_run_cmd_from_buffer(self._context, text.encode())
        # Both buffers are emptied by reading them.
        output: bytes = self._library.nft_ctx_get_output_buffer(self._context)
        error: bytes = self._library.nft_ctx_get_error_buffer(self._context)
        if failed:
            message = error.decode(errors="replace").strip().splitlines()
            raise NftRefusedError("\n".join(message[:_FIRST_ERROR]) or "nft refused without a word")
        return output.decode()

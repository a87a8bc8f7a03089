"""Virtual environments of peers: each from a lock file beside this one, kept for every checkout with the same lock."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def place(name: str) -> Path:
    """Where the environment of `name`.lock is, or will be: below ${XDG_CACHE_HOME:-~/.cache}/kaon/peers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((HERE / f"{name}.lock").read_bytes()).hexdigest()[:12]
    return cache / "kaon" / "peers" / f"{name}-{digest}"


def install(name: str) -> Path:
    """Make the environment unless it is complete; give its directory. Two at once take turns."""
    there = place(name)
    done = there / ".complete"
    if done.exists():
        return there
    there.parent.mkdir(parents=True, exist_ok=True)
    with (there.parent / f"{there.name}.turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if done.exists():
            return there
        sys.stderr.write(f"{name}: making its virtual environment in {there}\n")
        shutil.rmtree(there, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", there], check=True)
        pip = [there / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", HERE / f"{name}.lock"], check=True)
        done.touch()
    return there

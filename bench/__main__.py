"""Bring up a lab, measure, print, take it away; exit status 1 when a limit is missed."""

import os
import sys

from bench.figures import measure
from kaon.lab import rig


def main() -> int:
    """Do it."""
    with rig.running(f"bench-{os.getpid()}") as lab:
        figures = measure(lab)
    for figure in figures:
        promise = (
            "" if figure.limit is None else f"   limit {figure.limit:g} {figure.unit}: {'kept' if figure.kept else 'MISSED'}"
        )
        sys.stdout.write(f"{figure.what:<70} {figure.value:9.3f} {figure.unit}{promise}\n")
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

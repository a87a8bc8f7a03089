"""Reads a subunit v2 stream and writes its tests as JSON: id, status, seconds, reason. Run by the Python that has Tempest."""

import json
import sys
from pathlib import Path
from typing import Any

import subunit
import testtools

WORDS = {"success": "passed", "fail": "failed", "skip": "skipped"}


def told(case: dict[str, Any]) -> dict[str, object]:
    """What one test came to."""
    first, last = case["timestamps"]
    details = case["details"].items()
    texts = [part.as_text().strip() for name, part in details if name == "reason" or name.startswith("traceback")]
    text = texts[0] if texts else ""
    status = WORDS.get(case["status"], case["status"])
    failed = status == "failed"
    return {
        "id": case["id"],
        "status": status,
        "seconds": round((last - first).total_seconds(), 3) if first and last else 0,
        "reason": text.splitlines()[-1] if failed and text else " ".join(text.split()),
        "text": text if failed else "",
    }


def main() -> None:
    """Read the file that is named, write to standard output."""
    tests: list[dict[str, object]] = []
    with Path(sys.argv[1]).open("rb") as stream:
        result = testtools.StreamToDict(lambda case: tests.append(told(case)))
        result.startTestRun()
        subunit.ByteStreamToStreamResult(stream, non_subunit_name="stdout").run(result)
        result.stopTestRun()
    json.dump([test for test in tests if test["id"] != "stdout"], sys.stdout)


main()

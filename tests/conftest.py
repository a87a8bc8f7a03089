"""Rules for every test: a skipped test has failed, and no law runs against a clock."""

from collections.abc import Generator

import hypothesis
import pytest

hypothesis.settings.register_profile("kaon", deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("kaon")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure: a test whose real part is missing has not shown anything."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, and a skipped test counts as failed: {report.longrepr}"
    return report

"""`kaon policy`."""

import pytest
import yaml

from kaon.cmd import main
from kaon.server.control.policies import DEFAULTS


def test_the_sample_is_every_default_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """As it is printed it changes nothing; without the comment marks it says what holds anyway."""
    assert main.run(["policy", "sample"]) == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed) is None
    assert yaml.safe_load(printed.replace('\n#"', '\n"')) == DEFAULTS

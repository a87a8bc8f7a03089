"""`kaon policy`: what the rules are."""

from kaon.server.control.policies import TOPICS

_HEAD = """\
# Rules of policy, as `kaon server` has them without a file. To change one, take its comment mark away and write another.
"""


def sample() -> str:
    """Every default rule as a line of a policy.yaml, commented out, by topic."""
    topics = (
        f"\n# {name.replace('_', ' ')}\n" + "".join(f'#"{rule}": "{check}"\n' for rule, check in rules.items())
        for name, rules in TOPICS.items()
    )
    return _HEAD + "".join(topics)

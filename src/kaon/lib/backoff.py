"""How long to wait before trying again."""

import random


def jittered(attempt: int, base_s: float, ceiling_s: float, source: random.Random) -> float:
    """Choose a pause in seconds before attempt number `attempt` (from 1): anywhere in a window that doubles up to a ceiling."""
    return source.uniform(0.0, min(ceiling_s, base_s * 2.0 ** min(attempt, 30)))

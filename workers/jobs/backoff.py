"""How long to leave a server alone: longer each time, and never the same for two."""

from random import Random

FIRST, LONGEST = 1.0, 300.0


def by_ourselves(tries: int, chance: Random) -> float:
    """Seconds. Spread over half of the wait: whoever met a dead server together does not come back together."""
    wait = min(LONGEST, 2 * FIRST * 2.0 ** min(tries, 12))
    return chance.uniform(wait / 2, wait)


def when_asked(seconds: float, chance: Random) -> float:
    """Never sooner than the platform said, and a little later for each."""
    return seconds + chance.uniform(0, max(0.1, min(seconds / 4, 30)))

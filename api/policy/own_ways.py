"""What a force has said it does on purpose: taking reports here, announcing speed checks."""

import re
from collections.abc import Iterator, Sequence

from api.policy.read import Read
from api.policy.values import Hit, Known

SPEED = re.compile(r"\b(?:speed\w*|camera|laser|radar|20mph|30mph)\b", re.I)
URGENT = ("emergency", "emergency_now", "threat_now", "danger_medical", "danger_water")


def without_own_ways(rule: str, hits: Sequence[Hit], read: Read, known: Known) -> Iterator[Hit]:
    """An emergency is sent to 999 whatever a force takes here."""
    if rule == "R36" and known.takes_reports and not any(read.has(each) for each in URGENT):
        return
    for hit in hits:
        announced = rule == "R22" and known.announces_speed_checks and SPEED.search(read.text[hit.start : hit.end])
        if not announced:
            yield hit

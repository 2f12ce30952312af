"""How long servers are left alone: nobody comes back together, nobody comes back too soon, nobody stays away for ever."""

from random import Random

from workers.jobs.backoff import FIRST, LONGEST, by_ourselves, when_asked
from workers.jobs.shares_of_lanes import Shares

THOUSANDS = 5000


def busiest(times: list[float], slice_of: float) -> int:
    """How many fall into the fullest slice."""
    slices: dict[int, int] = {}
    for each in times:
        slices[int(each / slice_of)] = slices.get(int(each / slice_of), 0) + 1
    return max(slices.values())


def test_thousands_that_met_a_dead_server_together_do_not_come_back_together() -> None:
    """Through every try: of a span's twentieth parts, none is met by more than its fair share and half."""
    for seed in range(3):
        chance = Random(seed)
        for tries in range(0, 12, 2):
            waits = [by_ourselves(tries, chance) for _ in range(THOUSANDS)]
            span = max(waits) - min(waits)
            assert busiest([each - min(waits) for each in waits], span / 20) < THOUSANDS / 20 * 1.5


def test_their_retries_spread_further_with_each_try() -> None:
    chance, at = Random(1), [0.0] * THOUSANDS
    spans = []
    for tries in range(8):
        at = [each + by_ourselves(tries, chance) for each in at]
        spans.append(max(at) - min(at))
    assert spans == sorted(spans)
    assert spans[-1] > 60


def test_waits_grow_and_have_an_end() -> None:
    chance = Random(2)
    for tries in range(200):
        wait = by_ourselves(tries, chance)
        assert FIRST <= wait <= LONGEST
        assert wait <= 2 * FIRST * 2.0 ** min(tries, 300)
    assert min(by_ourselves(50, chance) for _ in range(1000)) >= LONGEST / 2


def test_what_a_platform_asks_for_is_never_cut_short_and_not_much_longer() -> None:
    chance = Random(3)
    for asked in (0, 0.2, 1, 5, 60, 300, 3600, 86400):
        waits = [when_asked(asked, chance) for _ in range(THOUSANDS)]
        assert min(waits) >= asked
        assert max(waits) <= asked + max(0.1, min(asked / 4, 30))
        assert len(set(waits)) > THOUSANDS * 0.99


def test_however_many_servers_are_slow_another_gets_a_lane() -> None:
    for lanes in (2, 8, 50, 500):
        shares, free = Shares(lanes), lanes
        while free > 1:
            taken = 0
            while shares.begin(f"slow server, when {free} are free"):
                taken += 1
            assert 0 < taken < free
            free -= taken


def test_a_lane_that_is_given_back_can_be_had_again() -> None:
    shares = Shares(10)
    while shares.begin("slow"):
        pass
    assert not shares.begin("slow")
    shares.end("slow")
    assert shares.begin("slow")
    assert shares.begin("other")
    shares.end("other")
    assert Shares(1).begin("only")

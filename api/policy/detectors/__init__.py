"""Rules that need more than words near each other: numbers, links, dates, capitals, pictures, circumstances."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from api.policy.detectors import appeals, circumstances, links, numbers, plain, private
from api.policy.read import Read
from api.policy.values import Context, Hit

DETECTORS: Mapping[str, Callable[[Read, Context], Iterator[Hit]]] = {
    "R06": private.private_details,
    "R08": circumstances.recognisable,
    "R19": circumstances.replies_open,
    "R20": circumstances.may_have_moved_on,
    "R30": circumstances.election_window,
    "R33": plain.banned_words,
    "R39": numbers.unknown_numbers,
    "R43": links.that_do_not_hold,
    "R44": plain.hard_to_read,
    "R45": circumstances.others_work,
    "R46": circumstances.too_long_or_repeated,
    "R47": circumstances.no_welsh,
    "R48": circumstances.nothing_may_leave,
    "R49": plain.unfinished,
    "R50": circumstances.unconfirmed,
}


def hits(rule: str, read: Read, context: Context, seen: Mapping[str, Sequence[Hit]]) -> Iterator[Hit]:
    """`seen`: what the signs of all rules saw, for a rule that asks what else this is."""
    if rule == "R42":
        yield from appeals.lacking(read, context, seen)
    detector = DETECTORS.get(rule)
    if detector:
        yield from detector(read, context)

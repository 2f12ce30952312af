"""What must be true before anything is queued. Each refusal says which account, by how much, and what to do."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from api.core.clock import now
from api.core.errors import Invalid
from api.library.filling import names_in
from api.platforms.facts import FACTS
from api.posts.saying import too_many
from api.posts.values import Outgoing, When

MOST_PARTS = 25
"""Nobody reads on for longer, and a platform takes so many at once for something gone wrong."""
GRACE = timedelta(seconds=60)
"""A time that has passed by no more than this means now: requests take time, clocks differ."""


def when(publish_at: datetime | None, useful_until: datetime | None) -> When:
    """Nothing means now. A time that has passed is refused: a post is never sent late on purpose."""
    present = now()
    if publish_at is not None and publish_at < present - GRACE:
        raise Invalid("That time has passed. Choose one that is still to come, or publish now.", "publish_at")
    due_at = max(publish_at or present, present)
    if useful_until is not None and useful_until <= due_at:
        raise Invalid(
            "It would be out of date before it goes out: “useful until” comes after its time.", "useful_until"
        )
    return When(due_at, useful_until)


def ready(outgoing: Sequence[Outgoing]) -> None:
    """Every account's text can go out as it is."""
    if not outgoing:
        raise Invalid("Choose at least one account for it to go out from.", "account_ids")
    for each in outgoing:
        if not each.text.strip():
            raise Invalid("Write something first: the text is empty.", "text")
    unfilled = sorted({name for each in outgoing if not each.shares for name in names_in(each.text)})
    if unfilled:
        raise Invalid(f"Fill in {' and '.join('{' + name + '}' for name in unfilled)} first.", "text")
    _seen_as_wished(outgoing)
    _short_enough(outgoing)


def _seen_as_wished(outgoing: Iterable[Outgoing]) -> None:
    for each in outgoing:
        facts = FACTS[each.account.platform]
        if each.words.visibility not in facts.visibilities:
            kinds = " or ".join(sorted(facts.visibilities))
            raise Invalid(
                f"{facts.label} has only {kinds} posts. Make it {kinds}, or take {each.account.handle} off.",
                "visibility",
            )


def _short_enough(outgoing: Sequence[Outgoing]) -> None:
    """Each part of it; in a thread only what cannot be cut, such as a link, is ever too long."""
    long = []
    for each in outgoing:
        if each.shares:
            continue
        over = max(too_many(each.account, part, each.words) for part in each.parts)
        if over > 0:
            long.append({"account_id": str(each.account.id), "handle": each.account.handle, "over": over})
        if len(each.parts) > MOST_PARTS:
            raise Invalid(
                f"For {each.account.handle} this would be a thread of {len(each.parts)}; {MOST_PARTS} is the most. "
                "Shorten it, or link to where it stands in full.",
                "text",
            )
    if long:
        words = "; ".join(f"{one['over']} too many for {one['handle']}" for one in long)
        raise Invalid(f"Too long, in characters: {words}. {_way_out(outgoing)}", "text", too_long=long)


def _way_out(outgoing: Iterable[Outgoing]) -> str:
    if any(each.words.as_thread for each in outgoing):
        return "A link in it is longer than a whole post there: shorten it, or leave it out there."
    return "Shorten it, say it differently there, or send it as a thread."

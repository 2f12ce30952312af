"""Looks at both sides, what we show and what a server has, and says in sentences where they differ."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from api.models import Delivery, DeliveryState
from api.platforms.values import Visibility
from tests.support.stage import OPEN


class Look(NamedTuple):
    """What a reader sees of it."""

    text: str
    shares: str | None = None
    pictures: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.text, f"shares {self.shares}" if self.shares else "", *self.pictures]).strip()


def untrue(
    deliveries: Sequence[Delivery], there: Sequence[Mapping[str, Any]], pictured: Mapping[str, str] | None = None
) -> list[str]:
    """Sentences about what is not as it is shown, for one account. `pictured`: the words of each picture, by its id."""
    looks = {each.id: _look(each, pictured or {}) for each in deliveries}
    named = Counter(each.remote_id for each in deliveries if each.state is DeliveryState.SENT)
    wrong = [f"still {each.state}: {looks[each.id]}" for each in deliveries if each.state in OPEN]
    wrong += [f"two deliveries claim {name}" for name, times in named.items() if times > 1]
    for each in deliveries:
        if each.state is DeliveryState.SENT:
            wrong += _not_as_it_is_shown(each, looks[each.id], {post["id"]: post for post in there})
    return wrong + list(_wrong_numbers(deliveries, looks, there))


def _look(delivery: Delivery, pictured: Mapping[str, str]) -> Look:
    return Look(delivery.text, delivery.shares, tuple(pictured[each] for each in delivery.media_ids or ()))


def _seen(post: Mapping[str, Any]) -> Look:
    return Look(post["text"], post["shares"], tuple(each["description"] for each in post["media"]))


def _not_as_it_is_shown(delivery: Delivery, look: Look, there: Mapping[str, Mapping[str, Any]]) -> list[str]:
    post = there.get(delivery.remote_id or "")
    if post is None or _seen(post) != look:
        return [f"lost: {look} is not there as {delivery.remote_id}"]
    answers = None if delivery.visibility is Visibility.DIRECT else delivery.in_reply_to
    if answers is not None and post["in_reply_to_id"] != answers:
        return [f"{look} answers {post['in_reply_to_id']}, not {answers}"]
    return []


def _wrong_numbers(
    deliveries: Sequence[Delivery], looks: Mapping[Any, Look], there: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    seen = Counter(_seen(post) for post in there)
    sent = Counter(looks[each.id] for each in deliveries if each.state is DeliveryState.SENT)
    unsure = Counter(looks[each.id] for each in deliveries if each.state is DeliveryState.NEEDS_PERSON)
    for look in set(looks.values()):
        if not sent[look] <= seen[look] <= sent[look] + unsure[look]:
            yield f"{seen[look]} times there, {sent[look]} sent: {look}"


def out_of_order(deliveries: Sequence[Delivery]) -> list[str]:
    """Each part that is out answers the part before it."""
    by_id = {each.id: each for each in deliveries}
    return [
        f"{each.text} does not follow the part before it"
        for each in deliveries
        if each.parent_id and each.state is DeliveryState.SENT and each.in_reply_to != by_id[each.parent_id].remote_id
    ]

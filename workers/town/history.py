"""The days before the town was opened, moved so that they end today."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workers.town import statuses
from workers.town.scenario import Past
from workers.town.world import Town

LONDON = ZoneInfo("Europe/London")
MINUTE = 60_000
FRESH = 4  # so many at least lie within the last hour and a half


def moved(past: list[datetime], now_ms: int) -> list[int]:
    """Moved by whole days, so that morning stays morning; what would lie ahead comes just before now."""
    today = datetime.fromtimestamp(now_ms / 1000, LONDON).date()
    shift = today - past[-1].date()
    times = [int((at + shift).replace(tzinfo=LONDON).timestamp() * 1000) for at in past]
    newest = now_ms - 3 * MINUTE
    fresh = min(max(sum(at > newest for at in times), FRESH), len(times))
    before = times[-fresh - 1] if fresh < len(times) else 0
    start = max(now_ms - 90 * MINUTE, before)
    step = (newest - start) / fresh
    return times[:-fresh] + [int(start + step * (place + 1)) for place in range(fresh)]


def play(town: Town) -> None:
    """Writes it all down, once; the caller keeps it together with the note that it was done."""
    past = sorted(town.scenario.history, key=lambda one: one.at)
    written: dict[str, int] = {}
    private: dict[str, int] = {}  # thread → the newest direct message in it
    for one, at_ms in zip(past, moved([one.at for one in past], town.now()) if past else [], strict=True):
        reply_to = written.get(one.to) or private.get(one.thread if one.kind == "direct" else "")
        written[one.id] = statuses.write(town, _draft(town, one, reply_to, at_ms))
        if one.kind == "direct":
            private[one.thread] = written[one.id]
        if one.id.startswith("our-question-") and not one.to:
            town.store.remember("question", str(written[one.id]))
    _think_better(town, written)


def _draft(town: Town, one: Past, reply_to: int | None, at_ms: int) -> statuses.Draft:
    author = town.account(one.who)
    parent = statuses.get(town, reply_to)
    named = [town.people[parent["account_id"]].acct] if parent and parent["account_id"] != author.id else []
    named += [one.account] if one.account and one.account not in named else []
    media = (
        (statuses.keep_media(town, author, "image/png", one.media, statuses.plain_picture()),)
        if one.media
        else ()
    )
    return statuses.Draft(
        author,
        " ".join([*(f"@{name}" for name in named), one.text]).strip(),
        "direct" if one.kind == "direct" else "public",
        reply_to,
        language=one.lang,
        media=media,
        source="history",
        at_ms=at_ms,
    )


def _think_better(town: Town, written: dict[str, int]) -> None:
    for change in town.scenario.changes:
        status = statuses.get(town, written[change.id])
        assert status is not None
        later = status["created_ms"] + int(timedelta(minutes=change.after_minutes).total_seconds() * 1000)
        at_ms = min(later, town.now())
        if change.delete:
            statuses.delete(town, status, at_ms)
        else:
            names = status["text"].split(maxsplit=1)[0]
            statuses.edit(town, status, f"{names} {change.text}", "", False, at_ms)

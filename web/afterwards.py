"""What can be done about a post that is out: new words, taking it down; and what became of that on each account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.clock import now
from api.models import Account, Delivery, DeliveryState, ErrandKind, ErrandState, PostState, ShareHow, Viewer
from api.outbox import errands
from api.posts import queries, shares
from api.posts.editing import OUT
from api.posts.standing import Standing, StandingState, standings
from api.posts.values import Version, Written
from web.shown import Badge, State, badges
from web.standing import QUICK
from web.words import when_text

STATES = {
    StandingState.GONE: State("Taken down", "", "close"),
    StandingState.ASKED: State("Being taken down", "amber", "clock"),
    StandingState.FAILED: State("Still there", "red", "alert"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the form for new words. `name` is that of the writing form: the post's words, or an account's."""

    name: str
    label: str
    text: str
    limit: int


async def retold(session: AsyncSession, written: Written, context: dict[str, Any]) -> dict[str, Any]:
    """The lines about each account, with what was asked about it since it is out."""
    told = {each.delivery_id: each for each in await standings(session, written.deliveries, _when)}
    edits = await errands.latest(session, list(told), [ErrandKind.EDIT])
    asked = {key: each for key, each in edits.items() if each.state is not ErrandState.DONE}
    by_id = {each.id: each for each in written.deliveries}
    lines = []
    for line in context["deliveries"]:
        parts = [_told(part, told[part.id], "") for part in line.parts]
        whole = _whole([told[part.id] for part in line.parts or (line,)])
        again = line.retry and written.post.withdrawn_at is None
        changed = _changed(by_id[line.id], asked.get(line.id))
        lines.append(_told(replace(line, parts=parts, retry=again), whole, changed))
    waits = any(each.state is StandingState.ASKED for each in told.values())
    waits = waits or any(each.state is ErrandState.ASKED for each in asked.values())
    return {**context, "deliveries": lines, "pace": QUICK if waits else context["pace"]}


def _whole(parts: Sequence[Standing]) -> Standing:
    """Where a thread stands: what went wrong with a part of it first, and gone only once all of it is."""
    for state in (StandingState.FAILED, StandingState.ASKED):
        for each in parts:
            if each.state is state:
                return each
    return next((each for each in parts if each.state not in STATES), parts[0])


def _told(line: Any, standing: Standing, changed: str) -> Any:
    return _gone(line, standing) if standing.state in STATES else replace(line, words=f"{line.words}{changed}")


async def about(session: AsyncSession, viewer: Viewer, written: Written, context: dict[str, Any]) -> dict[str, Any]:
    post, rows = written.post, written.deliveries
    known = {account.id: account for account in await accounts.accounts(session, viewer)}
    open_to_us = access.may(viewer, Action.PUBLISH, post.team_id) and post.withdrawn_at is None
    out = [each for each in rows if each.state is DeliveryState.SENT and each.gone_at is None]
    again = await _failed(session, out)
    original = (await shares.originals(session, written.share)) if written.share else {}
    return {
        **await retold(session, written, context),
        "withdrawable": open_to_us and bool(out or post.state is PostState.SENDING),
        "ask_again": access.may(viewer, Action.PUBLISH, post.team_id) and again,
        "copies": sorted({badge.facts.copies_stay for each in out if (badge := badges([*known.values()]).get(each.account_id))}),
        "changes": _changes(written, out, known) if open_to_us and post.state in OUT else [],
        "pictures": await _pictures(session, out, known) if open_to_us and post.state in OUT else [],
        "unchangeable": [_name(known, each) for each in out if not _can_change(known, each)] if open_to_us else [],
        "before": _before(await queries.versions(session, post), badges([*known.values()])),
        "share": written.share,
        "repost": written.share is not None and written.share.how is ShareHow.REPOST,
        "original": next((each.url for each in original.values() if each.url), ""),
        "errors": {},
        "typed": {},
    }  # fmt: skip


async def _failed(session: AsyncSession, out: Sequence[Delivery]) -> bool:
    found = await errands.latest(session, [each.id for each in out], [ErrandKind.WITHDRAW])
    return any(each.state is ErrandState.FAILED for each in found.values())


def _gone(line: Any, standing: Standing) -> Any:
    state = STATES[standing.state]
    word = "Gone" if standing.words.startswith("Found") else state.words
    return replace(
        line, state=word, tone=state.tone, icon=state.icon, words=standing.words, url=standing.url, retry=False
    )


def _changed(delivery: Delivery, asked: Any) -> str:
    if asked is not None and asked.state is ErrandState.ASKED:
        return f" New words asked for at {_when(asked.created_at)}: not there yet."
    said = f" Changed at {_when(delivery.edited_at)}." if delivery.edited_at else ""
    return f"{said} Not changed: {asked.error}" if asked is not None else said


def _changes(written: Written, out: Sequence[Delivery], known: Mapping[UUID, Account]) -> list[Change]:
    """One field for all that say the same, if all of them can be changed; else one for each that can."""
    own = {each.account_id: each.text for each in written.destinations if each.text is not None}
    shared = [each for each in out if each.account_id not in own]
    together = bool(shared) and all(_can_change(known, each) for each in shared)
    fields = []
    if together:
        limit = min(accounts.limits_of(known[each.account_id]).max_length for each in shared)
        fields.append(Change("text", "The words", written.post.text, limit))
    fields += [
        Change(
            f"variant-{each.account_id}",
            f"On {_name(known, each)}",
            each.text,
            accounts.limits_of(known[each.account_id]).max_length,
        )
        for each in out
        if _can_change(known, each) and not (together and each in shared)
    ]
    return fields


async def _pictures(session: AsyncSession, out: Sequence[Delivery], known: Mapping[UUID, Account]) -> list[Change]:
    """One field for each picture, if whoever carries it can change it."""
    carrying = [each for each in out if each.media_ids]
    if not all(_can_change(known, each) for each in carrying):
        return []
    limit = min((accounts.limits_of(known[each.account_id]).alt_length for each in carrying), default=0)
    found = await queries.described(session, carrying)
    return [
        Change(f"alt-{media_id}", f"What picture {number} shows", alt, limit)
        for number, (media_id, alt) in enumerate(found, 1)
    ]


def _can_change(known: Mapping[UUID, Account], delivery: Delivery) -> bool:
    account = known.get(delivery.account_id)
    whole = delivery.parts == 1
    return account is not None and whole and errands.can_change(account.platform, delivery.visibility, delivery.kind)


def _name(known: Mapping[UUID, Account], delivery: Delivery) -> str:
    badge = badges([*known.values()]).get(delivery.account_id)
    return f"{badge.name}, {badge.platform}" if badge else "an account you cannot see"


def _before(versions: Sequence[Version], known: Mapping[UUID, Badge]) -> list[dict[str, Any]]:
    """Newest first."""
    return [
        {
            "text": each.text,
            "warning": each.content_warning,
            "at": each.replaced_at,
            "who": each.changed_by or "somebody on the platform itself",
            "account": known[each.account_id].name if each.account_id in known else "",
        }
        for each in reversed(versions)
    ]


def _when(moment: datetime) -> str:
    return when_text(moment, now())

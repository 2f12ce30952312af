"""Rows as templates draw them: a letter for a platform, words and a shape for a state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.core.clock import now
from api.models import Account, AuditEntry, Delivery, DeliveryState, Post, PostState
from api.platforms.facts import FACTS, Facts
from web.words import lateness


@dataclass(frozen=True, slots=True)
class Badge:
    """One of our accounts in a list."""

    id: UUID
    name: str
    handle: str
    letter: str
    platform: str
    practice: bool
    facts: Facts


def badge(account: Account) -> Badge:
    facts = FACTS[account.platform]
    return Badge(account.id, account.name, account.handle, facts.letter, facts.label, account.practice, facts)


def badges(accounts: Sequence[Account]) -> dict[UUID, Badge]:
    return {account.id: badge(account) for account in accounts}


@dataclass(frozen=True, slots=True)
class State:
    words: str
    tone: str = ""
    icon: str = "clock"


DELIVERIES: Mapping[DeliveryState, State] = {
    DeliveryState.QUEUED: State("Waiting for its time"),
    DeliveryState.CLAIMED: State("Sending"),
    DeliveryState.SENDING: State("Sending"),
    DeliveryState.SENT: State("Sent", "green", "check"),
    DeliveryState.REFUSED: State("Refused", "red", "close"),
    DeliveryState.UNKNOWN: State("Unknown, reading back", "amber", "search"),
    DeliveryState.NEEDS_PERSON: State("Needs a person", "red", "alert"),
    DeliveryState.HELD: State("Held", "amber", "pause"),
    DeliveryState.MISSED: State("Missed", "red", "close"),
    DeliveryState.CANCELLED: State("Cancelled", "", "close"),
}

HELD_UP = State("Has to wait", "amber", "clock")
"""It stands in the queue, and nothing of its account goes out: its platform asked for that, or cannot be reached."""

POSTS: Mapping[PostState, State] = {
    PostState.DRAFT: State("Draft", "", "write"),
    PostState.AWAITING_APPROVAL: State("Waits for approval", "amber", "clock"),
    PostState.SCHEDULED: State("Planned", "", "clock"),
    PostState.SENDING: State("Going out", "", "clock"),
    PostState.SENT: State("Sent", "green", "check"),
    PostState.PARTLY_SENT: State("Partly sent", "amber", "alert"),
    PostState.FAILED: State("Not sent", "red", "alert"),
    PostState.CANCELLED: State("Cancelled", "", "close"),
    PostState.WITHDRAWN: State("Taken down", "", "close"),
}
LATE_FROM = 60_000
"""Milliseconds from which a post is said to be late in the state itself."""


def delivery_state(delivery: Delivery) -> State:
    if delivery.state is DeliveryState.QUEUED and delivery.due_at <= now():
        return State("Waiting to go out", "", "clock")
    late = delivery.state is DeliveryState.SENT and (delivery.lateness_ms or 0) >= LATE_FROM
    return State("Sent late", "amber", "check") if late else DELIVERIES[delivery.state]


def post_state(post: Post) -> State:
    return POSTS[post.state]


def worst_lateness(deliveries: Sequence[Delivery]) -> str:
    """What the calendar says of a post that is out."""
    out = [delivery.lateness_ms or 0 for delivery in deliveries if delivery.state is DeliveryState.SENT]
    return f"Out {lateness(max(out))}" if out else ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what happened."""

    words: str
    who: str
    at: datetime


HAPPENED = {
    "posts.create": "Written",
    "posts.draft": "Written",
    "posts.update": "Changed",
    "posts.change": "Changed",
    "posts.publish": "Answered yes, and planned",
    "posts.cancel": "Cancelled",
    "posts.withdraw": "Taken down",
    "posts.withdraw_with_original": "Taken down, because what it shares was",
    "posts.edit": "New words, where it stands",
    "posts.share": "Shares what the force posted",
    "errands.withdraw_done": "It is gone from an account",
    "errands.withdraw_failed": "An account could not take it down",
    "errands.edit_done": "Its new words stand on an account",
    "errands.edit_failed": "An account could not change it",
    "messages.edit": "New words for our reply",
    "messages.withdraw": "Our reply taken down",
    "messages.like": "Liked",
    "messages.unlike": "No longer liked",
    "schedules.move": "Moved",
    "schedules.cancel": "Taken out of the calendar",
    "conversations.reply": "Answered",
    "conversations.note": "Note",
    "conversations.assign": "Given to someone",
    "conversations.close": "Closed",
    "conversations.reopen": "Opened again",
    "deliveries.retry": "Sent again",
    "deliveries.cancel": "Cancelled",
    "deliveries.sighted": "Said that it is live",
    "deliveries.found_by_person": "Found where somebody said",
}


def history(entries: Sequence[AuditEntry], names: Mapping[UUID, str]) -> list[Line]:
    return [
        Line(
            HAPPENED.get(entry.action, entry.action.replace("_", " ").replace(".", ": ").capitalize()),
            names.get(entry.person_id, "") if entry.person_id else "",
            entry.created_at,
        )
        for entry in entries
    ]

"""The places in the rail, in their order. A page that exists stands here; one that does not has no link."""

from dataclasses import dataclass

from api.access.service import Action


@dataclass(frozen=True, slots=True)
class Place:
    key: str
    label: str
    href: str
    icon: str
    on_phone: bool = False
    """It has a button of its own in the phone's bar; the others stand under More."""
    apart: bool = False
    """Below the line, for whoever runs the installation."""
    needs: str = ""
    """What the viewer must be allowed to do somewhere; empty: everybody."""


PLACES: tuple[Place, ...] = (
    Place("today", "Today", "/", "today", on_phone=True),
    Place("inbox", "Inbox", "/inbox", "inbox", on_phone=True, needs=Action.SEE_PUBLIC),
    Place("write", "Write", "/write", "write", on_phone=True, needs=Action.DRAFT),
    Place("calendar", "Calendar", "/calendar", "calendar", needs=Action.SEE_POSTS),
    Place("priorities", "Priorities", "/priorities", "priorities", on_phone=True, needs=Action.SEE_PRIORITIES),
    Place("on-time", "On time", "/on-time", "clock", apart=True, needs=Action.SEE_POSTS),
    Place("alerts", "Alerts", "/alerts", "alert", apart=True, needs=Action.SEE_ALERTS),
    Place("accounts", "Accounts", "/accounts", "account", apart=True, needs=Action.SEE_ACCOUNTS),
    Place("people", "People", "/people", "people", apart=True, needs=Action.SEE_PEOPLE),
)

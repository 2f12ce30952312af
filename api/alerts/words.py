"""Alerts as sentences: what happened, and what to do now. They go into e-mails, so no name of a person is in them."""

from datetime import datetime

from api.core.clock import LONDON, now
from api.models import Alert, AlertKind

LABELS: dict[AlertKind, str] = {
    AlertKind.NEEDS_RECONNECT: "An account has to be connected again",
    AlertKind.SUSPENDED: "An account is suspended",
    AlertKind.PERMISSION_ENDS: "A permission ends soon",
    AlertKind.FEED_STOPPED: "Nothing comes in from an account",
    AlertKind.NEEDS_PERSON: "A post may be out or not",
    AlertKind.REFUSED: "A post was refused",
    AlertKind.MISSED: "A post missed its time",
}
TO_DO: dict[AlertKind, str] = {
    AlertKind.NEEDS_RECONNECT: "The platform no longer takes our permission: nothing goes out and nothing comes in. "
    "Connect the account again.",
    AlertKind.SUSPENDED: "The platform has suspended it: nothing goes out and nothing comes in. "
    "Sign in there and read what it says, then connect it again.",
    AlertKind.PERMISSION_ENDS: "What is planned after that will not go out. Connect the account again before.",
    AlertKind.FEED_STOPPED: "People may be writing and nobody sees it. Look at the account on the platform itself "
    "until it is read again.",
    AlertKind.NEEDS_PERSON: "Look at the account, then say that it is live, or send it again.",
    AlertKind.REFUSED: "Read why, put it right and send it again, or leave it.",
    AlertKind.MISSED: "It was no longer useful, so it was not sent. Send it again if it still is.",
}
MANY = {
    AlertKind.NEEDS_PERSON: "{number} posts on {name} may be out or not",
    AlertKind.REFUSED: "{number} posts were refused on {name}",
    AlertKind.MISSED: "{number} posts missed their time on {name}",
}
ONE = {
    AlertKind.NEEDS_RECONNECT: "{name} has to be connected again",
    AlertKind.SUSPENDED: "{name} is suspended",
    AlertKind.PERMISSION_ENDS: "The permission for {name} ends {at}",
    AlertKind.FEED_STOPPED: "Nothing comes in from {name} since {at}",
    AlertKind.NEEDS_PERSON: "A post on {name} may be out or not",
    AlertKind.REFUSED: "A post was refused on {name}",
    AlertKind.MISSED: "A post missed its time on {name}",
}
WITH_DELIVERIES = frozenset(MANY)


def title(alert: Alert, name: str) -> str:
    """`name`: of the account, with its platform."""
    words = MANY[alert.kind] if alert.number > 1 and alert.kind in MANY else ONE[alert.kind]
    if alert.kind is AlertKind.PERMISSION_ENDS and alert.at and alert.at <= now():
        words = "The permission for {name} ended {at}"
    return words.format(number=alert.number, name=name, at=_moment(alert.at) if alert.at else "soon")


def path(alert: Alert) -> str:
    """Where somebody can do something about it."""
    if alert.kind in WITH_DELIVERIES:
        return f"/on-time?account={alert.account_id}#mend"
    return f"/accounts/{alert.account_id}"


def _moment(at: datetime) -> str:
    local = at.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M}"

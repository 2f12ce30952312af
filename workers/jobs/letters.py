"""What an alert's e-mail and its call say. No name but the recipient's, and no word of a post, is in either."""

import json
from datetime import datetime
from urllib.parse import urlsplit

from api.alerts import words
from api.alerts.outgoing import Call, Letter
from api.core.settings import Settings
from api.models import Account, Alert
from api.platforms.facts import FACTS
from workers.outside.mail import Mail

OVER = "It is over by now."


def sender_of(settings: Settings) -> str:
    return settings.mail_from or f"beatline@{urlsplit(settings.base_url).hostname or 'localhost'}"


def mail_of(letter: Letter, settings: Settings) -> Mail:
    base = settings.base_url.rstrip("/")
    first = words.title(letter.alerts[0][0], named(letter.alerts[0][1])) if letter.alerts else "Nothing any more"
    subject = first if len(letter.alerts) == 1 else f"{len(letter.alerts)} things need somebody"
    parts = "\n\n".join(_part(alert, account, base) for alert, account in letter.alerts)
    return Mail(
        key=str(letter.id),
        to=letter.email,
        subject=f"Beatline: {subject}",
        body=f"Hello {letter.name}\n\n{parts}\n\nAll alerts: {base}/alerts\n"
        f"Which of these come by e-mail you choose here: {base}/me\n",
    )


def body_of(call: Call, at: datetime) -> bytes:
    alert = call.alert
    about = {
        "id": str(alert.id),
        "kind": alert.kind.value,
        "account_id": str(alert.account_id),
        "team_id": str(alert.team_id) if alert.team_id else None,
        "number": alert.number,
        "opened_at": alert.created_at.isoformat(),
    } if alert else None  # fmt: skip
    said = {"id": str(call.id), "event": f"alert.{call.event.value}", "at": at.isoformat(), "alert": about}
    return json.dumps(said, separators=(",", ":")).encode()


def named(account: Account) -> str:
    return f"{account.name} ({FACTS[account.platform].label}, @{account.handle})"


def _part(alert: Alert, account: Account, base: str) -> str:
    what_to_do = OVER if alert.resolved_at else words.TO_DO[alert.kind]
    return f"{words.title(alert, named(account))}.\n{what_to_do}\n{base}{words.path(alert)}"

"""What will not go out, as sentences: “14 planned posts will not go out from Friday: the permission ends on Thursday”."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.models import Account
from api.outbox.forecast import Shortfall, WhyNot
from web.shown import badge
from web.words import when_text


@dataclass(frozen=True, slots=True)
class Warning:
    """One account whose planned posts will not all go out."""

    account_id: UUID
    title: str
    words: str


def because(why: WhyNot, ends_at: datetime | None, at: datetime) -> str:
    match why:
        case WhyNot.ENDS if ends_at is not None:
            over = ends_at <= at
            return f"the permission for the account {'ended' if over else 'ends'} {when_text(ends_at, at)}"
        case WhyNot.SUSPENDED:
            return "the platform has suspended its account"
        case WhyNot.OFF:
            return "its account is disconnected"
    return "its account has to be connected again"


def warnings(found: Sequence[Shortfall], accounts: Mapping[UUID, Account], at: datetime) -> list[Warning]:
    return [_warning(one, accounts.get(one.account_id), at) for one in found]


def _warning(one: Shortfall, account: Account | None, at: datetime) -> Warning:
    posts = "1 planned post" if one.number == 1 else f"{one.number} planned posts"
    name = f"{account.name}, {badge(account).platform}" if account else "An account you cannot see"
    return Warning(
        account_id=one.account_id,
        title=f"{posts} will not go out: {because(one.why, one.ends_at, at)}",
        words=f"{name}. The first is due {when_text(one.first_at, at)}.",
    )

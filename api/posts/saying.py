"""What each account says of a post: its own text or everybody's, in one part or, as a thread, in several."""

from functools import lru_cache

from api.accounts.queries import limits_of
from api.models import Account
from api.platforms.splitting import split
from api.platforms.text import count, counter
from api.platforms.values import Limits, Platform
from api.posts.values import Outgoing, Words


def outgoing(account: Account, words: Words, variant: str | None = None, shares: str | None = None) -> Outgoing:
    text = words.text if variant is None else variant
    parts = parts_of(account, text, words) if words.as_thread and not shares else (text,)
    return Outgoing(account, text, words, parts, shares)


def parts_of(account: Account, text: str, words: Words) -> tuple[str, ...]:
    """As many as this account needs for it; one that fits stays as it was written."""
    if too_many(account, text, words) <= 0:
        return (text,)
    return _split(account.platform, text, limits_of(account), words.content_warning)


@lru_cache(64)
def _split(platform: Platform, text: str, limits: Limits, warning: str) -> tuple[str, ...]:
    """Kept for a moment: a page asks again for each account, and for each letter typed elsewhere."""
    return split(text, limits, counter(platform, warning))


def length(account: Account, text: str, words: Words) -> int:
    return count(account.platform, text, limits_of(account), words.content_warning)


def too_many(account: Account, text: str, words: Words) -> int:
    """By how many characters it is too long; nothing or less: it fits."""
    return length(account, text, words) - limits_of(account).max_length

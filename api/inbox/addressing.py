"""Making sure that an answer reaches whom it answers, and nobody else when it is private."""

from api.accounts import queries as accounts
from api.core.errors import Invalid
from api.models import Account, Conversation
from api.platforms.facts import FACTS
from api.platforms.text import count, named
from api.platforms.values import Visibility


def prefix(account: Account, conversation: Conversation) -> str:
    """What a reply begins with, so that it reaches the person; nothing where platforms see to that themselves."""
    return f"@{conversation.contact_handle} " if FACTS[account.platform].answers_name_people else ""


def addressed(account: Account, conversation: Conversation, visibility: Visibility, text: str) -> str:
    """The text as it goes out: it names whom it answers, and is short enough with that."""
    words = text.strip()
    if not words:
        raise Invalid("Write something to send.", "text")
    if FACTS[account.platform].answers_name_people:
        words = _naming(account, conversation, visibility, words)
    limits = accounts.limits_of(account)
    length = count(account.platform, words, limits)
    if length > limits.max_length:
        raise Invalid(
            f"This is {length} characters long with the name of whom it answers; {account.handle} can send"
            f" {limits.max_length}. Take out {length - limits.max_length}.",
            "text",
            length=length,
            limit=limits.max_length,
        )
    return words


def _naming(account: Account, conversation: Conversation, visibility: Visibility, words: str) -> str:
    theirs = _names_of(conversation.contact_handle, account)
    names = [name.lower() for name in named(words)]
    if visibility is not Visibility.DIRECT:
        return words if theirs & set(names) else prefix(account, conversation) + words
    others = [name for name in names if name not in theirs | _names_of(account.handle, account)]
    if others:
        raise Invalid(
            f"A private answer is sent to everybody it names. Take out @{others[0]}, or write the name without @.",
            "text",
        )
    begins = words.startswith("@") and bool(names) and names[0] in theirs
    return words if begins else prefix(account, conversation) + words


def _names_of(handle: str, account: Account) -> set[str]:
    """How somebody can be named: in full, and by the bare name on our own server."""
    full = handle.lower()
    name, _, server = full.partition("@")
    return {full, name} if server == account.handle.lower().partition("@")[2] else {full}

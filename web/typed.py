"""What the writing form holds, as it was typed, and how it counts on each account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData

from api.accounts import queries as accounts
from api.core.errors import Invalid
from api.core.local_time import from_form
from api.models import Account, Destination, Post
from api.platforms.facts import FACTS
from api.platforms.text import graphemes
from api.platforms.values import Visibility
from api.posts import saying
from api.posts.checks import MOST_PARTS
from api.posts.values import Words
from web.carried import Carried
from web.looks import LANGUAGES, SEEN_BY, Look, look
from web.words import for_input, plural

VARIANT = "variant-"


@dataclass(frozen=True, slots=True)
class Typed:
    """Kept as text, so that a mistake comes back exactly as somebody wrote it."""

    team_id: UUID | None = None
    account_ids: frozenset[UUID] | None = None
    """None: nobody has chosen yet, so all are proposed."""
    text: str = ""
    variants: Mapping[UUID, str] = field(default_factory=dict)
    when: str = "now"
    publish_at: str = ""
    publish_fold: int | None = None
    useful_until: str = ""
    useful_fold: int | None = None
    standard_post_id: str = ""
    as_thread: bool = False
    content_warning: str = ""
    visibility: Visibility = Visibility.PUBLIC
    language: str = "en"
    version: int = 0
    answer: str = "look"
    carried: tuple[Carried, ...] = ()
    """Its pictures or its video: they are in the store already, and wait for the post."""

    @classmethod
    def of(cls, form: FormData) -> "Typed":
        def words(name: str) -> str:
            value = form.get(name, "")
            return value.replace("\r\n", "\n") if isinstance(value, str) else ""

        return cls(
            team_id=_id(words("team_id")),
            account_ids=frozenset(found for each in form.getlist("account_ids") if (found := _id(str(each)))),
            text=words("text"),
            variants={
                found: words(name)
                for name in form
                if name.startswith(VARIANT) and words(name).strip() and (found := _id(name.removeprefix(VARIANT)))
            },
            when=words("when") or "now",
            publish_at=words("publish_at"),
            publish_fold=_fold(words("publish_at-fold")),
            useful_until=words("useful_until"),
            useful_fold=_fold(words("useful_until-fold")),
            standard_post_id=words("standard_post_id"),
            as_thread=words("as_thread") == "yes",
            content_warning=words("content_warning").strip(),
            visibility=next((one for one in SEEN_BY if one == words("visibility")), Visibility.PUBLIC),
            language=words("language") if words("language") in LANGUAGES else "en",
            version=int(words("version")) if words("version").isdecimal() else 0,
            answer=words("answer") or "look",
        )

    @classmethod
    def from_draft(cls, post: Post, destinations: Sequence[Destination]) -> "Typed":
        return cls(
            team_id=post.team_id,
            account_ids=frozenset(one.account_id for one in destinations),
            text=post.text,
            variants={one.account_id: one.text for one in destinations if one.text},
            useful_until=for_input(post.useful_until),
            standard_post_id=str(post.standard_post_id or ""),
            as_thread=post.as_thread,
            content_warning=post.content_warning,
            visibility=post.visibility,
            language=post.language,
            version=post.version,
        )

    def words(self) -> Words:
        return Words(self.text, self.language, self.visibility, self.content_warning, self.as_thread)

    def due(self) -> datetime | None:
        """When it goes out; None: now."""
        if self.when != "on":
            return None
        if not self.publish_at:
            raise Invalid("Say on which day and at what time.", "publish_at")
        return from_form(self.publish_at, fold=self.publish_fold, field="publish_at")

    def until(self) -> datetime | None:
        if not self.useful_until:
            return None
        return from_form(self.useful_until, fold=self.useful_fold, field="useful_until")

    def as_post(self) -> dict[str, Any]:
        """What posts.service takes. What is missing is said when it is to go out: a draft may be half done."""
        if self.team_id is None:
            raise Invalid("Choose a team.", "team_id")
        chosen = self.account_ids or frozenset()
        return {
            "team_id": self.team_id,
            "account_ids": sorted(chosen),
            "text": self.text,
            "useful_until": self.until(),
            "variants": [
                {"account_id": account, "text": text} for account, text in self.variants.items() if account in chosen
            ],
            "standard_post_id": _id(self.standard_post_id),
            "as_thread": self.as_thread,
            "content_warning": self.content_warning,
            "visibility": self.visibility,
            "language": self.language,
            "media_ids": [each.id for each in self.carried],
        }


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _fold(text: str) -> int | None:
    return int(text) if text in ("0", "1") else None


@dataclass(frozen=True, slots=True)
class Target:
    """One account in the form, with its own count."""

    id: UUID
    name: str
    handle: str
    letter: str
    platform: str
    practice: bool
    chosen: bool
    variant: str
    used: int
    limit: int
    parts: int
    """Of the thread that it would be here; 1 where it fits."""
    over: bool
    """It cannot go out like this."""
    as_thread: bool
    looks: Look

    @property
    def long(self) -> bool:
        return self.used > self.limit

    @property
    def counted(self) -> str:
        return plural(self.parts, "post") if self.as_thread and self.parts > 1 else f"{self.used} of {self.limit}"


def target(account: Account, typed: Typed) -> Target:
    facts, limits = FACTS[account.platform], accounts.limits_of(account)
    words, variant = typed.words(), typed.variants.get(account.id, "")
    used = saying.length(account, variant or typed.text, words)
    parts = len(saying.parts_of(account, variant or typed.text, words))
    looks = look(account, words, variant)
    return Target(
        id=account.id,
        name=account.name,
        handle=account.handle,
        letter=facts.letter,
        platform=facts.label,
        practice=account.practice,
        chosen=typed.account_ids is None or account.id in typed.account_ids,
        variant=variant,
        used=used,
        limit=limits.max_length,
        parts=parts,
        over=any(part.over for part in looks.parts) or len(looks.parts) > MOST_PARTS,
        as_thread=typed.as_thread,
        looks=looks,
    )


def room(text: str, targets: Sequence[Target]) -> str:
    """The quiet line under the words."""
    length = plural(graphemes(text), "character")
    chosen = [one for one in targets if one.chosen]
    if not chosen:
        return f"{length}. No account chosen yet."
    long = [_too_long(one) for one in chosen if one.over]
    if long:
        return f"{length}. {'; '.join(long)}."
    if any(one.long for one in chosen):
        return f"{length}. Goes out as {in_parts(chosen)}."
    least = min(one.limit - one.used for one in chosen)
    fits = "Fits" if len(chosen) == 1 else f"Fits all {len(chosen)}"
    return f"{length}. {fits}, with {least} to spare."


def in_parts(targets: Sequence[Target]) -> str:
    """How many posts it becomes, where it is more than one."""
    many = [f"{one.parts} posts for {one.name} on {one.platform}" for one in targets if one.chosen and one.parts > 1]
    return " and ".join([", ".join(many[:-1]), many[-1]] if len(many) > 1 else many)


def _too_long(one: Target) -> str:
    where = f"{one.name} on {one.platform}"
    if not one.as_thread:
        return f"{one.used - one.limit} too many for {where}"
    if one.parts > MOST_PARTS:
        return f"A thread of {one.parts} for {where}, and {MOST_PARTS} is the most"
    return f"A link is too long for {where}"

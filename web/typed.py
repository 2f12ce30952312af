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
from api.platforms.text import count, graphemes
from web.carried import Carried
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
    version: int = 0
    answer: str = "look"
    carried: tuple[Carried, ...] = ()
    """Its pictures or its film: they are in the store already, and wait for the post."""

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
            version=post.version,
        )

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
    letter: str
    platform: str
    practice: bool
    chosen: bool
    variant: str
    used: int
    limit: int

    @property
    def over(self) -> bool:
        return self.used > self.limit


def target(account: Account, typed: Typed) -> Target:
    facts, limits = FACTS[account.platform], accounts.limits_of(account)
    variant = typed.variants.get(account.id, "")
    return Target(
        id=account.id,
        name=account.name,
        letter=facts.letter,
        platform=facts.label,
        practice=account.practice,
        chosen=typed.account_ids is None or account.id in typed.account_ids,
        variant=variant,
        used=count(account.platform, variant or typed.text, limits),
        limit=limits.max_length,
    )


def room(text: str, targets: Sequence[Target]) -> str:
    """The quiet line under the words."""
    length = plural(graphemes(text), "character")
    chosen = [one for one in targets if one.chosen]
    if not chosen:
        return f"{length}. No account chosen yet."
    long = [f"{one.used - one.limit} too many for {one.name} on {one.platform}" for one in chosen if one.over]
    if long:
        return f"{length}. {'; '.join(long)}."
    least = min(one.limit - one.used for one in chosen)
    fits = "Fits" if len(chosen) == 1 else f"Fits all {len(chosen)}"
    return f"{length}. {fits}, with {least} to spare."

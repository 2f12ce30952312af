"""Why a platform did not do what was asked, in the few ways that matter to whoever has to act."""

from enum import StrEnum


class Refusal(StrEnum):
    """A clear no. Which one decides what happens next."""

    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    SCOPE_MISSING = "scope_missing"
    SUSPENDED = "suspended"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"


class PlatformError(Exception):
    """Something a platform said, or failed to say. `str()` is a sentence without personal data."""


class NotSent(PlatformError):
    """Nothing reached the platform: safe to try again. `retry_after` is in seconds."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class RateLimited(NotSent):
    """Refused for now without being done; wait `retry_after` seconds (None: the platform did not say)."""


class Expired(NotSent):
    """Refused only because the token has run out: renew it, then ask again from the beginning."""


class Unknown(PlatformError):
    """It may have been done: the answer was lost, cut short or not readable. Read back before any retry."""


class Refused(PlatformError):
    """A clear no that trying again will not change."""

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.refusal = refusal

"""A person's mistake is a DomainError with a sentence they can act on. Anything else is a bug: let it fall, loudly."""

from typing import Any, ClassVar


class DomainError(Exception):
    """Says what happened and what to do. Answered as problem JSON, toast or page at the edge."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "That did not work"

    def __init__(self, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.more = more
        """Members of the problem JSON beside the standard ones; never personal data."""


class Invalid(DomainError):
    """What was sent cannot be used. `field` says which part of the form or body."""

    status = 422
    title = "Something needs changing"

    def __init__(self, sentence: str, field: str | None = None, **more: Any) -> None:
        super().__init__(sentence, **({"field": field} if field else {}), **more)
        self.field = field


class NotFound(DomainError):
    """It is not there, or not there for you."""

    status = 404
    title = "Not found"

    def __init__(self, sentence: str = "There is nothing here, or it is not yours to see.") -> None:
        super().__init__(sentence)


class Forbidden(DomainError):
    """You may see it, but not do this with it."""

    status = 403
    title = "Not yours to do"


class Unauthorised(DomainError):
    """Nobody is signed in, or the token is not valid."""

    status = 401
    title = "Sign in first"

    def __init__(self, sentence: str = "Sign in, or send a valid token.") -> None:
        super().__init__(sentence)


class Conflict(DomainError):
    """It is in another state than you think."""

    status = 409
    title = "Already changed"


class Stale(DomainError):
    """Somebody else changed it since you read it."""

    status = 412
    title = "Changed by somebody else"

    def __init__(
        self, sentence: str = "Somebody changed this since you opened it. Look at it again, then change it."
    ) -> None:
        super().__init__(sentence)


class TooMany(DomainError):
    """Too often. `retry_after` in seconds is sent as a header."""

    status = 429
    title = "Too many tries"

    def __init__(self, sentence: str, retry_after: float) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class TooLarge(DomainError):
    status = 413
    title = "Too large"

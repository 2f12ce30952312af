"""What comes in and what is kept of it."""

from dataclasses import dataclass
from pathlib import Path

from api.core.errors import DomainError, Invalid
from api.models import MediaKind


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file that may be kept: what the camera noted down is no longer in it."""

    file: Path
    kind: MediaKind
    content_type: str
    suffix: str
    width: int
    height: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What is said about a picture by whoever adds it."""

    alt: str = ""
    no_alt_reason: str = ""
    focus: tuple[float, float] = (0.0, 0.0)


class Unusable(Invalid):
    """A file that cannot go out as it is: the sentence says what to do instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "file")


class FileTooLarge(DomainError):
    status = 413
    title = "Too large"

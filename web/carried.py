"""The pictures of a form: which they are, what is said about each, and in which order they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from starlette.datastructures import FormData, UploadFile

from api.media.schemas import LONGEST_ALT, point_of
from api.models import Media, MediaKind

ALT, WHY, FOCUS = "alt-", "why-", "focus-"
SIGHTS = (
    ("0,0", "The middle"), ("0,1", "The top"), ("0,-1", "The bottom"), ("-1,0", "The left"), ("1,0", "The right"),
    ("-1,1", "Top left"), ("1,1", "Top right"), ("-1,-1", "Bottom left"), ("1,-1", "Bottom right"),
)  # fmt: skip
"""What must stay in sight, in words that need no dragging."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One picture or video as the form shows it."""

    id: UUID
    video: bool
    alt: str
    why: str
    focus: str

    @classmethod
    def of(cls, media: Media) -> Self:
        focus = f"{media.focus_x:g},{media.focus_y:g}"
        return cls(media.id, media.kind is MediaKind.VIDEO, media.alt, media.no_alt_reason, focus)

    def as_typed(self, form: FormData) -> Self:
        """With what stands in the form, where it has a place for it."""
        return replace(
            self,
            alt=_words(form, f"{ALT}{self.id}", self.alt)[:LONGEST_ALT],
            why=_words(form, f"{WHY}{self.id}", self.why)[:300],
            focus=_place(_words(form, f"{FOCUS}{self.id}", self.focus), self.focus),
        )

    @property
    def near(self) -> str:
        """The nearest of the nine places, for the stylesheet."""
        x, y = point_of(self.focus)
        return f"{round(x)},{round(y)}"


def ids_in(form: FormData) -> list[UUID]:
    """As the form holds them; what is no id is left out."""
    found = []
    for each in form.getlist("media_ids"):
        try:
            found.append(UUID(str(each)))
        except ValueError:
            continue
    return list(dict.fromkeys(found))


def files_in(form: FormData) -> list[UploadFile]:
    """A field that was left empty still sends a file without a name."""
    return [each for each in form.getlist("pictures") if isinstance(each, UploadFile) and each.filename]


def moved(carried: Sequence[Carried], pressed: str) -> tuple[Carried, ...]:
    """After one of the buttons of a picture: earlier, later or out."""
    verb, _, which = pressed.partition(":")
    at = next((number for number, each in enumerate(carried) if str(each.id) == which), None)
    found = list(carried)
    if at is None:
        return tuple(found)
    one = found.pop(at)
    if verb in ("earlier", "later"):
        found.insert(max(0, at - 1) if verb == "earlier" else at + 1, one)
    return tuple(found)


def in_order(media: Iterable[Media]) -> tuple[Carried, ...]:
    return tuple(map(Carried.of, media))


def _words(form: FormData, name: str, otherwise: str) -> str:
    value = form.get(name)
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else otherwise


def _place(typed: str, otherwise: str) -> str:
    try:
        x, y = point_of(typed)
    except ValueError:
        return otherwise
    return f"{x:g},{y:g}"

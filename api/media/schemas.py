"""Media on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from api.core.shapes import Out, Words
from api.core.wire import Wire
from api.models import Media, MediaKind

LONGEST_ALT = 5000


def _a_point(value: str) -> str:
    point_of(value)
    return value


def point_of(value: str) -> tuple[float, float]:
    """`x,y` as two numbers. ValueError for anything else."""
    parts = value.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError as error:
        raise ValueError("a focus is written like 0.0,-0.5") from error
    if not (-1 <= x <= 1 and -1 <= y <= 1):
        raise ValueError("a focus lies between -1 and 1")
    return x, y


Alt = Annotated[Words, Field(max_length=LONGEST_ALT, description="What it shows, for people who cannot see it.")]
Reason = Annotated[
    Words, Field(max_length=300, description="Why it has no such words: it goes out with one of the two.")
]
Focus = Annotated[
    Words,
    AfterValidator(_a_point),
    Field(description="What stays in sight when it is cropped: x,y from -1 to 1, from the left and from the bottom."),
]


class MediaPatch(Wire):
    """Only what is sent changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"alt": "A closed road with a diversion sign."}]})

    alt: Alt | None = None
    no_alt_reason: Reason | None = None
    focus: Focus | None = None


class MediaOut(Out):
    id: UUID
    team_id: UUID
    kind: MediaKind
    content_type: str
    etag: str
    size: int = Field(description="In bytes, as it is kept: not the file that was sent.")
    width: int
    height: int
    seconds: float | None = Field(description="How long a video plays, where that could be read.")
    alt: str
    no_alt_reason: str
    focus: str
    url: str = Field(description="The file itself, for whoever may see its team.")
    kept_until: datetime | None = Field(description="When it is cleared away if no post carries it; null: a post does.")
    created_at: datetime

    @classmethod
    def of(cls, media: Media) -> Self:
        own = {name: getattr(media, name) for name in cls.model_fields if hasattr(media, name)}
        return cls.model_validate(
            own | {"focus": f"{media.focus_x:g},{media.focus_y:g}", "url": f"/api/v1/media/{media.id}/file"}
        )

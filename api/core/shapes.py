"""What shapes on the wire are made of: nothing in it that a database would choke on. `wire` is what comes in."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def _only_words(value: Any) -> Any:
    """A number is not a time: 0 would silently be 1970."""
    if not isinstance(value, str | datetime):
        raise ValueError("a time is written like 2026-11-24T17:30:00+00:00")
    return value


def _only_a_day(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and value.count("-") == 2):
        return value
    raise ValueError("a day is written like 2026-11-24")


def _sensible(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ValueError("a time lies between the years 2000 and 2100")
    return value.astimezone(UTC)


def _printable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("it holds a character that nobody can read")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_only_words), AfterValidator(_sensible)]
"""A time with its offset; without one it is refused."""
Day = Annotated[date, BeforeValidator(_only_a_day)]
Words = Annotated[StrictStr, AfterValidator(_printable)]
"""Text as somebody wrote it."""
Line = Annotated[StrictStr, AfterValidator(_printable), AfterValidator(str.strip), Field(max_length=200)]
"""A few words on one line."""
Count = Annotated[StrictInt, Field(ge=0, le=100_000)]


class Out(BaseModel):
    """Output: made from a row or a value."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

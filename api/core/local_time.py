"""Clock times as people write them, twice a year with care: one hour is missing in spring and one comes twice in autumn."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from api.core.clock import LONDON
from api.core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Option:
    """One of the two moments that a clock time can mean. `fold` chooses it; `name` is BST or GMT."""

    fold: int
    at: datetime
    name: str


class NoSuchHour(Invalid):
    """The clocks jump over it."""


class HappensTwice(Invalid):
    """The clocks go back over it: somebody has to say which of the two is meant."""

    def __init__(self, sentence: str, options: tuple[Option, Option], field: str | None = None) -> None:
        super().__init__(sentence, field, options=[{"fold": o.fold, "at": o.at.isoformat()} for o in options])
        self.options = options


def clock_words(moment: datetime, at: datetime) -> str:
    """The time of day, and the day where it is another one. Rounded up, so that nothing is promised too early."""
    local, today = (moment + timedelta(seconds=59)).astimezone(LONDON), at.astimezone(LONDON)
    day = "" if local.date() == today.date() else f"{local:%a} {local.day} {local:%b}, "
    return f"{day}{local:%H:%M}"


def from_form(text: str, zone: ZoneInfo = LONDON, *, fold: int | None = None, field: str = "publish_at") -> datetime:
    """The moment, in UTC, that a form's `2026-10-25T01:30` means; `fold` 0 or 1 chooses between two."""
    wall = _wall(text, field)
    first, second = (wall.replace(tzinfo=zone, fold=each) for each in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if not _exists(first):
        raise NoSuchHour(
            f"{wall:%H:%M} does not exist on {_day(wall)}: the clocks go forward. Choose an hour later.", field
        )
    if fold not in (0, 1):
        options = (_option(first), _option(second))
        names = " or ".join(f"{option.name} (the {which})" for option, which in zip(options, _WHICH, strict=True))
        raise HappensTwice(f"{wall:%H:%M} comes twice on {_day(wall)}: say which, {names}.", options, field)
    return (second if fold else first).astimezone(UTC)


_WHICH = ("first", "second")


def _wall(text: str, field: str) -> datetime:
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("Give a day and a time, such as 24/11/2026 and 17:30.", field) from error
    if wall.tzinfo is not None or not 2000 <= wall.year < 2100:
        raise Invalid("Give a day and a time, such as 24/11/2026 and 17:30.", field)
    return wall


def _exists(moment: datetime) -> bool:
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return there_and_back.replace(tzinfo=None) == moment.replace(tzinfo=None)


def _option(moment: datetime) -> Option:
    return Option(moment.fold, moment.astimezone(UTC), moment.tzname() or "")


def _day(wall: datetime) -> str:
    return f"{wall:%A} {wall.day} {wall:%B}"

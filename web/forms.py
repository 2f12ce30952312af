"""What a form's words become: London's wall clock, and the hours that do not exist or come twice."""

from datetime import UTC, datetime

from api.core.clock import LONDON
from api.core.errors import Invalid


class Twice(Invalid):
    """The clocks go back that night: somebody has to say which of the two they mean."""


def london(value: str, field: str, which: str = "") -> datetime | None:
    """A datetime-local field in UTC; None where it is empty. `which` is first or second."""
    if not value:
        return None
    try:
        naive = datetime.fromisoformat(value)
    except ValueError as error:
        raise Invalid("Write the day and the time, such as 28/11/2026 13:00.", field) from error
    if naive.tzinfo is not None:
        raise Invalid("Write the time as a clock in London shows it.", field)
    first, second = (naive.replace(tzinfo=LONDON, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != naive:
        raise Invalid("The clocks go forward that night: this hour does not exist. Choose another.", field)
    if which not in {"first", "second"}:
        raise Twice("The clocks go back that night: this hour comes twice. Say which you mean.", field)
    return (first if which == "first" else second).astimezone(UTC)

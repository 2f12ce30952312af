"""Whether a server counts each account by itself, or all that come from our address together: seen by what remains."""

from uuid import UUID

NEAR = 8
"""Others ask at the same time: what remains falls by a few between two answers of ours."""
SURE, SUREST = 4, 12


class Level:
    """What remains of one limit, as one answer after another tells it.

    Where accounts are counted together, each answer to another account is a little lower than the one before. Where
    each has its own, somebody's next answer is as high as their last, and so not lower than what came in between.
    """

    __slots__ = ("_account", "_remaining", "_score")

    def __init__(self) -> None:
        self._account: UUID | None = None
        self._remaining, self._score = 0, 0

    def falls_with_others(self, account: UUID, remaining: int) -> bool:
        """Whether this answer is one more step of a fall that all accounts share."""
        step = self._remaining - remaining
        if self._account is not None and account != self._account:
            self._score = min(SUREST, self._score + 1) if 0 < step <= NEAR else max(0, self._score - 2)
        self._account, self._remaining = account, remaining
        # A sudden end is one account's own: what all share was nearly used up already.
        return self._score >= SURE and 0 <= step <= NEAR

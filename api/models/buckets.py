"""How much a platform still lets us ask, where that is little: what one worker learns, all keep to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from api.models.base import Row, one_of
from api.platforms.windows import Call


class Bucket(Row, table=True):
    """One window of one kind of call. Rows are there only while a window is nearly used up."""

    __tablename__ = "buckets"
    __table_args__ = (UniqueConstraint("about", "call"),)

    about: str
    """An account's id; or a server's origin, where the limit is one for all that come from us."""
    account_id: UUID | None = None
    call: Call = one_of(Call)
    allowed: int = 0
    """0: the platform did not say."""
    remaining: int = 0
    resets_at: datetime = Field(index=True)
    told_at: datetime = Field(index=True)
    """When a worker last wrote here: the others read what is newer than what they have."""

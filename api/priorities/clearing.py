"""What people said is kept for as long as the force keeps messages; what was counted stays."""

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.models import Answer


async def forget_words(session: AsyncSession, limit: int = 500) -> int:
    """Answers past their date lose their words and places. Issue, source and round stay: they name nobody."""
    old = (
        select(col(Answer.id))
        .where(col(Answer.keep_until) <= now(), or_(col(Answer.text) != "", col(Answer.place) != ""))
        .limit(limit)
    )
    gone = await session.execute(
        update(Answer)
        .where(col(Answer.id).in_(old))
        .values(text="", place="", version=col(Answer.version) + 1)
        .returning(col(Answer.id))
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())

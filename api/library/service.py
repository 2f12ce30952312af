"""Writing down what will be used again."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Invalid, NotFound
from api.library.filling import names_in
from api.models import StandardPost, Viewer


async def add_standard_post(
    session: AsyncSession,
    viewer: Viewer | None,
    force_id: UUID,
    slug: str,
    title: str,
    category: str,
    text: str,
    *,
    short: str = "",
    fields: Sequence[Mapping[str, Any]] = (),
    locked: bool = False,
    details: Mapping[str, Any] | None = None,
) -> StandardPost:
    """Adding the same slug again brings its words up to date and changes nothing else. Viewer None: command line."""
    if viewer is not None:
        access.require(viewer, Action.PUBLISH, None)
        if force_id != viewer.force_id:
            raise NotFound
    known = {field["name"] for field in fields}
    undescribed = [name for each in (text, short) for name in names_in(each) if name not in known]
    if undescribed:
        raise Invalid(f"{title} uses {{{undescribed[0]}}}, which its fields do not describe.", "fields")
    words: dict[str, Any] = {
        "title": title, "category": category, "text": text, "short": short, "locked": locked,
        "fields": [dict(field) for field in fields], "details": dict(details or {}),
    }  # fmt: skip
    standard_post = await _with_slug(session, force_id, slug)
    if standard_post is None:
        standard_post = StandardPost(force_id=force_id, slug=slug, **words)
        session.add(standard_post)
        await session.flush()
        audit.record(session, viewer, "standard_posts.add", "standard_post", standard_post.id, force_id)
    elif any(getattr(standard_post, name) != value for name, value in words.items()):
        for name, value in words.items():
            setattr(standard_post, name, value)
        standard_post.version, standard_post.updated_at = standard_post.version + 1, now()
        audit.record(session, viewer, "standard_posts.change", "standard_post", standard_post.id, force_id)
    return standard_post


async def _with_slug(session: AsyncSession, force_id: UUID, slug: str) -> StandardPost | None:
    row = await session.execute(
        select(StandardPost).where(col(StandardPost.force_id) == force_id, col(StandardPost.slug) == slug)
    )
    return row.scalar_one_or_none()

"""Checking as a force wants it, deciding what it wants, and writing down where the check was wrong."""

import hashlib
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Forbidden, Invalid
from api.core.saving import add_or, change_or
from api.models import PolicyFalseAlarm, PolicyOverride, PolicySettings, Viewer
from api.policy import queries
from api.policy.check import check
from api.policy.rulebook import rules
from api.policy.values import Context, Level, Verdict

TAKEN = "Somebody decided the same in this moment. Look at it again."
KEPT = frozenset({"R01"})
"""Rules of law with their own route: a force may add its words to them, but neither soften them nor leave them out."""


def require_writer(viewer: Viewer) -> None:
    if not (access.may_anywhere(viewer, Action.DRAFT) or access.may_anywhere(viewer, Action.REPLY)):
        raise Forbidden("Your role or your token does not allow writing, so there is nothing to check.")


async def checked(session: AsyncSession, viewer: Viewer, text: str, context: Context) -> Verdict:
    """With the numbers, links, words and rules of the viewer's force."""
    require_writer(viewer)
    row = await queries.settings_row(session, viewer.force_id)
    overrides = await queries.overrides(session, viewer.force_id)
    window = row is not None and _within(row, context)
    return check(text, replace(context, known=queries.known(row), overrides=overrides, election_window=window))


def _within(row: PolicySettings, context: Context) -> bool:
    if row.election_from is None or row.election_until is None:
        return False
    return row.election_from <= context.sends_at < row.election_until


async def change_settings(
    session: AsyncSession, viewer: Viewer, changes: dict[str, Any], version: int | None = None
) -> PolicySettings:
    access.require(viewer, Action.KEEP_RULES, None)
    row = await queries.settings_row(session, viewer.force_id)
    if row is None:
        row = PolicySettings(force_id=viewer.force_id, **changes)
        await add_or(session, row, TAKEN)
    else:
        await change_or(session, row, changes, version, TAKEN)
    audit.record(session, viewer, "policy.settings", "policy_settings", row.id, changed=sorted(changes))
    return row


async def override(session: AsyncSession, viewer: Viewer, rule_id: str, decided: dict[str, Any]) -> PolicyOverride:
    """From now on the rule is as the force has decided; what is law stays as it is."""
    access.require(viewer, Action.KEEP_RULES, None)
    rule = rules().get(rule_id)
    if rule is None:
        raise Invalid(f"There is no rule {rule_id}.", "rule")
    level = decided.get("level")
    if (rule.absolute or rule_id in KEPT) and (decided.get("off") or level not in (None, Level.BLOCK)):
        raise Invalid(f"{rule_id} cannot be softened. You may add your policy's words to it.", "level")
    rows = await session.execute(
        select(PolicyOverride).where(
            col(PolicyOverride.force_id) == viewer.force_id, col(PolicyOverride.rule) == rule_id
        )
    )
    row = rows.scalar_one_or_none()
    if row is None:
        row = PolicyOverride(force_id=viewer.force_id, rule=rule_id, **decided)
        await add_or(session, row, TAKEN)
    else:
        await change_or(session, row, decided, None, TAKEN)
    audit.record(session, viewer, "policy.override", "policy_override", row.id, rule=rule_id)
    return row


async def note_false_alarm(
    session: AsyncSession, viewer: Viewer, rule: str, start: int, end: int, words: str, note: str = ""
) -> PolicyFalseAlarm:
    """The words themselves are not kept: they may be what should never have been written down."""
    require_writer(viewer)
    if rule not in rules():
        raise Invalid(f"There is no rule {rule}.", "rule")
    if end < start:
        raise Invalid("The end lies before the start.", "end")
    row = PolicyFalseAlarm(
        force_id=viewer.force_id, person_id=viewer.person_id, rule=rule, start=start, end=end,
        digest=digest(viewer, words), note=note, created_at=now(),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(session, viewer, "policy.false_alarm", "policy_false_alarm", row.id, rule=rule)
    return row


def digest(viewer: Viewer, words: str) -> str:
    """The same words give the same digest within a force, so that who keeps the rules sees what comes back."""
    return hashlib.blake2b(words.casefold().encode(), digest_size=12, key=viewer.force_id.bytes).hexdigest()

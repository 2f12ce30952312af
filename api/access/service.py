"""Who may do what: a role in a team (or in the whole force) allows actions; a token's scopes may only narrow them."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, or_

from api.core.errors import Forbidden
from api.models import Role, Viewer


class Action(StrEnum):
    """What can be done. The value is what the audit says."""

    SEE_POSTS = "posts.see"
    DRAFT = "posts.draft"
    PUBLISH = "posts.publish"
    SEE_PUBLIC = "conversations.see"
    SEE_DIRECT = "conversations.see_direct"
    REPLY = "conversations.reply"
    NOTE = "conversations.note"
    SEE_DELETED = "messages.see_deleted"
    SEE_PRIORITIES = "priorities.see"
    ANSWER = "priorities.record_answer"
    ADOPT = "priorities.adopt"
    SEE_ACCOUNTS = "accounts.see"
    CONNECT = "accounts.connect"
    SEE_ALERTS = "alerts.see"
    MARK_ALERTS = "alerts.seen"
    SEE_PEOPLE = "people.see"
    MANAGE_PEOPLE = "people.manage"
    MANAGE_WEBHOOKS = "webhooks.manage"
    KEEP_RULES = "policy.keep"


_SEE = frozenset(
    {Action.SEE_POSTS, Action.SEE_PUBLIC, Action.SEE_PRIORITIES, Action.SEE_ACCOUNTS, Action.SEE_PEOPLE}
    | {Action.SEE_ALERTS}
)
_TALK = frozenset({Action.SEE_DIRECT, Action.REPLY, Action.NOTE})
_MEMBER = _SEE | _TALK | {Action.DRAFT, Action.PUBLISH, Action.ANSWER, Action.ADOPT, Action.MARK_ALERTS}

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.CONTRIBUTOR: _SEE | {Action.DRAFT, Action.ANSWER},
    Role.TEAM_MEMBER: _MEMBER,
    Role.SUPERVISOR: _MEMBER,
    Role.COMMS: _MEMBER | {Action.CONNECT, Action.KEEP_RULES},
    Role.CONTACT_DESK: _SEE | _TALK | {Action.MARK_ALERTS},
    Role.RECORDS: _SEE | {Action.SEE_DIRECT, Action.SEE_DELETED},
    Role.ADMIN: frozenset(
        {Action.SEE_POSTS, Action.SEE_PRIORITIES, Action.SEE_ACCOUNTS, Action.SEE_PEOPLE}
        | {Action.CONNECT, Action.MANAGE_PEOPLE, Action.SEE_ALERTS, Action.MARK_ALERTS, Action.MANAGE_WEBHOOKS}
        | {Action.KEEP_RULES}
    ),
}

SCOPES: dict[str, tuple[str, frozenset[Action]]] = {
    "posts:read": ("Read posts, schedules and deliveries", frozenset({Action.SEE_POSTS})),
    "posts:write": ("Write and change drafts", frozenset({Action.SEE_POSTS, Action.DRAFT})),
    "posts:publish": (
        "Publish in the name of the token's person: their standing answer to the journalist question",
        frozenset({Action.SEE_POSTS, Action.DRAFT, Action.PUBLISH}),
    ),
    "inbox:read": (
        "Read conversations, private ones too where the person may",
        frozenset({Action.SEE_PUBLIC, Action.SEE_DIRECT, Action.SEE_DELETED}),
    ),
    "inbox:write": (
        "Reply, note, assign, close and reopen",
        frozenset({Action.SEE_PUBLIC, Action.SEE_DIRECT, Action.REPLY, Action.NOTE}),
    ),
    "priorities:read": ("Read questions, answers and priorities", frozenset({Action.SEE_PRIORITIES})),
    "priorities:write": (
        "Ask, record answers, adopt priorities and write updates",
        frozenset({Action.SEE_PRIORITIES, Action.ANSWER, Action.ADOPT}),
    ),
    "accounts:read": ("Read accounts and their health", frozenset({Action.SEE_ACCOUNTS})),
    "accounts:write": ("Connect accounts", frozenset({Action.SEE_ACCOUNTS, Action.CONNECT})),
    "alerts:read": ("Read alerts", frozenset({Action.SEE_ALERTS})),
    "alerts:write": ("Mark alerts as seen", frozenset({Action.SEE_ALERTS, Action.MARK_ALERTS})),
    "webhooks:write": ("Register addresses that are told of alerts", frozenset({Action.MANAGE_WEBHOOKS})),
    "people:read": ("Read teams, neighbourhoods and people", frozenset({Action.SEE_PEOPLE})),
    "people:write": ("Add people and give roles", frozenset({Action.SEE_PEOPLE, Action.MANAGE_PEOPLE})),
    "policy:write": ("Keep the rules of the check before publishing", frozenset({Action.KEEP_RULES})),
}


def may(viewer: Viewer, action: Action, team_id: UUID | None) -> bool:
    """`team_id` None: something of the whole force, which only whole-force roles reach."""
    if viewer.scopes is not None and not any(action in SCOPES[scope][1] for scope in viewer.scopes if scope in SCOPES):
        return False
    return any(action in ALLOWED[role] for role in viewer.roles_in(team_id))


def may_anywhere(viewer: Viewer, action: Action) -> bool:
    return any(may(viewer, action, team) for _, team in viewer.roles)


def require(viewer: Viewer, action: Action, team_id: UUID | None) -> None:
    if not may(viewer, action, team_id):
        raise Forbidden("Your role or your token does not allow that here. Ask a supervisor or an administrator.")


def require_anywhere(viewer: Viewer, action: Action) -> None:
    """For lists: an empty one would hide that the token's scope is what is missing."""
    if not may_anywhere(viewer, action):
        raise Forbidden("Your role or your token does not allow that. Ask a supervisor or an administrator.")


def within(
    viewer: Viewer, action: Action, force: SQLColumnExpression[UUID], team: SQLColumnExpression[UUID | None]
) -> ColumnElement[bool]:
    """The rows of a table that a viewer may do this with: their force, and the teams where a role allows it."""
    if may(viewer, action, None):
        return force == viewer.force_id
    teams = [team_id for team_id in viewer.team_ids if may(viewer, action, team_id)]
    return and_(force == viewer.force_id, or_(*(team == team_id for team_id in teams))) if teams else false()

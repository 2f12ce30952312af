"""Every table. Importing this module fills SQLModel.metadata."""

from sqlmodel import SQLModel

from api.models.accounts import (
    Account,
    AccountPerson,
    AccountState,
    Connection,
    ConnectionState,
    PlatformApp,
    Secret,
    SecretKind,
)
from api.models.alerts import Alert, AlertKind, AlertMessage, MessageChannel, MessageEvent, MessageState, Webhook
from api.models.audit import AuditEntry
from api.models.buckets import Bucket
from api.models.errands import Errand, ErrandKind, ErrandState
from api.models.forces import Force, Neighbourhood, Team
from api.models.inbox import (
    Arrival,
    Conversation,
    ConversationKind,
    ConversationState,
    Cursor,
    Message,
    MessageVersion,
    Note,
    Reading,
)
from api.models.library import StandardPost
from api.models.media import Media, MediaKind, PostMedia
from api.models.people import (
    ApiToken,
    IdempotencyKey,
    Membership,
    Person,
    Role,
    SetPasswordLink,
    SignIn,
    Throttle,
)
from api.models.policy import PolicyFalseAlarm, PolicyOverride, PolicySettings
from api.models.posts import (
    OPEN,
    Confirmation,
    Delivery,
    DeliveryKind,
    DeliveryState,
    DeliveryVersion,
    Destination,
    Post,
    PostState,
    Schedule,
    ScheduleKind,
    ScheduleState,
    Share,
    ShareHow,
)
from api.models.priorities import (
    Answer,
    AnswerIssue,
    AnswerState,
    Issue,
    Priority,
    PriorityState,
    PriorityUpdate,
    Question,
    QuestionState,
    Source,
    Tally,
)
from api.models.sightings import Sighting, SightingState
from api.models.viewer import Viewer

metadata = SQLModel.metadata

__all__ = [
    "OPEN",
    "Account", "AccountPerson", "AccountState", "Alert", "AlertKind", "AlertMessage", "Answer", "AnswerIssue",
    "AnswerState", "ApiToken", "Arrival", "AuditEntry", "Bucket", "Confirmation", "Connection", "ConnectionState",
    "Conversation", "ConversationKind", "ConversationState", "Cursor", "Delivery", "DeliveryKind", "DeliveryState",
    "DeliveryVersion", "Destination", "Errand", "ErrandKind", "ErrandState", "Force", "IdempotencyKey", "Issue", "Media",
    "MediaKind", "Membership", "Message", "MessageChannel", "MessageEvent", "MessageState", "MessageVersion",
    "Neighbourhood", "Note", "Person", "PlatformApp", "PolicyFalseAlarm", "PolicyOverride",
    "PolicySettings", "Post", "PostMedia", "PostState", "Priority", "PriorityState",
    "PriorityUpdate", "Question", "QuestionState", "Reading", "Role", "Schedule", "ScheduleKind", "ScheduleState",
    "Secret", "SecretKind", "SetPasswordLink", "Share", "ShareHow", "Sighting", "SightingState", "SignIn", "Source", "StandardPost",
    "Tally", "Team", "Throttle", "Viewer", "Webhook", "metadata",
]  # fmt: skip

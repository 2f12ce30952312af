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
from api.models.audit import AuditEntry
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
from api.models.posts import (
    OPEN,
    Confirmation,
    Delivery,
    DeliveryState,
    Destination,
    Post,
    PostState,
    Schedule,
    ScheduleKind,
    ScheduleState,
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
from api.models.viewer import Viewer

metadata = SQLModel.metadata

__all__ = [
    "OPEN",
    "Account", "AccountPerson", "AccountState", "Answer", "AnswerIssue", "AnswerState", "ApiToken", "Arrival",
    "AuditEntry", "Confirmation", "Connection", "ConnectionState", "Conversation", "ConversationKind",
    "ConversationState", "Cursor", "Delivery", "DeliveryState", "Destination", "Force", "IdempotencyKey", "Issue",
    "Membership", "Message", "MessageVersion", "Neighbourhood", "Note", "Person", "PlatformApp", "Post", "PostState",
    "Priority", "PriorityState", "PriorityUpdate", "Question", "QuestionState", "Reading", "Role", "Schedule",
    "ScheduleKind", "ScheduleState", "Secret", "SecretKind", "SetPasswordLink", "SignIn", "Source", "StandardPost",
    "Tally", "Team", "Throttle", "Viewer", "metadata",
]  # fmt: skip

"""A question that is posted, and residents who answer it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import now
from api.core.database import Database
from api.core.runtime import Runtime
from api.models import Account, Conversation, ConversationKind, Message, Post
from api.platforms.values import Visibility
from api.posts.routes import router as posts
from api.priorities import service
from api.priorities.routes import answers, priorities, questions
from tests.support.calling import Caller, calling
from tests.support.factories import Cast, an_account

ROOT = "700"


@pytest.fixture
async def account(runtime: Runtime, cast: Cast) -> Account:
    async with runtime.unit_of_work() as session:
        return await an_account(session, cast.force, cast.team, "north@town.example")


@pytest.fixture
async def call(runtime: Runtime) -> AsyncIterator[Caller]:
    async with calling(runtime, [posts, questions, answers, priorities]) as caller:
        yield caller


@pytest.fixture
async def question(call: Caller, cast: Cast, account: Account) -> dict[str, Any]:
    """Posted from the same screen, still a draft."""
    answer = await call.post(
        cast.alice,
        "/questions",
        {
            "neighbourhood_id": str(cast.neighbourhood.id),
            "text": "What should we work on?",
            "account_ids": [str(account.id)],
        },
    )
    assert answer.status_code == 201, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


@dataclass
class Town:
    """Residents writing under the question's post, as intake and inbox would have written it down."""

    database: Database
    account: Account
    post_id: UUID
    _conversations: dict[str, Conversation]
    _number: int = 1000

    async def says(self, handle: str, text: str, **more: Any) -> UUID:
        """One message, given to the priorities as the reading job does."""
        async with self.database.write() as session:
            message = await self.writes(session, handle, text, **more)
            await service.take_replies(session, [message])
        return message.id

    async def writes(
        self,
        session: AsyncSession,
        handle: str,
        text: str,
        *,
        under: str = ROOT,
        visibility: Visibility = Visibility.PUBLIC,
        from_us: bool = False,
        about_the_question: bool = True,
    ) -> Message:
        self._number += 1
        key = f"{handle}:{visibility}:{about_the_question}"
        if key not in self._conversations:
            self._conversations[key] = Conversation(
                force_id=self.account.force_id, team_id=self.account.team_id, account_id=self.account.id,
                thread_key=key, root_remote_id=ROOT, contact_remote_id=handle, contact_handle=handle,
                contact_name=handle.partition("@")[0], last_message_at=now(),
                post_id=self.post_id if about_the_question else None,
                kind=ConversationKind.DIRECT if visibility is Visibility.DIRECT else ConversationKind.PUBLIC,
            )  # fmt: skip
            session.add(self._conversations[key])
            await session.flush()
        message = Message(
            force_id=self.account.force_id, account_id=self.account.id, conversation_id=self._conversations[key].id,
            remote_id=str(self._number), from_us=from_us, author_handle=handle, author_name=handle.partition("@")[0],
            text=text, visibility=visibility, in_reply_to=under, occurred_at=now(), received_at=now(),
            sort_at=now(), keep_until=now(),
        )  # fmt: skip
        session.add(message)
        await session.flush()
        return message


@pytest.fixture
async def town(database: Database, account: Account, question: dict[str, Any]) -> Town:
    async with database.read() as session:
        post = await session.get_one(Post, UUID(question["post_ids"][0]))
    return Town(database, account, post.id, {})

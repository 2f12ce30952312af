"""The rows of a burst: a force, accounts with their tokens, and deliveries that are all due at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlmodel import col

from api.core.clock import now
from api.core.database import Database
from api.core.ids import new_id
from api.core.sealing import Sealer
from api.models import Account, AccountState, Delivery, DeliveryState, Secret, SecretKind
from api.platforms.values import Platform, Visibility
from benchmarks.burst.result import EACH
from tests.support.factories import Cast, a_cast

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Rows:
    """A force whose accounts are used for one burst after another."""

    database: Database
    cast: Cast
    accounts: Sequence[UUID]

    @staticmethod
    async def made(database: Database, sealer: Sealer, instance: str, posts: int) -> "Rows":
        async with database.write() as session:
            cast = await a_cast(session)
            accounts = [new_id() for _ in range(max(1, posts // EACH))]
            common = {"created_at": now(), "updated_at": now(), "version": 1, "force_id": cast.force.id}
            await session.execute(
                insert(Account),
                [
                    common | {
                        "id": each, "team_id": cast.team.id, "platform": Platform.MASTODON, "instance": instance,
                        "remote_id": each.hex, "handle": each.hex, "name": "Team", "state": AccountState.ACTIVE,
                        "limits": {}, "practice": True, "next_poll_at": now() + timedelta(days=1),
                    }
                    for each in accounts
                ],
            )  # fmt: skip
            await session.execute(insert(Secret), [_secret(each, sealer) for each in accounts])
        return Rows(database, cast, accounts)

    async def due(self, posts: int, due: datetime, state: DeliveryState = DeliveryState.QUEUED) -> None:
        common = {
            "created_at": now(), "updated_at": now(), "version": 1, "force_id": self.cast.force.id,
            "team_id": self.cast.team.id, "visibility": Visibility.PUBLIC, "state": state, "due_at": due,
            "not_before": due, "useful_until": due + timedelta(hours=2),
        }  # fmt: skip
        rows = [
            common | {"id": new_id(), "account_id": self.accounts[number // EACH], "text": f"Post number {number}"}
            for number in range(posts)
        ]
        async with self.database.write() as session:
            connection = await session.connection()
            for at in range(0, posts, AT_ONCE):
                await connection.execute(insert(Delivery.__table__), rows[at : at + AT_ONCE])  # type: ignore[attr-defined]

    async def not_sent(self) -> int:
        async with self.database.read() as session:
            rows = await session.execute(select(func.count()).where(col(Delivery.state) != DeliveryState.SENT))
            return int(rows.scalar_one())

    async def lateness(self, due: datetime) -> list[float]:
        async with self.database.read() as session:
            rows = await session.execute(select(col(Delivery.lateness_ms)).where(col(Delivery.due_at) == due))
            return sorted(float(late) for late in rows.scalars() if late is not None)

    async def clear(self) -> None:
        async with self.database.write() as session:
            await session.execute(delete(Delivery))


def _secret(account: UUID, sealer: Sealer) -> dict[str, object]:
    box = sealer.seal(f"token-{account.hex}".encode())
    return {
        "id": new_id(), "created_at": now(), "holder_id": account, "kind": SecretKind.ACCESS_TOKEN,
        "key_id": box.key_id, "box": box.box,
    }  # fmt: skip

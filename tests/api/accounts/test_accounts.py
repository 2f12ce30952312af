"""Who sees an account, who may write as it, and what is written down about it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import queries, secrets, service
from api.accounts.schemas import RegisterPatch
from api.core.clock import Clock, now
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.core.sealing import Sealed
from api.core.settings import Settings
from api.models import Account, AccountState, SecretKind
from api.platforms.values import Identity, Limits, Platform
from tests.support.factories import Cast, an_account

US = Identity("1", "sandfordnorth@town.example", "Sandford North", "https://town.example/@sandfordnorth")
TOKEN = Sealed("key", b"box")


async def connected(session: AsyncSession, cast: Cast, **changes: object) -> Account:
    wanted = {"force_id": cast.force.id, "team_id": cast.team.id, "practice": True} | changes
    return await service.add_account(
        session, cast.ellie, platform=Platform.MASTODON, instance="https://town.example", identity=US,
        limits=Limits(max_length=600), sealed_token=TOKEN, **wanted,  # type: ignore[arg-type]
    )  # fmt: skip


async def test_a_team_sees_its_accounts_and_a_stranger_none(session: AsyncSession, cast: Cast) -> None:
    ours, force_own = await connected(session, cast), await an_account(session, cast.force)
    theirs = await an_account(session, cast.force, cast.other_team)
    assert await queries.accounts(session, cast.alice) == [ours]
    assert {each.id for each in await queries.accounts(session, cast.ellie)} == {ours.id, force_own.id, theirs.id}
    assert await queries.accounts(session, cast.ellie, cast.team.id) == [force_own, ours]
    for stranger in cast.strangers():
        assert await queries.accounts(session, stranger) == []
        with pytest.raises(NotFound):
            await queries.get_account(session, stranger, ours.id)


async def test_somebody_writes_as_an_account_when_their_role_and_its_list_allow_it(
    session: AsyncSession, cast: Cast
) -> None:
    account = await connected(session, cast)
    assert await queries.writable(session, cast.alice, cast.team.id) == [account]
    assert await queries.writable(session, cast.moira, cast.team.id) == []
    await service.update_register(session, cast.ellie, account.id, RegisterPatch(people=[cast.bob.person_id]), 1)
    assert await queries.writable(session, cast.alice, cast.team.id) == []
    assert await queries.writable(session, cast.bob, cast.team.id) == [account]
    with pytest.raises(Forbidden, match="Only the people listed"):
        await queries.require_writable(session, cast.alice, account)
    with pytest.raises(Forbidden):
        await queries.require_writable(session, cast.charlie, account)


async def test_a_real_account_is_not_written_as_without_a_second_step(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast, practice=False)
    alice = replace(cast.alice, second_factor=False)
    with pytest.raises(Forbidden, match="second step"):
        await queries.require_writable(session, alice, account)
    assert await queries.writable(session, alice, cast.team.id) == []
    await queries.require_writable(session, cast.alice, account)


async def test_an_account_that_lost_its_connection_is_a_conflict_with_words(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast)
    account.state = AccountState.NEEDS_RECONNECT
    with pytest.raises(Conflict, match="Connect it again"):
        await queries.require_writable(session, cast.alice, account)


async def test_connecting_the_same_account_again_keeps_it(session: AsyncSession, cast: Cast) -> None:
    first = await connected(session, cast)
    first.state, first.owner_id = AccountState.NEEDS_RECONNECT, cast.nadia.person_id
    second = await connected(session, cast)
    assert (second.id, second.state, second.owner_id) == (first.id, AccountState.ACTIVE, cast.nadia.person_id)
    assert queries.limits_of(second).max_length == 600
    assert await secrets.get(session, second.id, SecretKind.ACCESS_TOKEN) is not None


async def test_an_account_does_not_change_hands_by_being_connected_again(session: AsyncSession, cast: Cast) -> None:
    await connected(session, cast)
    with pytest.raises(service.AlreadyElsewhere):
        await connected(session, cast, force_id=cast.wexley.id, team_id=cast.wexley_team.id)
    with pytest.raises(service.AlreadyElsewhere):
        await connected(session, cast, team_id=cast.other_team.id)


async def test_an_account_that_was_let_go_can_move_to_another_team(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast)
    await service.disconnect(session, cast.ellie, account.id)
    moved = await connected(session, cast, team_id=cast.other_team.id)
    assert (moved.id, moved.team_id, moved.state) == (account.id, cast.other_team.id, AccountState.ACTIVE)


async def test_the_register_is_changed_by_one_person_at_a_time(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast)
    await service.update_register(
        session, cast.sam, account.id, RegisterPatch(recovery_address="press@sandfordvale.example"), 1
    )
    with pytest.raises(Stale):
        await service.update_register(session, cast.ellie, account.id, RegisterPatch(when_owner_leaves="Sam"), 1)
    assert (account.recovery_address, account.when_owner_leaves) == ("press@sandfordvale.example", "")


async def test_the_register_names_colleagues_only(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast)
    for patch in (RegisterPatch(owner_id=cast.charlie.person_id), RegisterPatch(people=[uuid4()])):
        with pytest.raises(Invalid):
            await service.update_register(session, cast.ellie, account.id, patch, None)
    with pytest.raises(Forbidden):
        await service.update_register(session, cast.alice, account.id, RegisterPatch(), None)
    with pytest.raises(NotFound):
        await service.update_register(session, cast.ivy, account.id, RegisterPatch(), None)


async def test_health_says_it_when_a_feed_has_stopped(
    session: AsyncSession, cast: Cast, settings: Settings, moved_clock: Clock
) -> None:
    account = await connected(session, cast)
    assert queries.health(account, settings).state == "late"
    account.last_poll_at = now()
    assert queries.health(account, settings).state == "live"
    assert await queries.worst_health(session, cast.alice, settings) is None
    moved_clock.pass_time(seconds=90)
    assert queries.health(account, settings).words == "Last read 1 minute ago."
    moved_clock.pass_time(hours=5)
    worst = await queries.worst_health(session, cast.alice, settings)
    assert worst is not None
    assert worst[1].words == "Not read for 5 hours: messages may be waiting that nobody sees."
    assert await queries.worst_health(session, cast.charlie, settings) is None


async def test_an_account_that_was_let_go_is_off_and_not_an_alarm(
    session: AsyncSession, cast: Cast, settings: Settings
) -> None:
    account = await connected(session, cast)
    account.last_poll_at = now() - timedelta(days=9)
    await service.disconnect(session, cast.ellie, account.id)
    await service.disconnect(session, cast.ellie, account.id)
    assert queries.health(account, settings).state == "off"
    assert await queries.worst_health(session, cast.ellie, settings) is None


async def test_a_box_is_taken_once_and_replaced_not_doubled(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast)
    await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, Sealed("new", b"other"))
    taken = await secrets.take(session, account.id, SecretKind.ACCESS_TOKEN)
    assert taken is not None
    assert (taken.key_id, taken.box) == ("new", b"other")
    assert await secrets.take(session, account.id, SecretKind.ACCESS_TOKEN) is None


async def test_what_was_put_in_the_place_of_a_box_is_not_forgotten_or_resealed_with_it(
    session: AsyncSession, cast: Cast
) -> None:
    account = await connected(session, cast)
    old = await secrets.get(session, account.id, SecretKind.ACCESS_TOKEN)
    assert old is not None
    session.expunge(old)
    await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, Sealed("new", b"other"))
    await secrets.reseal(session, old, Sealed("newer", b"stale"))
    await secrets.forget(session, old)
    kept = await secrets.get(session, account.id, SecretKind.ACCESS_TOKEN)
    assert kept is not None
    await session.refresh(kept)
    assert (kept.key_id, kept.box) == ("new", b"other")


async def test_a_contributor_has_accounts_to_propose_for(session: AsyncSession, cast: Cast) -> None:
    account = await connected(session, cast)
    assert await queries.writable(session, cast.lottie, cast.team.id) == [account]
    await queries.require_writable(session, cast.dev, account)

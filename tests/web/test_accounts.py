"""Accounts as pages: the register, the way to a new one and back, letting go; and who sees none of it."""

import pytest
from sqlalchemy import select

from api.accounts import service as accounts
from api.core.runtime import Runtime
from api.models import Account, AccountState, Connection, ConnectionState, Secret, SecretKind
from tests.support.factories import Cast, an_account
from tests.support.reader import Reader
from tests.web.conftest import Sits
from workers.vault import Vault

KEEP = "Keep the register"


@pytest.fixture
async def ellie(sits: Sits, cast: Cast, account: Account) -> Reader:
    return await sits(cast.ellie)


async def the(runtime: Runtime, account: Account) -> Account:
    async with runtime.read() as session:
        return await session.get_one(Account, account.id)


async def the_connection(runtime: Runtime) -> Connection:
    async with runtime.read() as session:
        return (await session.execute(select(Connection))).scalar_one()


async def ready(runtime: Runtime, connection: Connection, state: str = "state") -> None:
    """As a worker leaves it once the server knows us."""
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Connection, connection.id)
        row.state, row.state_hash = ConnectionState.READY, accounts.hash_of(state)
        row.authorize_url = "https://town.example/oauth/authorize?state=state"


async def test_the_list_says_how_each_account_is_and_who_answers_for_it(
    ellie: Reader, cast: Cast, runtime: Runtime
) -> None:
    async with runtime.unit_of_work() as session:
        lost = await an_account(session, cast.force, None, practice=False)
        lost.state, lost.state_reason = AccountState.NEEDS_RECONNECT, "The platform no longer accepts us."
    page = await ellie.open("/accounts")
    assert "2 accounts. 1 live, 1 needs a look" in page.words
    assert "Nothing comes in from" in page.words
    assert "The platform no longer accepts us." in page.words
    assert "Nobody yet" in page.words
    assert "Everybody whose role allows it" in page.words
    assert "Connect it again" in page.links


async def test_the_register_is_kept_and_limits_who_writes(ellie: Reader, cast: Cast, runtime: Runtime, account) -> None:
    await ellie.open(f"/accounts/{account.id}")
    page = await ellie.press(
        KEEP,
        owner_id=str(cast.ellie.person_id),
        recovery_address="comms-keys@sandfordvale.example",
        when_owner_leaves="Sam takes it over.",
        people=[str(cast.alice.person_id)],
    )
    assert "The register is kept." in page.words
    kept = await the(runtime, account)
    assert (kept.owner_id, kept.recovery_address) == (cast.ellie.person_id, "comms-keys@sandfordvale.example")
    page = await ellie.open("/accounts")
    assert "PCSO Alice Marsh" in page.words
    page = await ellie.open(f"/accounts/{account.id}")
    page = await ellie.press(KEEP, people=[])
    page = await ellie.open("/accounts")
    assert "PCSO Alice Marsh" not in page.words


async def test_a_register_changed_by_somebody_else_comes_back_with_what_was_typed(ellie: Reader, runtime, account):
    await ellie.open(f"/accounts/{account.id}")
    page = await ellie.press(KEEP, recovery_address="mine@sandfordvale.example", version="99")
    assert ellie.answer.status_code == 422
    assert "Somebody changed this" in page.words
    assert ("recovery_address", "mine@sandfordvale.example") in [f for form in page.forms for f in form.fields]
    assert (await the(runtime, account)).recovery_address == ""


async def test_connecting_waits_goes_over_comes_back_and_seals_the_code(ellie: Reader, cast, runtime: Runtime) -> None:
    runtime.sealer = Vault([bytes(range(32))]).sealer
    await ellie.open("/accounts/connect")
    page = await ellie.press("Go on", team=str(cast.team.id), instance="town.example")
    assert "Introducing us to town.example" in page.words
    connection = await the_connection(runtime)
    await ready(runtime, connection)
    ellie.client.follow_redirects = False
    await ellie.open(f"/accounts/connect/{connection.id}/next")
    assert ellie.answer.headers["location"].startswith("https://town.example/oauth/authorize")
    ellie.client.follow_redirects = True
    page = await ellie.open("/oauth/mastodon/callback?state=state&code=s3cret-code")
    assert "Fetching your account from town.example" in page.words
    async with runtime.read() as session:
        sealed = (await session.execute(select(Secret).where(Secret.kind == SecretKind.CODE))).scalar_one()  # type: ignore[arg-type]
    assert b"s3cret-code" not in sealed.box
    page = await ellie.open("/oauth/mastodon/callback?state=state&code=s3cret-code")
    assert ellie.answer.status_code == 409
    assert "used already" in page.words


async def test_a_no_over_there_is_said_and_changes_nothing(ellie: Reader, cast, runtime: Runtime) -> None:
    await ellie.open("/accounts/connect")
    await ellie.press("Go on", team="force", instance="town.example")
    await ready(runtime, await the_connection(runtime))
    page = await ellie.open("/oauth/mastodon/callback?error=access_denied&state=state")
    assert "This account is not connected" in page.words
    assert "Start again" in page.links


async def test_the_waiting_page_works_without_script_and_stops_when_it_is_over(ellie: Reader, cast, runtime) -> None:
    await ellie.open("/accounts/connect")
    await ellie.press("Go on", team="force", instance="town.example")
    assert 'http-equiv="refresh"' in ellie.answer.text
    async with runtime.unit_of_work() as session:
        row = (await session.execute(select(Connection))).scalar_one()
        row.state, row.error = ConnectionState.FAILED, "There is no server at town.example."
    page = await ellie.open(f"/accounts/connect/{row.id}/next")
    assert "There is no server at town.example." in page.words
    assert 'http-equiv="refresh"' not in ellie.answer.text
    assert "hx-trigger" not in ellie.answer.text.partition("<main")[2].partition("</main>")[0]


async def test_a_server_that_is_none_is_said_beside_its_field(ellie: Reader, cast) -> None:
    await ellie.open("/accounts/connect")
    page = await ellie.press("Go on", team="force", instance="not a server")
    assert ellie.answer.status_code == 422
    assert 'href="#instance"' in ellie.answer.text
    assert ("instance", "not a server") in page.forms[-1].fields or "not a server" in ellie.answer.text


async def test_disconnecting_says_what_happens_and_it_can_be_connected_again(ellie: Reader, runtime, account) -> None:
    page = await ellie.open(f"/accounts/{account.id}")
    assert "nothing goes out or comes in any more" in page.words
    page = await ellie.press("Disconnect Sandford North Police")
    assert (await the(runtime, account)).state is AccountState.DISCONNECTED
    assert "Connect it again" in page.links


async def test_who_may_only_look_is_offered_nothing(sits: Sits, cast: Cast, account: Account) -> None:
    for viewer in (cast.alice, cast.lottie, cast.dev):
        reader = await sits(viewer)
        page = await reader.open("/accounts")
        assert reader.answer.status_code == 200
        assert "Connect an account" not in page.links
        page = await reader.open(f"/accounts/{account.id}")
        assert KEEP not in [b for form in page.forms for b in form.buttons]
        await reader.open("/accounts/connect")
        assert reader.answer.status_code == 403


async def test_charlie_finds_nothing(sits: Sits, cast: Cast, runtime: Runtime, account: Account) -> None:
    charlie, ellie = await sits(cast.charlie), await sits(cast.ellie)
    await ellie.open("/accounts/connect")
    await ellie.press("Go on", team="force", instance="town.example")
    connection = await the_connection(runtime)
    page = await charlie.open("/accounts")
    assert "Sandford North Police" not in page.words
    for address in (f"/accounts/{account.id}", f"/accounts/connect/{connection.id}",
                    f"/accounts/connect/{connection.id}/next"):  # fmt: skip
        await charlie.open(address)
        assert charlie.answer.status_code == 404
    for address in (f"/accounts/{account.id}/register", f"/accounts/{account.id}/disconnect"):
        answer = await charlie.client.post(address, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 404
    assert (await the(runtime, account)).state is AccountState.ACTIVE


async def test_somebody_elses_answer_cannot_be_brought(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    runtime.sealer = Vault([bytes(range(32))]).sealer
    ellie, ivy = await sits(cast.ellie), await sits(cast.ivy)
    await ellie.open("/accounts/connect")
    await ellie.press("Go on", team="force", instance="town.example")
    await ready(runtime, await the_connection(runtime))
    await ivy.open("/oauth/mastodon/callback?state=state&code=s3cret-code")
    assert ivy.answer.status_code == 404


async def test_a_real_account_needs_the_second_step_and_says_so(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    without = type(cast.ellie)(**{
        name: getattr(cast.ellie, name) for name in cast.ellie.__slots__ if name != "second_factor"
    })  # fmt: skip
    reader = await sits(without)
    page = await reader.open("/accounts/connect")
    assert "A real account needs your second step" in page.words
    page = await reader.press("Go on", team="force", instance="town.example")
    assert reader.answer.status_code == 422
    assert "second step" in page.words

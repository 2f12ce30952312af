"""What somebody meets first: the work that waits, whose turn it is to write, what goes out next."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, Answer, AnswerState, Delivery, DeliveryState, Issue, Priority, Question, Source
from tests.support.factories import Cast
from tests.web.conftest import Sits
from tests.web.test_writing import YES
from web.pages.today import first_name
from web.words import for_input


async def a_question(session: AsyncSession, cast: Cast) -> Question:
    question = Question(
        force_id=cast.force.id, team_id=cast.team.id, neighbourhood_id=cast.neighbourhood.id,
        text="What should we work on this winter?", opens_at=now(), asked_by_id=cast.alice.person_id,
    )  # fmt: skip
    session.add(question)
    await session.flush()
    return question


async def test_a_quiet_day_says_so(sits: Sits, cast: Cast, account: Account) -> None:
    page = await (await sits(cast.alice)).open("/")
    assert "Nothing waits for you" in page.words
    assert "Nothing is planned" in page.words
    assert ", Alice" in page.words


async def test_answers_to_confirm_lead_to_their_question(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        question = await a_question(session, cast)
        session.add(
            Answer(
                question_id=question.id, source=Source.ONLINE, state=AnswerState.TO_CONFIRM, text="Speeding",
                answered_at=now(), keep_until=now() + timedelta(days=30),
            )
        )  # fmt: skip
    alice = await sits(cast.alice)
    page = await alice.open("/")
    assert "answer to confirm" in page.words
    assert f"/questions/{question.id}" in page.links.values()


async def test_a_priority_without_news_for_sixty_days_asks_for_an_update(
    sits: Sits, cast: Cast, runtime: Runtime
) -> None:
    async with runtime.unit_of_work() as session:
        for slot, title, days in ((1, "Speeding, Mill Lane", 64), (2, "Noise, Weir Meadow", 21)):
            session.add(
                Priority(
                    force_id=cast.force.id, team_id=cast.team.id, neighbourhood_id=cast.neighbourhood.id,
                    issue=Issue.SPEEDING, title=title, reason="Most said so", slot=slot,
                    adopted_by_id=cast.alice.person_id, adopted_at=now() - timedelta(days=days),
                )
            )  # fmt: skip
    page = await (await sits(cast.alice)).open("/")
    assert page.words.index("64 of 90 days") < page.words.index("21 of 90 days")
    assert page.words.count("Write an update") == 1
    assert "Mill Lane" not in (await (await sits(cast.charlie)).open("/")).words


async def test_a_post_that_went_wrong_leads_to_itself(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    alice = await sits(cast.alice)
    await alice.open("/write")
    await alice.press(YES, text="Bike marking")
    address = alice.answer.url.path
    async with runtime.unit_of_work() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
        delivery.state = DeliveryState.NEEDS_PERSON
    page = await alice.open("/")
    assert "post may be out or not" in page.words
    await alice.follow("post may be out or not")
    assert alice.answer.url.path == address
    page = await alice.press("Send again, in my name", looked="yes")
    assert "It is on its way again." in page.words


async def test_what_goes_out_next_is_named_with_its_time(sits: Sits, cast: Cast, account: Account) -> None:
    alice = await sits(cast.alice)
    await alice.open("/write")
    await alice.press(YES, text="Scam texts", when="on", publish_at=for_input(now() + timedelta(days=1)))
    page = await alice.open("/")
    assert "Scam texts" in page.words
    assert "Next post" in page.words


def test_ranks_are_not_first_names() -> None:
    assert first_name("PCSO Ash Okafor") == "Ash"
    assert first_name("Insp. Tom Hale") == "Tom"
    assert first_name("Ellie Warner") == "Ellie"

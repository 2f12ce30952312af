"""Priorities as pages: from the question to what was done, with the buttons a team presses, and without script."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from api.core.clock import now
from api.core.runtime import Runtime
from api.models import (
    Account,
    Answer,
    AnswerIssue,
    AnswerState,
    Delivery,
    Issue,
    Post,
    Priority,
    Question,
    QuestionState,
    Source,
    Tally,
)
from api.priorities import service
from api.priorities.schemas import AnswerIn, PriorityIn, TallyIn
from tests.support.factories import Cast
from tests.support.reader import Reader
from tests.web.conftest import Sits

YES, UNSURE = "Yes: ask it on the chosen accounts", "Not sure: keep the post as a draft"
ADOPT, NEXT_DOOR, FINISH = "Yes: adopt this priority", "Save, next door", "Finish this meeting"
WORDING = "What should we work on? Name up to three."


@pytest.fixture
async def alice(sits: Sits, cast: Cast, account: Account) -> Reader:
    return await sits(cast.alice)


@pytest.fixture
async def question(cast: Cast, runtime: Runtime) -> Question:
    async with runtime.unit_of_work() as session:
        return await service.ask(session, cast.alice, cast.neighbourhood.id, WORDING)


async def a_reply(runtime: Runtime, question: Question, text: str, *issues: Issue) -> UUID:
    """As the reading job leaves it: to confirm, with what it seems to name."""
    async with runtime.unit_of_work() as session:
        answer = Answer(
            question_id=question.id, source=Source.ONLINE, state=AnswerState.TO_CONFIRM, text=text,
            answered_at=now(), keep_until=now() + timedelta(days=365),
        )  # fmt: skip
        session.add(answer)
        await session.flush()
        session.add_all(AnswerIssue(answer_id=answer.id, issue=issue, suggested=True) for issue in issues)
    return answer.id


async def adopted(runtime: Runtime, cast: Cast, *titles: str) -> list[UUID]:
    async with runtime.unit_of_work() as session:
        return [
            (
                await service.adopt(
                    session, cast.alice,
                    PriorityIn(neighbourhood_id=cast.neighbourhood.id, issue=Issue.NOISE, title=title, reason="Asked."),
                )
            ).id
            for title in titles
        ]  # fmt: skip


async def all_of(runtime: Runtime, model: type) -> list:
    async with runtime.read() as session:
        return list((await session.execute(select(model).order_by(model.id))).scalars())


async def test_yes_opens_the_round_and_sends_its_post_from_the_same_press(alice: Reader, runtime: Runtime) -> None:
    page = await alice.open("/priorities")
    assert "Nobody has been asked yet" in page.words
    await alice.follow("Ask for priorities")
    page = await alice.press(YES, text=WORDING)
    assert "The question is on its way." in page.words
    [question], [post], [delivery] = [await all_of(runtime, model) for model in (Question, Post, Delivery)]
    assert (question.text, post.question_id, delivery.text) == (WORDING, question.id, WORDING)
    assert question.closes_at
    page = await alice.open("/priorities")
    assert "What should we work on?" in page.words


async def test_not_sure_opens_the_round_and_sends_nothing(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/priorities/ask")
    await alice.press(UNSURE, text=WORDING)
    assert await all_of(runtime, Delivery) == []
    assert len(await all_of(runtime, Post)) == 1


async def test_a_round_can_be_opened_without_a_post(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/priorities/ask")
    await alice.press("Open it without a post", text=WORDING)
    assert await all_of(runtime, Post) == []
    assert len(await all_of(runtime, Question)) == 1


async def test_a_mistake_in_the_question_comes_back_with_what_was_typed(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/priorities/ask")
    page = await alice.press(YES, text=WORDING, closes_on="2020-01-01")
    assert alice.answer.status_code == 422
    assert 'href="#closes_on"' in alice.answer.text
    assert ("text", WORDING) in [field for form in page.forms for field in form.fields]
    page = await alice.press(YES, text=WORDING, closes_on="", account_ids=[])
    assert "Choose at least one account" in page.words
    assert await all_of(runtime, Question) == []


async def test_a_reply_is_counted_as_suggested_or_as_changed(alice: Reader, question: Question, runtime) -> None:
    await a_reply(runtime, question, "cars race past the school", Issue.SPEEDING)
    await a_reply(runtime, question, "needles in the park and dogs", Issue.DRUGS)
    page = await alice.open(f"/questions/{question.id}")
    assert "To confirm 2" in page.words
    page = await alice.press("Count it", issues=["drugs", "dogs"])
    assert "To confirm 1" in page.words
    page = await alice.press("Count it")
    assert "Nothing waits to be confirmed" in page.words
    named = {one.issue for one in await all_of(runtime, AnswerIssue)}
    assert named == {Issue.SPEEDING, Issue.DRUGS, Issue.DOGS}
    assert {one.state for one in await all_of(runtime, Answer)} == {AnswerState.CONFIRMED}


async def test_a_fourth_issue_and_none_are_refused_at_the_answer_itself(alice: Reader, question, runtime) -> None:
    answer = await a_reply(runtime, question, "cars", Issue.SPEEDING)
    await alice.open(f"/questions/{question.id}")
    for issues in (["drugs", "dogs", "noise", "parking"], []):
        page = await alice.press("Count it", issues=issues)
        assert "Name one to three issues" in page.words
        assert f'href="#case-{answer}"' in alice.answer.text
    assert (await all_of(runtime, Answer))[0].state is AnswerState.TO_CONFIRM


async def test_a_joke_is_set_aside_and_can_be_put_back_with_one_press(alice: Reader, question, runtime) -> None:
    await a_reply(runtime, question, "lol the goose", Issue.OTHER)
    await alice.open(f"/questions/{question.id}")
    page = await alice.press("Set aside")
    assert "It stays, and does not count." in page.words
    assert (await all_of(runtime, Answer))[0].state is AnswerState.SET_ASIDE
    await alice.press("Put it back and count it")
    assert (await all_of(runtime, Answer))[0].state is AnswerState.CONFIRMED


async def test_a_doorstep_answer_takes_its_issues_and_one_press(alice: Reader, question, runtime: Runtime) -> None:
    await alice.open(f"/questions/{question.id}/record")
    page = await alice.press(NEXT_DOOR)
    assert "Choose one to three issues." in page.words
    page = await alice.press(NEXT_DOOR, issues=["parking", "drugs"], place="Orchard Road", age_band="65+")
    assert "Kept Parking, Drugs" in page.words
    assert "Orchard Road" in page.words
    [answer] = await all_of(runtime, Answer)
    assert (answer.source, answer.place, answer.age_band) == (Source.DOORSTEP, "Orchard Road", "65+")
    page = await alice.press("Take it back")
    assert "It does not count." in page.words
    assert (await all_of(runtime, Answer))[0].state is AnswerState.SET_ASIDE


async def test_plus_and_minus_count_without_script_and_keep_nothing_before_the_end(
    alice: Reader, question: Question, runtime: Runtime
) -> None:
    address = f"/questions/{question.id}/tally"
    await alice.open(address)

    async def tap(name: str, what: str) -> None:
        form = next(one for one in alice.page.forms if FINISH in one.buttons)
        data = {**dict(form.fields), name: what}
        alice._arrive(await alice.client.post(address, data=data, headers={"Sec-Fetch-Site": "same-origin"}))

    for name, what in (("more", "heads"), ("more", "heads"), ("more", "parking"), ("more", "parking"),
                       ("less", "parking"), ("less", "drugs")):  # fmt: skip
        await tap(name, what)
    fields = dict(alice.page.forms[-1].fields) | {k: v for form in alice.page.forms for k, v in form.fields}
    assert (fields["heads"], fields["count-parking"], fields["count-drugs"]) == ("2", "1", "0")
    assert await all_of(runtime, Tally) == []
    page = await alice.press(FINISH, place="Church End Hall")
    assert "The meeting is kept" in page.words
    [tally] = await all_of(runtime, Tally)
    assert (tally.heads, tally.counts, tally.place) == (2, {"parking": 1}, "Church End Hall")


async def test_more_hands_than_heads_are_sent_back_with_every_number_kept(alice: Reader, question, runtime) -> None:
    await alice.open(f"/questions/{question.id}/tally")
    page = await alice.press(FINISH, place="Church End Hall", heads="3", **{"count-parking": "9"})
    assert alice.answer.status_code == 422
    assert "9 hands for one issue, but only 3 heads" in page.words
    assert ("count-parking", "9") in [field for form in page.forms for field in form.fields]
    assert await all_of(runtime, Tally) == []


async def test_the_picture_stands_source_beside_source_and_never_says_percent(
    alice: Reader, cast: Cast, question: Question, runtime: Runtime
) -> None:
    async with runtime.unit_of_work() as session:
        for _ in range(5):
            await service.record_answer(
                session, cast.alice, question.id, AnswerIn(source=Source.DOORSTEP, issues=[Issue.DRUGS])
            )
        await service.record_tally(
            session, cast.alice, question.id,
            TallyIn.model_validate({"counts": {"parking": 9}, "heads": 18, "place": "the hall", "held_on": now().date()}),
        )  # fmt: skip
    await a_reply(runtime, question, "cars", Issue.SPEEDING)
    page = await alice.open(f"/questions/{question.id}/picture")
    assert "Drugs comes first at the door (5 of 5)." in page.words
    assert "Parking comes first at the hall (9 of 18)." in page.words
    assert "1 answer not looked at yet" in page.words
    assert "Schools and less-heard visits Nobody yet" in page.words
    assert "%" not in page.words
    assert "per cent" not in page.words
    assert alice.answer.text.count('role="img"') == 2


async def test_three_are_adopted_with_reasons_and_a_fourth_is_refused_with_words(
    alice: Reader, sits: Sits, cast: Cast, question: Question, runtime: Runtime
) -> None:
    bob = await sits(cast.bob)
    address = f"/questions/{question.id}/decision"
    await alice.open(address)
    page = await alice.press(ADOPT, issue="parking", title="Parking, Mill Lane")
    assert "Write down why: people will ask." in page.words
    assert ("title", "Parking, Mill Lane") in [field for form in page.forms for field in form.fields]
    await bob.open(address)
    for title in ("Speeding", "Noise", "Dogs"):
        page = await alice.press(ADOPT, issue="noise", title=title, reason="Many asked.")
        assert "Adopted." in page.words
    assert "Three is the most" in page.words
    assert ADOPT not in [b for form in page.forms for b in form.buttons]
    page = await bob.press(ADOPT, issue="drugs", title="Drugs", reason="Mine too.")
    assert bob.answer.status_code == 422
    assert "There are three priorities already: Speeding; Noise; Dogs." in page.words
    assert len(await all_of(runtime, Priority)) == 3


async def test_what_was_done_is_recorded_and_one_press_drafts_the_post(
    alice: Reader, cast: Cast, runtime: Runtime
) -> None:
    [priority] = await adopted(runtime, cast, "Speeding, Mill Lane")
    await alice.open(f"/priorities/{priority}")
    page = await alice.press("Only record it", text="  ")
    assert "Write down what was done." in page.words
    page = await alice.press("Record it and draft the post", text="Stood at the school gates.")
    assert str(alice.answer.url.path).startswith("/write/")
    assert "Here is the draft from your record." in page.words
    [post] = await all_of(runtime, Post)
    assert post.text.startswith("You said: Speeding, Mill Lane. We did: Stood at the school gates.")
    assert await all_of(runtime, Delivery) == []
    page = await alice.open(f"/priorities/{priority}")
    assert "Stood at the school gates." in page.words


@pytest.mark.parametrize(
    ("days", "tone", "words"), [(59, None, "59 days"), (60, "amber", "soon late"), (90, "red", "late")]
)
async def test_the_age_of_the_last_word_is_said_and_coloured(
    alice: Reader, cast: Cast, runtime: Runtime, moved_clock, days: int, tone: str | None, words: str
) -> None:
    [priority] = await adopted(runtime, cast, "Speeding, Mill Lane")
    moved_clock.pass_time(days=days)
    page = await alice.open(f"/priorities/{priority}")
    assert words in page.words
    listed = await alice.open("/priorities")
    assert f"{days} days of 90" in listed.words
    main = alice.answer.text.partition("<main")[2].partition("</main>")[0]
    assert (f'class="clock" data-state="{tone}"' in main) == (tone is not None)
    assert ("Write an update" in listed.words) == (tone is not None)


async def test_an_ended_priority_makes_room(alice: Reader, cast: Cast, question: Question, runtime: Runtime) -> None:
    first, *_ = await adopted(runtime, cast, "Speeding", "Noise", "Dogs")
    await alice.open(f"/priorities/{first}")
    page = await alice.press("End it", came="Fewer fast cars in two counts.")
    assert "Fewer fast cars in two counts." in page.words
    page = await alice.open(f"/questions/{question.id}/decision")
    assert ADOPT in [b for form in page.forms for b in form.buttons]


async def test_a_closed_round_takes_no_more(alice: Reader, question: Question, runtime: Runtime) -> None:
    await alice.open(f"/questions/{question.id}")
    page = await alice.press("Close it now")
    assert "The round is closed." in page.words
    assert (await all_of(runtime, Question))[0].state is QuestionState.CLOSED
    for address in ("record", "tally"):
        page = await alice.open(f"/questions/{question.id}/{address}")
        assert alice.answer.status_code == 409
        assert "Ask a new question." in page.words


async def test_lottie_takes_answers_down_and_decides_nothing(
    sits: Sits, cast: Cast, question: Question, runtime: Runtime
) -> None:
    lottie = await sits(cast.lottie)
    await a_reply(runtime, question, "cars", Issue.SPEEDING)
    [priority] = await adopted(runtime, cast, "Noise")
    await lottie.open(f"/questions/{question.id}")
    await lottie.press("Count it")
    await lottie.open(f"/questions/{question.id}/record")
    await lottie.press(NEXT_DOOR, issues=["drugs"])
    assert {one.state for one in await all_of(runtime, Answer)} == {AnswerState.CONFIRMED}
    page = await lottie.open("/priorities")
    assert "Ask for priorities" not in page.links
    for address in (f"/questions/{question.id}/decision", f"/priorities/{priority}"):
        page = await lottie.open(address)
        buttons = [b for form in page.forms for b in form.buttons]
        assert not {ADOPT, "Only record it", "End it"} & set(buttons)
    await lottie.open("/priorities/ask")
    assert lottie.answer.status_code == 403
    for address, data in (
        (f"/questions/{question.id}/decision", {"issue": "drugs", "reason": "Mine"}),
        (f"/priorities/{priority}/updates", {"text": "Done"}),
        (f"/priorities/{priority}/end", {}),
        (f"/questions/{question.id}/close", {}),
    ):
        answer = await lottie.client.post(address, data=data, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code in (403, 422), address
        assert "does not allow" in answer.text, address
    assert len(await all_of(runtime, Priority)) == 1


async def test_charlie_finds_none_of_it(sits: Sits, cast: Cast, question: Question, runtime: Runtime) -> None:
    charlie = await sits(cast.charlie)
    answer = await a_reply(runtime, question, "cars", Issue.SPEEDING)
    [priority] = await adopted(runtime, cast, "Speeding, Mill Lane")
    page = await charlie.open("/priorities")
    assert "Mill Lane" not in page.words
    base = f"/questions/{question.id}"
    seen = (base, f"{base}/picture", f"{base}/decision", f"{base}/tally", f"{base}/record",
            f"/priorities/{priority}", f"/priorities/ask?neighbourhood={cast.neighbourhood.id}")  # fmt: skip
    for address in seen:
        await charlie.open(address)
        assert charlie.answer.status_code == 404, address
    changed = (
        (f"/answers/{answer}", {"issues": "drugs"}), (f"/answers/{answer}", {"do": "aside"}), (f"{base}/close", {}),
        (f"{base}/record", {"source": "doorstep", "issues": "drugs"}), (f"{base}/record/{answer}/take-back", {"source": "doorstep"}),
        (f"{base}/tally", {"place": "x", "held_on": "2026-01-01", "heads": "2", "count-drugs": "1"}),
        (f"{base}/decision", {"issue": "drugs", "reason": "Mine"}), (f"/priorities/{priority}/updates", {"text": "x"}),
        (f"/priorities/{priority}/end", {}), (f"/priorities/{priority}/draft", {}),
        ("/priorities/ask", {"neighbourhood_id": str(cast.neighbourhood.id), "text": "x", "answer": "offline"}),
    )  # fmt: skip
    for address, data in changed:
        sent = await charlie.client.post(address, data=data, headers={"Sec-Fetch-Site": "same-origin"})
        assert sent.status_code == 404, address
    assert (await all_of(runtime, Answer))[0].state is AnswerState.TO_CONFIRM

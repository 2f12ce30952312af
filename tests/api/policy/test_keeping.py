"""What a force decides about the check, and the false alarms that people note."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import now
from api.core.errors import Forbidden, Invalid
from api.core.runtime import Runtime
from api.policy import queries, service
from api.policy.values import Context, Level
from tests.support.factories import Cast, a_token
from tests.support.rest import a_client, bearing

HARM = "Text my mobile."


async def test_who_keeps_the_rules_decides_and_everybody_of_the_force_is_checked_by_it(
    session: AsyncSession, cast: Cast
) -> None:
    decided = {"level": Level.HOLD, "off": False, "text": "5.2", "link": "", "read_on": date(2026, 11, 2)}
    await service.override(session, cast.ellie, "R35", decided)
    assert (await service.checked(session, cast.alice, HARM, Context(now=now()))).level is Level.HOLD
    assert (await service.checked(session, cast.charlie, HARM, Context(now=now()))).level is Level.WARN
    await service.override(session, cast.ellie, "R35", decided | {"off": True})
    assert (await service.checked(session, cast.alice, HARM, Context(now=now()))).findings == ()


async def test_nobody_else_decides_and_the_law_is_not_softened(session: AsyncSession, cast: Cast) -> None:
    for viewer in (cast.alice, cast.lottie):
        with pytest.raises(Forbidden):
            await service.override(session, viewer, "R35", {"off": True})
    for rule in ("R01", "R26", "R48"):
        with pytest.raises(Invalid, match="cannot be softened"):
            await service.override(session, cast.ellie, rule, {"off": True})
        with pytest.raises(Invalid, match="cannot be softened"):
            await service.override(session, cast.ellie, rule, {"level": Level.WARN})
    with pytest.raises(Invalid, match="no rule"):
        await service.override(session, cast.ellie, "R99", {"off": True})


async def test_settings_are_the_forces_own(session: AsyncSession, cast: Cast) -> None:
    text = "Ring 01632 960118."
    await service.change_settings(session, cast.ellie, {"numbers": ["01632960118"]})
    assert (await service.checked(session, cast.alice, text, Context(now=now()))).findings == ()
    assert (await service.checked(session, cast.charlie, text, Context(now=now()))).level is Level.WARN
    await service.change_settings(session, cast.ellie, {"numbers": []})
    assert (await service.checked(session, cast.alice, text, Context(now=now()))).level is Level.WARN


async def test_inside_an_election_window_more_is_held(session: AsyncSession, cast: Cast) -> None:
    window = {
        "election_from": datetime.fromisoformat("2026-03-20T00:00:00+00:00"),
        "election_until": datetime.fromisoformat("2026-05-08T00:00:00+00:00"),
    }
    await service.change_settings(session, cast.ellie, window)
    inside = Context(now=datetime.fromisoformat("2026-04-01T12:00:00+00:00"))
    assert [each.rule for each in (await service.checked(session, cast.alice, "Have your say.", inside)).findings] == [
        "R30"
    ]


async def test_a_false_alarm_is_listed_for_who_keeps_the_rules_and_nobody_else(
    session: AsyncSession, cast: Cast
) -> None:
    one = await service.note_false_alarm(session, cast.alice, "R02", 0, 17, "James Turner Way", "It is a road.")
    two = await service.note_false_alarm(session, cast.bob, "R02", 5, 22, "james turner way")
    await service.note_false_alarm(session, cast.charlie, "R02", 0, 17, "James Turner Way")
    page = await queries.false_alarms(session, cast.ellie)
    assert [each.id for each in page.items] == [two.id, one.id]
    assert one.digest == two.digest
    assert "Turner" not in str(one.model_dump())
    for viewer in (cast.alice, cast.lottie, cast.charlie):
        with pytest.raises(Forbidden):
            await queries.false_alarms(session, viewer)


async def test_over_rest_a_text_is_checked_and_an_alarm_noted(runtime: Runtime, cast: Cast) -> None:
    token = bearing(await a_token(runtime.database, cast.alice))
    async with a_client(runtime) as client:
        body: dict[str, Any] = {"text": "  Text my mobile.", "kind": "post", "platform": "nextdoor"}
        answer = await client.post("/api/v1/policy/check", json=body, headers=token)
        (finding,) = answer.json()["findings"]
        assert answer.json()["level"] == finding["level"] == "warn"
        assert body["text"][finding["start"] : finding["end"]] == finding["words"] == "Text my mobile"
        rules = (await client.get("/api/v1/policy/rules", headers=token)).json()["items"]
        assert [each["id"] for each in rules][:2] == ["R01", "R02"]
        noted = {"rule": finding["rule"], "start": finding["start"], "end": finding["end"], "words": finding["words"]}
        assert (await client.post("/api/v1/policy/false-alarms", json=noted, headers=token)).status_code == 201
        assert (await client.get("/api/v1/policy/false-alarms", headers=token)).status_code == 403
        keeper = bearing(await a_token(runtime.database, cast.ellie))
        listed = (await client.get("/api/v1/policy/false-alarms", headers=keeper)).json()["items"]
        assert [each["rule"] for each in listed] == ["R35"]


async def test_over_the_limit_of_the_platform_is_a_finding(runtime: Runtime, cast: Cast) -> None:
    token = bearing(await a_token(runtime.database, cast.alice))
    async with a_client(runtime) as client:
        body = {"text": "a " * 200, "platform": "bluesky"}
        answer = await client.post("/api/v1/policy/check", json=body, headers=token)
        assert [each["rule"] for each in answer.json()["findings"]] == ["R46"]

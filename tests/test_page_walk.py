"""Every page and every button, tried with real ids of a team's things by people who may not.

A new screen is walked by itself. If its path names a thing that `tests/support/belongings.py` does not make, or it takes
a form that `tests/support/forms.py` does not know, the walk cannot call it and fails: add what is missing there.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import unified_diff
from itertools import chain, product
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request

from api.core.runtime import Runtime
from api.identity.door import Door
from api.models import Delivery, Viewer
from tests.support.belongings import Belongings, alices, charlies, everything, nothing_changed, rows_of
from tests.support.factories import Cast, count_of
from tests.support.forms import ADDRESSES, FORMS, SPOKEN, filled
from web.main import asgi, create_app
from workers.vault import Vault

FREE = ("/static/", "/healthz", "/readyz")
"""For everybody: nobody's things are in them."""
OPEN_DOORS = {"/sign-in", "/sign-in/code", "/set-password/{link}"}
"""Where people come in: they are nobody before."""
NEEDS_A_SECRET = {"/me/second-step", "/me/second-step/confirm", *OPEN_DOORS}
"""What only works for somebody with a cookie, a code or a link; tried where signing in is."""
PARAMETER = re.compile(r"\{(\w+)\}")
TIME = re.compile(r"<time.*?</time>")
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {},
)
REFUSED = "does not allow that"
"""What a form says that somebody may not send."""

CONTRIBUTOR_MAY = {
    "GET /", "GET /inbox", "GET /inbox/news", "GET /inbox/{conversation_id}", "GET /inbox/{conversation_id}/thread",
    "GET /write", "GET /write/standard", "GET /write/{post_id}",
    "POST /write/pictures", "GET /media/{media_id}/file", "GET /media/{media_id}/small",
    "POST /write", "POST /write/fill", "POST /write/check", "POST /write/{post_id}",
    "POST /write/policy", "POST /write/policy/false-alarm",
    "GET /posts/{post_id}", "GET /posts/{post_id}/deliveries", "POST /posts/{post_id}/cancel", "GET /calendar",
    "GET /share/{post_id}", "POST /share/{post_id}",
    "GET /priorities", "GET /priorities/{priority_id}", "POST /priorities/{priority_id}/draft",
    "GET /questions/{question_id}", "GET /questions/{question_id}/picture", "GET /questions/{question_id}/decision",
    "GET /questions/{question_id}/tally", "POST /questions/{question_id}/tally",
    "GET /questions/{question_id}/record", "POST /questions/{question_id}/record",
    "POST /questions/{question_id}/record/{answer_id}/take-back", "POST /answers/{answer_id}",
    "GET /accounts", "GET /accounts/{account_id}",
    "GET /people", "GET /people/{person_id}", "GET /teams/{team_id}",
    "GET /on-time", "GET /on-time/days.csv", "GET /alerts", "POST /me/mails",
    "GET /me", "GET /me/keys", "POST /me/keys", "POST /sign-out",
}  # fmt: skip
"""All that a contributor's role lets them open and press. Whatever is not in it answers them with a no."""


@dataclass(frozen=True)
class Call:
    """One request to one door. `ids`: every one that it carries; `named`: those in its path."""

    door: str
    method: str
    path: str
    carried: dict[str, Any]
    ids: frozenset[UUID]
    named: frozenset[UUID]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.carried}"


@pytest.fixture
async def things(runtime: Runtime, cast: Cast) -> Belongings:
    return await alices(runtime, cast)


@pytest.fixture
async def door(runtime: Runtime) -> AsyncIterator[Door]:
    door = Door(runtime)
    yield door
    await door.close()


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    """With a key to seal with, so that nothing ends for want of it."""
    runtime.sealer = Vault([bytes(range(32))]).sealer
    return runtime


@asynccontextmanager
async def in_front(runtime: Runtime, door: Door, viewer: Viewer | None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that follows nothing by itself; None: nobody is signed in on it."""

    async def as_them(_: Request) -> Viewer | None:
        return viewer

    transport = httpx.ASGITransport(asgi(create_app(runtime, door, as_them)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


def test_every_door_is_known_to_the_walk(runtime: Runtime, door: Door) -> None:
    doors = dict(_doors(create_app(runtime, door)))
    assert len(doors) > 70
    assert {f"POST {path}" for path in FORMS} | {f"GET {path}" for path in ADDRESSES} <= set(doors)
    assert set(doors) >= CONTRIBUTOR_MAY


async def test_every_form_of_the_walk_is_one_that_works(
    runtime: Runtime, cast: Cast, things: Belongings, door: Door
) -> None:
    """Otherwise a refusal would show nothing. Alice presses first, then who may more."""
    async with (
        in_front(runtime, door, cast.alice) as alice,
        in_front(runtime, door, cast.ellie) as ellie,
        in_front(runtime, door, cast.sam) as sam,
        in_front(runtime, door, cast.moira) as moira,
    ):
        worked = [path for path in FORMS if await _works(path, things, (alice, ellie, sam, moira))]
    assert set(FORMS) - set(worked) - NEEDS_A_SECRET == set()


async def _works(path: str, things: Belongings, people: Sequence[httpx.AsyncClient]) -> bool:
    for client in people:
        answers = [await _send(client, call) for call in _at(f"POST {path}", path, "POST", [things], things)]
        if any(answer.status_code in (200, 303) for answer in answers):
            return True
    return False


@pytest.mark.parametrize("who", ["charlie", "ivy"])
async def test_another_force_finds_nothing_and_changes_nothing(
    runtime: Runtime, cast: Cast, things: Belongings, door: Door, who: str
) -> None:
    alone = await everything(runtime)
    ours = {key for _, key in alone} - rows_of(alone, cast.wexley.id)
    theirs = await charlies(runtime, cast)
    before = await everything(runtime)
    words = [things.open_words, things.private_words, cast.alice.name, "north@town.example", "Mill Lane &amp; Quays"]
    wrong = []
    async with in_front(runtime, door, getattr(cast, who)) as client:
        for call in calls(create_app(runtime, door), things, theirs):
            answer = await _send(client, call)
            if call.named & _all(things) and not _is_a_no(answer, private=False):
                wrong.append(f"{call} answered {answer.status_code}")
            if shown := [each for each in (*map(str, ours), *words) if each in answer.text and each not in _sent(call)]:
                wrong.append(f"{call} shows {shown[:3]}")
    assert not wrong, "\n".join(wrong)
    await nothing_changed(runtime, before, {key for _, key in before} - ours)


async def test_what_is_not_theirs_looks_like_what_never_was(
    runtime: Runtime, cast: Cast, things: Belongings, door: Door
) -> None:
    nothing = things.nothing()
    for viewer, hidden in ((cast.ivy, _all(things)), (cast.lottie, things.private)):
        async with in_front(runtime, door, viewer) as client:
            app = create_app(runtime, door)
            for call, twin in zip(calls(app, things), calls(app, nothing), strict=True):
                if call.named & hidden:
                    here, gone = _said(await _send(client, call), call), _said(await _send(client, twin), twin)
                    assert here == gone, f"{call}: {[*unified_diff(here, gone, n=0, lineterm='')]}"


async def test_a_contributor_reaches_what_is_theirs_and_nothing_else(
    runtime: Runtime, cast: Cast, things: Belongings, door: Door
) -> None:
    before, wrong, allowed = await everything(runtime), [], []
    secrets = (things.private_words, "samp@town.example", *map(str, things.private))
    async with in_front(runtime, door, cast.lottie) as client:
        for call in calls(create_app(runtime, door), things):
            if call.door in CONTRIBUTOR_MAY and not call.ids & things.private:
                allowed.append(call)
                continue
            answer = await _send(client, call)
            if call.door.split(" ")[1] not in OPEN_DOORS and not _is_a_no(
                answer, private=bool(call.ids & things.private)
            ):
                wrong.append(f"{call} answered {answer.status_code}")
        assert not wrong, "\n".join(wrong)
        await nothing_changed(runtime, before, set())
        worked, queued = set(), await count_of(runtime.database, Delivery)
        for call in allowed:
            answer = await _send(client, call)
            worked |= {call.door} if answer.status_code in (200, 303) else set()
            if shown := [each for each in secrets if each in answer.text]:
                wrong.append(f"{call} shows {shown}")
    assert not wrong, "\n".join(wrong)
    assert await count_of(runtime.database, Delivery) == queued, "Something of hers would go out"
    assert CONTRIBUTOR_MAY - worked == set(), "The table says that a contributor may"


@pytest.mark.parametrize("quick", [False, True])
async def test_nobody_is_sent_to_sign_in(runtime: Runtime, things: Belongings, door: Door, quick: bool) -> None:
    before = await everything(runtime)
    headers = OUR_PAGE | ({"HX-Request": "true"} if quick else {})
    async with in_front(runtime, door, None) as client:
        for call in calls(create_app(runtime, door), things):
            if call.door.split(" ")[1] in OPEN_DOORS:
                continue
            answer = await _send(client, call, headers)
            where = answer.headers.get("HX-Redirect" if quick else "Location", "")
            assert (answer.status_code, where[:8]) == (204 if quick else 303, "/sign-in"), str(call)
            assert answer.text == ""
    assert await everything(runtime) == before


async def test_a_press_on_somebody_elses_page_is_refused_everywhere(
    runtime: Runtime, cast: Cast, things: Belongings, door: Door
) -> None:
    before = await everything(runtime)
    for viewer in (cast.alice, cast.sam):
        async with in_front(runtime, door, viewer) as client:
            for call in calls(create_app(runtime, door), things):
                for headers in ELSEWHERE if call.method == "POST" else ():
                    answer = await _send(client, call, headers | {"Cookie": "beatline=theirs"})
                    assert answer.status_code == 403, f"{call} with {headers} answered {answer.status_code}"
    assert await everything(runtime) == before


def _doors(app: FastAPI) -> Iterator[tuple[str, tuple[str, str]]]:
    for route in iter_route_contexts(app.routes):
        if not route.path.startswith(FREE):
            for method in sorted(set(route.methods or ()) - {"HEAD"}):
                yield f"{method} {route.path}", (method, route.path)


def calls(app: FastAPI, ours: Belongings, theirs: Belongings | None = None) -> Iterator[Call]:
    """Each door with each of our things and each form. With `theirs`: also about their thing with ours in the form or
    deeper in the path; what is theirs alone is not called."""
    owners = [ours] if theirs is None else [ours, theirs]
    seen, our_ids = set(), _all(ours)
    for door, (method, path) in _doors(app):
        for call in chain.from_iterable(_at(door, path, method, owners, carries) for carries in owners):
            if str(call) not in seen and (theirs is None or not call.ids or call.ids & our_ids):
                seen.add(str(call))
                yield call


def _at(door: str, path: str, method: str, owners: Sequence[Belongings], carries: Belongings) -> Iterator[Call]:
    if method == "POST":
        assert path in FORMS, f"Say in tests/support/forms.py what a person sends to {path}"
    named = [name for name in PARAMETER.findall(path) if name not in SPOKEN]
    assert set(named) <= set(carries.ids), f"Make a thing called {named} in tests/support/belongings.py"
    forms = FORMS[path] if method == "POST" else ADDRESSES.get(path, ({},))
    choices = [[each for owner in owners for each in owner.ids[name]] for name in named]
    for form, ids in product(forms, product(*choices)):
        in_path, used = dict(zip(named, map(str, ids), strict=True)) | SPOKEN, set(ids)
        carried = filled(form, carries, used)
        where = PARAMETER.sub(lambda match, in_path=in_path: in_path[match[1]], path)  # type: ignore[misc]
        yield Call(door, method, where, carried, frozenset(used), frozenset(ids))


async def _send(client: httpx.AsyncClient, call: Call, headers: dict[str, str] = OUR_PAGE) -> httpx.Response:
    more: dict[str, Any] = {"data": call.carried} if call.method == "POST" else {"params": call.carried}
    answer = await client.request(call.method, call.path, headers=headers, **more)
    assert answer.status_code < 500, f"{call} fell"
    return answer


def _is_a_no(answer: httpx.Response, *, private: bool) -> bool:
    if private:
        return answer.status_code == 404
    return answer.status_code in (403, 404) or (answer.status_code == 422 and REFUSED in answer.text)


def _all(things: Belongings) -> set[UUID]:
    return {each for found in things.ids.values() for each in found}


def _sent(call: Call) -> str:
    return f"{call.path} {call.carried}"


def _said(answer: httpx.Response, call: Call) -> list[str]:
    """What can be told from an answer, line by line, apart from what was asked and when."""
    text = answer.text
    for each in call.ids:
        text = text.replace(str(each), "")
    return [str(answer.status_code), *TIME.sub("", text).splitlines()]

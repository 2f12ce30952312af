"""What the OpenAPI promises is held against what the services answer, with data that is right and that is not.

Each operation meets a force of its own with one of everything, seen by somebody whose roles and scopes allow all.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
import schemathesis
from fastapi import Request
from schemathesis import Case
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode
from starlette.types import ASGIApp

from api.core.database import Database
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.identity.door import Door
from api.main import asgi, create_app
from api.models import Person, Role, Viewer
from tests.support import databases
from tests.support.belongings import Belongings, alices
from tests.support.factories import a_cast, a_role, a_token
from tests.support.rest import bearing
from tests.support.threaded import served
from tests.test_route_walk import LISTED

pytestmark = pytest.mark.slow
SEED = 20261124
EXAMPLES = 10


def negative_data_is_refused(ctx: Any, response: Any, case: Case) -> bool | None:
    """An optional body may be null: FastAPI writes that down in a way that is taken for a fault here."""
    return None if case.body is None else negative_data_rejection(ctx, response, case)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_is_refused,
    unsupported_method,
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("services")
    url = f"sqlite:///{folder / 'beatline.db'}"
    asyncio.run(databases.migrate(url))
    return Settings(data_dir=folder, database_url=url, secret_key="a key for tests only " * 3)


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    @asynccontextmanager
    async def services() -> AsyncIterator[ASGIApp]:
        runtime = Runtime(settings, Database(settings.database))
        door = Door(runtime)

        async def authenticate(request: Request) -> Viewer | None:
            return await door.viewer_by_token(request.headers.get("authorization", "").removeprefix("Bearer "))

        yield asgi(create_app(runtime, authenticate))
        await door.close()
        await runtime.close()

    with served(services) as address:
        yield address


async def a_rich_force(settings: Settings) -> tuple[Belongings, str]:
    """One of everything, and the token of somebody who may do all that can be done with it."""
    runtime = Runtime(settings, Database(settings.database))
    try:
        async with runtime.unit_of_work() as session:
            cast = await a_cast(session)
            alice = await session.get_one(Person, cast.alice.person_id)
            for role in (Role.SUPERVISOR, Role.COMMS, Role.RECORDS, Role.ADMIN):
                await a_role(session, alice, role)
        return await alices(runtime, cast), await a_token(runtime.database, cast.alice)
    finally:
        await runtime.close()


def described() -> Any:
    """The OpenAPI does not depend on an installation: it is known before one is there."""
    generation = GenerationConfig(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], max_examples=EXAMPLES, deterministic=True,
        with_security_parameters=False, database="none", no_shrink=True,
    )  # fmt: skip
    config = SchemathesisConfig(seed=SEED, projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    runtime = Runtime(Settings(), Database("sqlite://"))

    async def nobody(_: Request) -> Viewer | None:
        return None

    return schemathesis.openapi.from_dict(create_app(runtime, nobody).openapi(), config=config)


schema = described()
_forces: dict[str, tuple[Belongings, str]] = {}
_session = requests.Session()


@schema.parametrize()
def test_every_answer_is_one_that_is_documented(case: Case, settings: Settings, address: str) -> None:
    label = case.operation.label
    if label not in _forces:
        _forces[label] = asyncio.run(a_rich_force(settings))
    things, token = _forces[label]
    about_ours(case, things)
    case.call_and_validate(base_url=address, session=_session, headers=bearing(token), checks=CHECKS)


def about_ours(case: Case, things: Belongings) -> None:
    """Ids that were thought up become, three times out of four, those of something that is there."""
    chance = Random(zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode()))
    for sent in (case.path_parameters, case.query):
        for name in sent or ():
            sent[name] = _ours(sent[name], name, things, chance)
    case.body = _ours(case.body, "", things, chance)


def _ours(value: Any, name: str, things: Belongings, chance: Random) -> Any:
    if isinstance(value, dict):
        return {key: _ours(each, key, things, chance) for key, each in value.items()}
    if isinstance(value, list):
        return [_ours(each, LISTED.get(name, name), things, chance) for each in value]
    looks_right = isinstance(value, str) and len(value) == 36 and value.count("-") == 4
    if looks_right and name in things.ids and chance.random() < 0.75:
        return str(chance.choice(things.ids[name]))
    return value

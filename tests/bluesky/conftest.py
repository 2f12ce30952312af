"""Two networks of Bluesky's kind: our own practice sky, and the platform's own servers where they are installed.

Each test is asked of both, so that the practice is as true as the tests are."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.bluesky import Network, missing, practice_network, running_network
from tests.support.bluesky.people import Arrive, Person
from workers.platforms import bluesky
from workers.platforms.http import HttpxCarrier, carry

REFERENCE = pytest.param(
    "reference", marks=[pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]
)


@pytest.fixture(scope="module", params=["practice", REFERENCE])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    running = practice_network if request.param == "practice" else running_network
    with running(tmp_path_factory.mktemp("bluesky")) as network:
        yield network


@pytest.fixture
def reading(network: Network) -> Network:
    if not network.reads:
        pytest.skip("Bluesky's reading half needs BEATLINE_TEST_DATABASE_URL and BEATLINE_TEST_REDIS_URL")
    return network


@pytest.fixture
async def carrier(network: Network) -> AsyncIterator[HttpxCarrier]:
    carrier = HttpxCarrier(frozenset({network.host}), 20, 20)
    yield carrier
    await carrier.aclose()


@pytest.fixture
def arrive(network: Network, carrier: HttpxCarrier) -> Arrive:
    async def somebody(name: str) -> Person:
        who = await asyncio.to_thread(network.somebody, name)
        sign_in = bluesky.sign_in(who.address, who.address.handle, who.app_password)
        return Person(who, await carry(carrier, sign_in), carrier)

    return somebody


@pytest.fixture
async def us(arrive: Arrive) -> Person:
    person: Person = await arrive("sandford")
    return person

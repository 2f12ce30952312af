"""How long a death holds things up, worked out from the settings as they are shipped."""

from pathlib import Path

import pytest

from api.core.runtime import Runtime
from api.core.settings import Settings
from tests.support.stage import Stage
from workers.jobs.send import Dispatcher

TAKEN_OVER_WITHIN = 15.0
"""Seconds, as docs/faults.md promises."""


@pytest.fixture
def shipped(runtime: Runtime, tmp_path: Path) -> Settings:
    """The settings of somebody who set none."""
    usual = {name: field.default for name, field in Settings.model_fields.items()}
    times = ("lease", "look_ahead", "dispatch_interval", "read_back_wait", "request_timeout", "drain")
    runtime.settings = runtime.settings.model_copy(update={name: usual[name] for name in times})
    return runtime.settings


async def test_what_a_killed_worker_held_is_taken_over_in_time(stage: Stage, shipped: Settings) -> None:
    stage.runtime.settings = shipped
    looks_every = await Dispatcher(stage.context)._expire()
    claimed = shipped.lease + looks_every + shipped.dispatch_interval
    assert claimed <= TAKEN_OVER_WITHIN


async def test_what_it_was_sending_is_looked_for_in_time(stage: Stage, shipped: Settings) -> None:
    """One that is there is shown as sent after the first look; one that is not waits for `read_back_wait` too."""
    stage.runtime.settings = shipped
    dispatcher = Dispatcher(stage.context)
    first_look = shipped.lease + await dispatcher._expire() + await dispatcher._reader.step()
    assert first_look <= TAKEN_OVER_WITHIN


async def test_a_living_worker_may_miss_a_renewal_without_losing_what_it_holds(stage: Stage, shipped: Settings) -> None:
    stage.runtime.settings = shipped
    assert 2 * await Dispatcher(stage.context)._renew() < shipped.lease


async def test_nothing_is_sent_again_while_a_server_may_still_be_doing_it(shipped: Settings) -> None:
    """An answer is given up after `request_timeout`; only a list begun `read_back_wait` later decides."""
    assert shipped.read_back_wait > shipped.request_timeout


async def test_being_stopped_leaves_time_for_an_answer(shipped: Settings) -> None:
    assert shipped.drain > shipped.request_timeout

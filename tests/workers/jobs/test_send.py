"""From a queued delivery to what the town holds."""

from api.core.clock import now
from api.models import DeliveryState
from tests.support.stage import Stage, soon


async def test_what_is_due_is_sent_once_and_the_answer_kept(stage: Stage) -> None:
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed at Mill Lane", soon(0.4))
    stage.start()
    sent = await stage.is_in(delivery, DeliveryState.SENT)
    assert stage.town.texts(account.remote_id) == ["Road closed at Mill Lane"]
    assert (sent.remote_id, sent.attempts, sent.error) == ("1000", 1, None)
    assert sent.url == f"https://town.example/@{account.remote_id}/1000"
    assert sent.lateness_ms is not None
    assert sent.lateness_ms >= 0


async def test_nothing_is_sent_early(stage: Stage) -> None:
    accounts = [await stage.account() for _ in range(5)]
    due = soon(0.6)
    for account in accounts:
        await stage.queue(account, "At its time", due)
    stage.start()
    await stage.settled()
    assert all(status.at >= due for status in stage.town.statuses)
    assert max(status.at for status in stage.town.statuses) <= now()

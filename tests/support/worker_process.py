"""Worker processes that can be killed at any moment, forked from one that has everything imported already."""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from api.core import log
from api.core.settings import Settings
from beatline import serving
from tests.support import dying
from tests.support.ending import ended
from workers import main
from workers.queue import SEND

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.support.worker_process"])


def _work(values: Mapping[str, Any], plan: dying.Plan | None = None) -> None:
    if plan is not None:
        dying.prepare(plan)
    log.set_up(os.environ.get("BEATLINE_LOG_LEVEL", "ERROR"), as_json=True)
    serving.run(main.run(Settings(**values), [SEND]))  # on the loop that the product runs on


class WorkerProcess:
    """Started, killed with -9, started again; each time with the same settings."""

    def __init__(self, settings: Settings) -> None:
        self._values = settings.model_dump()
        self._process: ForkServerProcess | None = None

    def start(self, plan: dying.Plan | None = None) -> None:
        """With a plan it dies by itself, where the plan says."""
        self._process = _FORK.Process(target=_work, args=(self._values, plan), daemon=True)
        self._process.start()

    def kill(self) -> None:
        if self._process is not None and self._process.pid and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join(5)

    def megabytes(self) -> float:
        """What it holds in memory of its own and shared."""
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def died(self, within: float) -> bool:
        """Whether it was killed, by itself or by somebody, before the time was over."""
        assert self._process is not None
        code = await ended(self._process, within)
        assert code in (None, -signal.SIGKILL), f"It ended with {code}."
        return code is not None

    async def stop(self) -> int | None:
        """As an orchestrator does: SIGTERM, then wait."""
        assert self._process is not None
        self._process.terminate()
        return await ended(self._process, 25)

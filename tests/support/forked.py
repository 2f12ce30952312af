"""Commands of beatline from a process that has everything imported already: as typed, without two seconds each."""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from beatline.__main__ import main
from tests.support.ending import ended
from tests.support.town import ROOT

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.support.forked", "tests.support.worker_process"])


def _run(command: tuple[str, ...], env: Mapping[str, str], folder: Path) -> None:
    """In a fresh fork: argv, environment, standard streams, and no more that differs from a terminal."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    for number, name, mode in ((0, "given", os.O_RDONLY), (1, "printed", os.O_WRONLY), (2, "said", os.O_WRONLY)):
        os.dup2(os.open(folder / name, mode), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    sys.argv = ["beatline", *command]
    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


async def beatline(command: tuple[str, ...], env: Mapping[str, str], given: str) -> tuple[int, str, str]:
    """Exit code, what it printed, what it complained about."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "given").write_text(given)
        (folder / "printed").touch()
        (folder / "said").touch()
        process = _FORK.Process(target=_run, args=(command, dict(env), folder), daemon=True)
        process.start()
        code = await ended(process, 60)
        if code is None:
            process.kill()
            code = 124
        return code, (folder / "printed").read_text(), (folder / "said").read_text()

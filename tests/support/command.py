"""The command line as people use it: processes, what they print, how they end."""

import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from beatline.__main__ import main
from tests.support.town import ROOT, free_port


def environment(**more: str) -> dict[str, str]:
    """Nothing of the machine's own Beatline settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BEATLINE_")}
    return plain | {"PYTHONPATH": str(ROOT)} | more


def beatline(
    *arguments: object, given: str = "", cwd: Path = ROOT, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beatline", *map(str, arguments)],
        input=given, capture_output=True, text=True, timeout=60, env=environment(**settings), cwd=cwd,
    )  # fmt: skip


def told(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """The same within this process: what it says and how it ends, without the seconds that a start takes."""
    said, complained, words = io.StringIO(), io.StringIO(), [str(each) for each in arguments]
    before, code = (sys.argv, sys.stdin), 0
    sys.argv, sys.stdin = ["beatline", *words], io.StringIO(given)
    try:
        with redirect_stdout(said), redirect_stderr(complained):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv, sys.stdin = before
    return subprocess.CompletedProcess(words, code, said.getvalue(), complained.getvalue())


class Running:
    """A command that goes on until it is told to stop."""

    def __init__(self, *arguments: object, **settings: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "beatline", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**settings), cwd=ROOT,
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, begins: str, within: float = 40) -> str:
        end = time.monotonic() + within
        while True:
            line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, f"It ended: {self.process.stderr.read() if self.process.stderr else ''}"
            if line.startswith(begins):
                return line

    def stop(self, number: signal.Signals = signal.SIGINT, within: float = 10) -> tuple[int, float]:
        """The exit code, and the seconds that stopping took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(within)
        return code, time.monotonic() - begun

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Demo(Running):
    """beatline demo on ports of its own."""

    def __init__(self, data: Path, *options: object, port: int = 0, town_port: int = 0) -> None:
        self.data, self.port, self.town_port = data, port or free_port(), town_port or free_port()
        super().__init__("demo", "--data", data, "--port", self.port, "--town-port", self.town_port, *options)

    def ready(self) -> str:
        """The last line of its welcome."""
        return self.line("Open ")

    @property
    def written(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.data / "demo.json").read_text())
        return read


def child_of(parent: int) -> int:
    """The town's process."""
    return int(Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])


def is_running(process: int) -> bool:
    """A zombie has stopped running; nobody has collected it yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

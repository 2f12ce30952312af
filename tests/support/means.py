"""What this machine offers to test with, and what is left out for want of it."""

import fcntl
import os
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

DATABASE_URL = os.environ.get("BEATLINE_TEST_DATABASE_URL", "")
REDIS_URL = os.environ.get("BEATLINE_TEST_REDIS_URL", "")
REQUIRE_ALL = os.environ.get("BEATLINE_TEST_REQUIRE_ALL", "") == "1"

DATABASES = ["sqlite", "postgresql"] if DATABASE_URL else ["sqlite"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
CADDY = shutil.which("caddy") or ""
CACHE = Path(__file__).parents[2] / ".cache"
HTMX = "4.0.1"
AXE = "4.14.1"


@cache
def npm_package(name: str, version: str) -> Path | None:
    """A package's folder under .cache, fetched once; None where there is no npm or no way to it."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # several test processes may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _fetched(name, version)


def _fetched(name: str, version: str) -> Path | None:
    folder = CACHE / f"{name}-{version}"
    if (folder / "package").is_dir():
        return folder / "package"
    npm = shutil.which("npm")
    if not npm:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(
        [npm, "pack", "--silent", f"{name}@{version}"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    if packed.returncode:
        return None
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def left_out() -> list[str]:
    """One line for each thing that is not tried here, with its reason."""
    lines = []
    if not DATABASE_URL:
        lines.append("Left out: PostgreSQL, because BEATLINE_TEST_DATABASE_URL is not set.")
    if not REDIS_URL:
        lines.append("Left out: Redis, because BEATLINE_TEST_REDIS_URL is not set.")
    if not CHROMIUM:
        lines.append("Left out: the browser, because no Chromium was found.")
    elif not npm_package("htmx.org", HTMX):
        lines.append(f"Left out: the browser, because htmx.org {HTMX} could not be fetched with npm.")
    elif not npm_package("axe-core", AXE):
        lines.append(f"Left out: the rules of WCAG, because axe-core {AXE} could not be fetched with npm.")
    if not CADDY:
        lines.append("Left out: the gateway, because no Caddy was found.")
    return lines


def browser_missing() -> bool:
    return not CHROMIUM or npm_package("htmx.org", HTMX) is None

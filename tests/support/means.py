"""What this machine offers to test with, and what is left out for want of it."""

import os

DATABASE_URL = os.environ.get("BEATLINE_TEST_DATABASE_URL", "")
REDIS_URL = os.environ.get("BEATLINE_TEST_REDIS_URL", "")
REQUIRE_ALL = os.environ.get("BEATLINE_TEST_REQUIRE_ALL", "") == "1"

DATABASES = ["sqlite", "postgresql"] if DATABASE_URL else ["sqlite"]


def left_out() -> list[str]:
    """One line for each thing that is not tried here, with its reason."""
    lines = []
    if not DATABASE_URL:
        lines.append("Left out: PostgreSQL, because BEATLINE_TEST_DATABASE_URL is not set.")
    if not REDIS_URL:
        lines.append("Left out: Redis, because BEATLINE_TEST_REDIS_URL is not set.")
    return lines

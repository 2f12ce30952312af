"""So many requests in five minutes, counted for each token, as Mastodon says it in its headers."""

from datetime import UTC, datetime

WINDOW_MS = 300_000


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Limits:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used: dict[str, int] = {}
        self._window = 0

    def take(self, who: str, now_ms: int) -> tuple[bool, dict[str, str]]:
        """Whether the request may pass, and the headers that say so."""
        window = now_ms // WINDOW_MS
        if window != self._window:
            self._window, self._used = window, {}
        used = self._used[who] = self._used.get(who, 0) + 1
        return used <= self.limit, {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - used)),
            "X-RateLimit-Reset": iso((window + 1) * WINDOW_MS),
        }

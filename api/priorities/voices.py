"""One person counts once: a voice says that two answers are the same person's, and not whose."""

import hashlib
import hmac

from api.models import Question


def voice(question: Question, handle: str) -> str:
    """The same person's on every account of ours, and another one in every round. `handle` is name@server."""
    name = handle.strip().removeprefix("@").casefold()
    return hmac.new(question.voice_key.encode(), f"{question.id}:{name}".encode(), hashlib.sha256).hexdigest()

"""Asking for priorities, taking answers, deciding, and saying what was done."""

from api.priorities.answering import confirm, record_answer, record_tally, set_aside, take_replies
from api.priorities.asking import ask, close
from api.priorities.clearing import forget_words
from api.priorities.deciding import adopt, draft_you_said, end_priority, write_update

__all__ = [
    "adopt", "ask", "close", "confirm", "draft_you_said", "end_priority", "forget_words", "record_answer", "record_tally",
    "set_aside", "take_replies", "write_update",
]  # fmt: skip

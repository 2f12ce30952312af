"""Everything that changes something in the inbox, in one place to import."""

from api.inbox.changes import add_note, assign, close, deleted_words, mark_read, reopen
from api.inbox.clearing import purge
from api.inbox.mending import edit_reply, like, mended, withdraw_reply
from api.inbox.placing import Seen
from api.inbox.receive import hang_under_posts, receive, take_back
from api.inbox.reply import reply, settle

__all__ = [
    "Seen", "add_note", "assign", "close", "deleted_words", "edit_reply", "hang_under_posts", "like", "mark_read",
    "mended", "purge", "receive", "reopen", "reply", "settle", "take_back", "withdraw_reply",
]  # fmt: skip

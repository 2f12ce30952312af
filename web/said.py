"""What the next page says after something was done. The address carries only the key, never a name."""

SAID: dict[str, str] = {
    "signed-out": "You are signed out.",
    "password-set": "Your password is set. Sign in with it.",
    "sending": "It is on its way. Each account says below when it is out.",
    "planned": "It goes out at its time, whether anybody is signed in or not.",
    "kept": "Your draft is kept. It goes nowhere until somebody sends it.",
    "cancelled": "Cancelled: what was still waiting does not go out.",
    "moved": "Moved to its new time.",
    "again": "It is on its way again.",
    "replied": "Your reply is on its way.",
    "replied-closed": "Your reply is on its way, and the conversation is closed.",
    "noted": "Your note is kept. It stays in the team.",
    "given": "Done: it stands under their name.",
    "closed": "Closed. If they write again, it opens by itself.",
    "reopened": "Open again.",
    "second-step": "Your second step is set up.",
    "session-ended": "That device is signed out.",
}

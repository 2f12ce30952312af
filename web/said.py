"""What the next page says after something was done. The address carries only the key, never a name."""

SAID: dict[str, str] = {
    "signed-out": "You are signed out.",
    "password-set": "Your password is set. Sign in with it.",
    "session-ended": "That device is signed out.",
}

"""Facts about each platform, as data: ask what it can do, not who it is."""

from dataclasses import dataclass
from math import inf

from api.platforms.values import Limits, Platform


@dataclass(frozen=True, slots=True)
class Facts:
    label: str
    letter: str
    """One letter on a chip; the name stands beside it or in its title."""
    limits: Limits
    answers_name_people: bool
    """An answer reaches whom it names with @handle, and nobody else; a private one is private to just these."""
    can_edit: bool
    can_delete: bool
    can_read_back: bool
    """Its own list can be read, so that a lost answer resolves itself."""
    idempotent_for: float
    """Seconds for which a repeated key returns what was made the first time; 0 where it does not."""
    film_types: frozenset[str] = frozenset({"video/mp4"})
    app_password: bool = False
    """Connected with a handle and an app password, not by a page of the platform's where somebody says yes."""


FACTS = {
    Platform.MASTODON: Facts(
        label="Mastodon",
        letter="M",
        limits=Limits(),
        answers_name_people=True,
        can_edit=True,
        can_delete=True,
        can_read_back=True,
        idempotent_for=3600,
        film_types=frozenset({"video/mp4", "video/quicktime"}),
    ),
    Platform.BLUESKY: Facts(
        label="Bluesky",
        letter="B",
        limits=Limits(
            max_length=300,
            url_length=0,
            max_media=4,
            alt_length=2000,
            image_size=2_000_000,
            image_pixels=100_000_000,
            video_size=100_000_000,
        ),
        answers_name_people=False,
        can_edit=False,
        can_delete=True,
        can_read_back=True,
        # A post's key is its place in the account's own list: there is never a second one.
        idempotent_for=inf,
        app_password=True,
    ),
}

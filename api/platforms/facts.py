"""Facts about each platform, as data: ask what it can do, not who it is."""

from dataclasses import dataclass
from math import inf

from api.platforms.values import Limits, Platform, Visibility


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
    can_warn: bool
    """It shows a content warning first and the words on demand; elsewhere the warning is the first line."""
    makes_cards: bool
    """Its server looks up what a link leads to; elsewhere we say it with the post."""
    visibilities: frozenset[Visibility]
    """What a post can be there; answers are as visible as what they answer."""
    shared_by_id: bool
    """A repost names what it shares by its id; elsewhere by its address, since each server has ids of its own."""
    copies_stay: str
    """What a person must know about a post that is taken down."""
    direct_is_final: bool = False
    """What was said in private cannot be changed, taken down or liked afterwards."""
    video_types: frozenset[str] = frozenset({"video/mp4"})
    app_password: bool = False
    """Connected with a handle and an app password, not by a page of the platform's where somebody says yes."""
    one_network: bool = False
    """An account's id is the same wherever it lives; elsewhere each server counts from one."""
    posts_per_hour: int = 0
    """What the platform says an account may write; 0: it does not say, and tells with each answer."""


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
        can_warn=True,
        makes_cards=True,
        visibilities=frozenset({Visibility.PUBLIC, Visibility.UNLISTED, Visibility.FOLLOWERS}),
        shared_by_id=False,
        copies_stay="Other servers are told to remove it as well, but copies there may stay.",
        video_types=frozenset({"video/mp4", "video/quicktime"}),
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
        can_warn=False,
        makes_cards=False,
        visibilities=frozenset({Visibility.PUBLIC}),
        shared_by_id=True,
        copies_stay="Others who keep copies of what is public there may keep theirs.",
        direct_is_final=True,
        app_password=True,
        one_network=True,
        # Writing costs three points of 5,000 in an hour, and of 35,000 in a day.
        posts_per_hour=1666,
    ),
}

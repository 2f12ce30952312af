"""What an account's server allows, where it was read before all of it was asked for."""

from api.accounts.queries import limits_of
from api.models import Account
from api.platforms.facts import FACTS
from api.platforms.values import Platform


def an(platform: Platform, **limits: int) -> Account:
    return Account(platform=platform, instance="https://a.example", remote_id="1", handle="a", name="A", limits=limits)


def test_what_was_not_read_is_what_its_platform_usually_allows() -> None:
    assert limits_of(an(Platform.BLUESKY)) == FACTS[Platform.BLUESKY].limits
    known = limits_of(an(Platform.MASTODON, max_length=5000, something_older=1))
    assert (known.max_length, known.image_size) == (5000, 16_777_216)

"""What must be true of the pictures and videos of a post before it goes out."""

from collections.abc import Iterable, Sequence

from api.accounts.queries import limits_of
from api.core.errors import Invalid
from api.models import Account, Media, MediaKind
from api.platforms.facts import FACTS
from api.posts.values import Outgoing

FIELD = "media_ids"
DESCRIBE = "Describe the picture for people who cannot see it, or say why not."
ONE_VIDEO = "A post carries pictures or one video, not both. Take one of them out."


def check(outgoing: Iterable[Outgoing], carried: Sequence[Media]) -> None:
    """Each is described, and every account takes them as they are."""
    videos = [each for each in carried if each.kind is MediaKind.VIDEO]
    if videos and len(carried) > 1:
        raise Invalid(ONE_VIDEO, FIELD)
    for number, each in enumerate(carried, 1):
        if not each.alt.strip() and not each.no_alt_reason.strip():
            raise Invalid(
                DESCRIBE if len(carried) == 1 else f"Picture {number}: {DESCRIBE}", FIELD, media_id=str(each.id)
            )
    for account in (one.account for one in outgoing):
        _taken_by(account, carried, videos)


def _taken_by(account: Account, carried: Sequence[Media], videos: Sequence[Media]) -> None:
    limits, facts = limits_of(account), FACTS[account.platform]
    if len(carried) > limits.max_media:
        raise Invalid(f"{account.handle} takes {limits.max_media} pictures at most: take some out.", FIELD)
    for each in carried:
        over = len(each.alt.strip()) - limits.alt_length
        if over > 0:
            raise Invalid(f"The description is {over} characters too long for {account.handle}: shorten it.", FIELD)
    for video in videos:
        if video.content_type not in facts.video_types:
            raise Invalid(
                f"{facts.label} takes videos as MP4 only: save it as MP4, or leave {account.handle} out.", FIELD
            )
        if video.size > limits.video_size:
            raise Invalid(
                f"The video is {video.size / 1e6:.0f} MB; {account.handle} takes {limits.video_size / 1e6:.0f} MB. "
                "Make it shorter, or leave that account out.",
                FIELD,
            )

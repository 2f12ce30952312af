"""Ways in which Mastodon's relatives differ from it, each seen somewhere, each a switch of the town."""

from dataclasses import dataclass
from typing import Literal

from workers.town.ids import Style


@dataclass(frozen=True)
class Switches:
    """For as long as they are on."""

    idempotency: bool = True
    lag_seconds: float = 0.0  # an account's own list shows a new status only then
    ignore_min_id: bool = False  # notifications: min_id works like since_id
    ignore_types: bool = False  # notifications: all of them, whatever was asked for
    no_v2: bool = False  # there is no /api/v2
    v2_is_a_page: bool = False  # its web app answers wherever there is no /api/v2
    old_instance: bool = False  # describes itself as servers did before there was a configuration
    ids: Style = "snowflake"
    number_ids: bool = False  # ids as numbers in JSON
    refuse_empty_user_agent: bool = False
    content: Literal["usual", "null", "absent", "plain", "typographic"] = "usual"
    source: bool = True  # tells an author what they had written
    times: Literal["usual", "whole", "offset"] = "usual"
    clock_behind: float = 0.0  # seconds that the server's own clock is behind
    links: Literal["usual", "none", "elsewhere"] = "usual"
    limit_headers: Literal["usual", "none", "epoch", "milliseconds"] = "usual"
    errors: Literal["usual", "html", "empty", "nested", "list"] = "usual"
    most: int = 0  # a page has no more than so many, whatever was asked for
    refuse_limit_over: int = 0  # asking for more is an error
    order: Literal["usual", "oldest_first", "mixed"] = "usual"
    odd_notifications: bool = False  # kinds that nobody has heard of, without a status
    nulls: bool = False  # null where there is nothing, instead of an empty list or text
    created: int = 200  # the status of an answer to something made
    thin_account: bool = False  # who we are, in as few words as possible
    pinned_first: bool = False  # an account's own list begins with its oldest post
    hide_direct: bool = False  # an account's own list leaves its direct messages out
    hide_replies: bool = False  # and its replies
    forget_parent: bool = False  # a status no longer says what it answers
    media_slow: float = 0.0  # a picture or video is ready only so many seconds after it came
    media_never_ready: bool = False

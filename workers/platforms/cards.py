"""What a page says about itself, for the card under its link. Written by strangers: read with limits, never trusted."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from itertools import islice
from urllib.parse import urljoin

import nh3

from api.platforms.values import Card, Exchange, Picture, Request
from workers.platforms import html

LONGEST_PAGE = 300_000
"""What a page says about itself stands at its beginning."""
MOST_TAGS = 200
TAG = re.compile(r"<meta\s[^<>]{1,2000}>|<title\b[^<>]{0,200}>[^<]{0,1000}</title>", re.IGNORECASE)
LONGEST_TITLE, LONGEST_DESCRIPTION = 200, 300
TITLES = ("og:title", "twitter:title", "title")
IMAGES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image")
LARGEST_PICTURE, LONGEST_ADDRESS = 1_000_000, 2000
KINDS = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
"""By how their bytes begin: what a server calls them proves nothing."""
DESCRIPTIONS = ("og:description", "twitter:description", "description")


def card(url: str) -> Exchange[Card | None]:
    """None where the page says nothing of use; whatever goes wrong on the way is the caller's to shrug off."""
    response = yield Request("GET", url, {"Accept": "text/html, application/xhtml+xml"})
    kind = response.headers.get("content-type", "")
    if response.status != 200 or "html" not in kind.lower():
        return None
    said = _said(response.body[:LONGEST_PAGE].decode(_charset(kind), "replace"))
    title = _first(said, TITLES, LONGEST_TITLE)
    if not title:
        return None
    return Card(url, title, _first(said, DESCRIPTIONS, LONGEST_DESCRIPTION), _image(url, said))


def _image(url: str, said: Mapping[str, str]) -> str:
    """Whole, and only over https: what else it may say is not followed."""
    try:
        found = urljoin(url, _first(said, IMAGES, LONGEST_ADDRESS))
    except ValueError:
        return ""
    return found if found.startswith("https://") and found != url else ""


def with_picture(card: Card) -> Exchange[Card]:
    """What calls itself a picture, is one of a kind that everybody shows, and small enough."""
    response = yield Request("GET", card.image, {"Accept": ", ".join(KINDS)})
    kind = next((kind for kind, begins in KINDS.items() if begins.match(response.body)), "")
    if response.status != 200 or not kind or len(response.body) > LARGEST_PICTURE:
        return card
    return replace(card, thumb=Picture(response.body, kind, "", 0, 0))


def _charset(kind: str) -> str:
    name = kind.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        "".encode(name or "utf-8")
    except LookupError:
        return "utf-8"
    return name or "utf-8"


def _said(page: str) -> Mapping[str, str]:
    reader = _Reader()
    # Cut out first, then made well-formed: parsers can be made very slow by whoever writes what they read.
    tags = "".join(found[0] for found in islice(TAG.finditer(page), MOST_TAGS))
    reader.feed(nh3.clean(tags, tags={"meta", "title"}, attributes={"meta": {"property", "name", "content"}}))
    reader.close()
    return reader.said


def _first(said: Mapping[str, str], names: tuple[str, ...], most: int) -> str:
    found = next((text for name in names if (text := html.normalise(said.get(name, "")))), "")
    found = html.CONTROL.sub("", found)
    return found if len(found) <= most else found[: most - 1].rstrip() + "…"


class _Reader(HTMLParser):
    """The first of each counts: what a page repeats further down is not about itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, str] = {}
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title" and "title" not in self.said
        if tag == "meta":
            self.said.setdefault(
                (values.get("property") or values.get("name") or "").lower(), values.get("content", "")
            )

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.said["title"] = self.said.get("title", "") + data

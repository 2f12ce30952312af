"""HTML as servers send it, turned into the plain text a person would have typed."""

import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser

import nh3

BLOCKS = frozenset({"p", "div", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"})
KEPT = BLOCKS | {"br", "li", "a", "span"}
LONGEST = 65_536  # no post is longer
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Link = Callable[[str, str, frozenset[str]], str]
"""What stands for a link: its href, its shown text and its classes are given."""


def by_href(href: str, shown: str, classes: frozenset[str]) -> str:
    """Mentions and hashtags as shown, everything else as its full address."""
    if "mention" in classes or "hashtag" in classes or not href.lower().startswith(("http://", "https://")):
        return shown
    return href


def as_shown(href: str, shown: str, classes: frozenset[str]) -> str:
    return shown


def to_text(html: str, link: Link = by_href) -> str:
    """Paragraphs become blank lines, breaks new lines; nothing of the markup is left."""
    reader = _Reader(link)
    # Python's own parser takes minutes over markup made to be slow; nh3 hands it well-formed markup only.
    reader.feed(nh3.clean(html[:LONGEST], tags=set(KEPT), attributes={"a": {"href", "class"}}, link_rel=None))
    reader.close()
    reader.end_link()
    text = CONTROL.sub("", "".join(reader.parts))
    text = "\n".join(line.strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def normalise(text: str) -> str:
    """One form for comparing: NFC, each run of white space one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class _Reader(HTMLParser):
    def __init__(self, link: Link) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._link = link
        self._open: tuple[str, frozenset[str], int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in BLOCKS:
            self.parts.append("\n\n")
        elif tag == "a":
            self.end_link()
            self._open = (values.get("href", ""), frozenset(values.get("class", "").split()), len(self.parts))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append("\n\n")
        elif tag == "a":
            self.end_link()

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def end_link(self) -> None:
        """Replaces what was shown of an open link by what stands for it."""
        if self._open is None:
            return
        href, classes, start = self._open
        shown = "".join(self.parts[start:])
        self.parts[start:] = [self._link(href, shown, classes)]
        self._open = None

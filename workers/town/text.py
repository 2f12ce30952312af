"""How a status counts, whom it mentions, and how it looks as HTML."""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

import regex

URL_LENGTH = 23
VISIBLE_URL = 30

_URL = r"(?P<url>https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]])"
_MENTION = (
    r"(?<![\w/@=])@(?P<user>[A-Za-z0-9_]+)(?:@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9](?::\d+)?))?"
)
_TAG = r"(?<![\w&/])#(?P<tag>\w*[^\W\d]\w*)"
_TOKEN = regex.compile(f"{_URL}|{_MENTION}|{_TAG}")


class Mention(NamedTuple):
    user: str
    host: str


def _is_here(host: str, domain: str) -> bool:
    name = host.split(":")[0].lower()
    return not name or name in {domain, "localhost", "testserver", "town"} or name.startswith("127.")


def count(text: str) -> int:
    """Graphemes, where a link is 23 and a person's server is free."""

    def shorten(found: regex.Match[str]) -> str:
        if found["url"]:
            return "x" * URL_LENGTH
        return f"@{found['user']}" if found["user"] else found[0]

    return len(regex.findall(r"\X", _TOKEN.sub(shorten, text)))


def mentions(text: str, domain: str) -> list[Mention]:
    found = [(m["user"], m["host"] or "") for m in _TOKEN.finditer(text) if m["user"]]
    return [Mention(user, "" if _is_here(host, domain) else host.lower()) for user, host in found]


def tags(text: str) -> list[str]:
    return list(dict.fromkeys(m["tag"].lower() for m in _TOKEN.finditer(text) if m["tag"]))


def _link(url: str) -> str:
    scheme, rest = url.split("://", 1)
    head, tail = rest[:VISIBLE_URL], rest[VISIBLE_URL:]
    kind = "ellipsis" if tail else ""
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{scheme}://</span><span class="{kind}">{escape(head)}</span>'
        f'<span class="invisible">{escape(tail)}</span></a>'
    )


def _mention(user: str, url: str) -> str:
    return (
        f'<span class="h-card" translate="no"><a href="{escape(url)}" class="u-url mention">'
        f"@<span>{escape(user)}</span></a></span>"
    )


def _tag(tag: str, base: str) -> str:
    href = f"{base}/tags/{escape(tag.lower())}"
    return f'<a href="{href}" class="mention hashtag" rel="tag">#<span>{escape(tag)}</span></a>'


def html(text: str, base: str, domain: str, url_of: Callable[[Mention], str | None]) -> str:
    """Paragraphs, links and mentions; everything else is escaped."""

    def piece(found: regex.Match[str]) -> str:
        if found["url"]:
            return _link(found["url"])
        if found["tag"]:
            return _tag(found["tag"], base)
        host = found["host"] or ""
        url = url_of(Mention(found["user"], "" if _is_here(host, domain) else host.lower()))
        return _mention(found["user"], url) if url else escape(found[0])

    def line(words: str) -> str:
        parts, at = [], 0
        for found in _TOKEN.finditer(words):
            parts += [escape(words[at : found.start()]), piece(found)]
            at = found.end()
        return "".join([*parts, escape(words[at:])]).replace("\n", "<br />")

    paragraphs = regex.split(r"\n{2,}", text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{line(paragraph)}</p>" for paragraph in paragraphs if paragraph)

"""HTML as servers send it becomes the text a person would have typed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from workers.platforms import html

LINK = (
    '<a href="https://town.example/reports/lower-mill-lane-flooding" rel="nofollow noopener">'
    '<span class="invisible">https://</span><span class="ellipsis">town.example/reports/lower</span>'
    '<span class="invisible">-mill-lane-flooding</span></a>'
)
MENTION = '<span class="h-card"><a href="https://town.example/@amy" class="u-url mention">@<span>amy</span></a></span>'
TAG = '<a href="https://town.example/tags/flood" class="mention hashtag" rel="tag">#<span>flood</span></a>'


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<br>Two<br />Three</p>", "One\nTwo\nThree"),
        ("<p>Bread &amp; butter &lt;3 &#8211; &quot;yes&quot;</p>", 'Bread & butter <3 – "yes"'),
        (f"<p>See {LINK}, please</p>", "See https://town.example/reports/lower-mill-lane-flooding, please"),
        (f"<p>{MENTION} look: {TAG}</p>", "@amy look: #flood"),
        ('<p>a <a href="javascript:alert(1)">b</a></p>', "a b"),
        ("<p>a<script>alert(1)</script><style>p{}</style>b</p>", "ab"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("plain text", "plain text"),
        ("1 < 2 && 3 > 2", "1 < 2 && 3 > 2"),
        ("<p>never closed <b>bold", "never closed bold"),
        ('<a href="https://a.example/1">never closed', "https://a.example/1"),
        (
            '<a href="https://a.example/1">x<a href="https://a.example/2">y</a>',
            "https://a.example/1https://a.example/2",
        ),
        ("<p>nul\x00 bell\x07</p>", "nul bell"),
        ("", ""),
    ],
)
def test_markup_reads_as_text(markup: str, text: str) -> None:
    assert html.to_text(markup) == text


@pytest.mark.parametrize(
    "part",
    ["<", "<a ", "<!--", "&#", "<p", '<a href="', "</", "<![CDATA[", "<a>", "<p>", "<ul><li>", "\n", "&amp;"],
)
def test_markup_made_to_be_slow_is_not(part: str) -> None:
    """Python's own parser takes most of a minute over some of these."""
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(html.to_text, part * 200_000).result(timeout=30), str)

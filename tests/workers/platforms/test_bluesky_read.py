"""Reading posts of strangers: whatever they put into a record, the words come out whole."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.platforms.values import Attachment, Incoming, RawItem, Visibility
from tests.workers.platforms.bluesky_fake import HERE
from workers.platforms import bluesky

URI = "at://did:plc:jo/app.bsky.feed.post/3kpost"
JO = {"did": "did:plc:jo", "handle": "jo.example", "displayName": "Jo  M"}


def read(
    text: str = "Which road?", author: dict[str, Any] = JO, seen: str = "2026-06-01T09:00:05Z", **more: Any
) -> Incoming:
    record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-06-01T09:00:00.000Z", **more}
    return bluesky.read(HERE, RawItem(URI, {"uri": URI, "author": author, "record": record, "indexedAt": seen}))


def facet(start: Any, end: Any, **feature: str) -> dict[str, Any]:
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


def link(start: Any, end: Any, uri: str) -> dict[str, Any]:
    return facet(start, end, **{"$type": "app.bsky.richtext.facet#link"}, uri=uri)


def mention(start: int, end: int, did: str) -> dict[str, Any]:
    return facet(start, end, **{"$type": "app.bsky.richtext.facet#mention"}, did=did)


def test_a_reply_is_read_whole() -> None:
    parent = {"uri": "at://did:plc:us/app.bsky.feed.post/3kours", "cid": "bafy"}
    said = read(reply={"root": parent, "parent": parent}, langs=["cy", "en"])
    assert said == Incoming(
        remote_id=URI,
        author=said.author,
        ours=False,
        text="Which road?",
        visibility=Visibility.PUBLIC,
        occurred_at=datetime(2026, 6, 1, 9, tzinfo=UTC),
        in_reply_to=parent["uri"],
        language="cy",
        url="https://bsky.app/profile/did:plc:jo/post/3kpost",
    )
    assert (said.author.handle, said.author.name) == ("jo.example", "Jo M")


def test_nobody_wrote_later_than_it_was_seen() -> None:
    assert read(seen="2026-06-01T08:00:00Z").occurred_at == datetime(2026, 6, 1, 8, tzinfo=UTC)


def test_a_link_shows_where_it_leads() -> None:
    assert read("£ your bank", facets=[link(3, 12, "https://evil.example/x")]).text == "£ https://evil.example/x"
    assert read("police.uk/x1", facets=[link(0, 12, "https://police.uk/x1")]).text == "police.uk/x1"
    assert read("press here", facets=[link(0, 10, "javascript:alert(1)")]).text == "press here"


def test_whom_it_names_is_told_by_handle_and_our_own_name_in_front_is_left_out() -> None:
    said = read(
        "@sandford.example @amy.example hello",
        facets=[mention(0, 17, "did:plc:us"), mention(18, 30, "did:plc:amy")],
    )
    assert said.mentions == ("sandford.example", "amy.example")
    assert said.text == "@amy.example hello"


def test_marks_outside_the_words_change_nothing() -> None:
    odd = [link(5, 900, "https://a.example"), link(-1, 3, "https://a.example"), link("0", 3, "https://a.example")]
    odd += [link(3, 3, "https://a.example"), {"index": None}, "junk", {"index": {"byteStart": 0, "byteEnd": 2}}]  # type: ignore[list-item]
    assert read("Which road?", facets=odd).text == "Which road?"


def test_a_mark_through_the_middle_of_a_letter_breaks_nothing_else() -> None:
    said = read("£ road", facets=[link(1, 2, "https://a.example")])
    assert said.text.endswith(" road")


def test_pictures_videos_links_and_quotes_are_named_with_their_words() -> None:
    blob = {"$type": "blob", "ref": {"$link": "bafyblob"}}
    images = {"$type": "app.bsky.embed.images", "images": [{"image": blob, "alt": "A bin"}, {"image": {}}, "junk"]}
    quote = {"$type": "app.bsky.embed.record", "record": {"uri": "at://did:plc:us/app.bsky.feed.post/3kours"}}
    assert read(embed=images).attachments == (
        Attachment("image", "https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:jo/bafyblob", "A bin"),
    )
    assert read(embed=quote).attachments == (Attachment("quote", "https://bsky.app/profile/did:plc:us/post/3kours"),)
    both = {"$type": "app.bsky.embed.recordWithMedia", "media": images, "record": quote}
    assert [each.kind for each in read(embed=both).attachments] == ["image", "quote"]
    card = {"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example", "title": "Roads"}}
    assert read(embed=card).attachments == (Attachment("link", "https://a.example", "Roads"),)
    video = {"$type": "app.bsky.embed.video", "video": blob, "alt": "A car"}
    assert [(each.kind, each.alt) for each in read(embed=video).attachments] == [("video", "A car")]
    assert read(embed={"$type": "app.example.embed.new"}).attachments == ()


def test_somebody_without_a_valid_handle_is_known_by_identity() -> None:
    assert read(author={"did": "did:plc:jo", "handle": "handle.invalid"}).author.handle == "did:plc:jo"


def test_ours_is_told_by_identity() -> None:
    assert read(author={"did": "did:plc:us", "handle": "renamed.example"}).ours


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["uri", "author", "record", "did", "handle", "text", "facets", "index", "byteStart", "byteEnd",
                             "features", "$type", "embed", "images", "image", "reply", "parent", "langs", "createdAt"]),
            inner, max_size=4),
        max_leaves=20,
    )
)  # fmt: skip
def test_no_payload_breaks_the_reader(payload: Any) -> None:
    said = bluesky.read(HERE, RawItem(URI, payload if isinstance(payload, dict) else {"record": payload}))
    assert isinstance(said.text, str)
    assert said.occurred_at.tzinfo is not None

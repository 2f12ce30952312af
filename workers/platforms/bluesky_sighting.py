"""What stands at an address that somebody pasted: only what lies in this account's own list counts."""

from urllib.parse import unquote, urlsplit

from api.platforms.errors import Refusal, Refused
from api.platforms.values import Address, Exchange, Published, Token
from workers.platforms.bluesky_calls import ask, get
from workers.platforms.bluesky_key import POST, Place, place
from workers.platforms.bluesky_read import published
from workers.platforms.payload import child, moment


def sighted(address: Address, token: Token, url: str) -> Exchange[Published | None]:
    """None: nothing of ours is there. Our own server is asked, and only for what is in our own list."""
    where = place_in(address, url)
    if where is None:
        return None
    try:
        said = yield from ask(get(address, token, "com.atproto.repo.getRecord", where.as_query()))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise
        return None
    stored = child(said, "value")
    made = moment(stored.get("createdAt"))
    return published(where.uri, stored, made) if made else None


def place_in(address: Address, url: str) -> Place | None:
    """at://whose/kind/name, or https://…/profile/whose/post/name as browsers show it."""
    ours = {address.remote_id, address.handle.lower()}
    where = place(url)
    if where is None:
        parts = [unquote(part) for part in urlsplit(url).path.strip("/").split("/")]
        if len(parts) != 4 or (parts[0], parts[2]) != ("profile", "post") or not parts[3]:
            return None
        where = Place(parts[1].lower(), POST, parts[3])
    mine = where.repo in ours and where.collection == POST
    return Place(address.remote_id, POST, where.rkey) if mine else None

"""Records: put, made, read, taken away; and pictures."""

import json
from sqlite3 import Row
from typing import Any

from workers.town.bluesky import cids, repo
from workers.town.bluesky.calls import Call, Handler, XrpcError, wrong
from workers.town.bluesky.repo import uri_of


async def put_record(call: Call) -> Any:
    """The same again changes nothing; `swapRecord` null never writes over anything."""
    body = await call.body("repo", "collection", "rkey", "record")
    did, collection, rkey = _mine(call, body), str(body["collection"]), str(body["rkey"])
    value = repo.check(call.sky, did, collection, rkey, body["record"])
    there = repo.get(call.sky, f"at://{did}/{collection}/{rkey}")
    if there is not None and there["cid"] == cids.of_record(value):
        return {"uri": uri_of(there), "cid": there["cid"], "validationStatus": "valid"}
    if "swapRecord" in body and body["swapRecord"] != (there and there["cid"]):
        raise wrong(f"Record was at {there['cid'] if there else 'null'}", "InvalidSwap")
    return _written(call, repo.put(call.sky, did, collection, rkey, value, "api"))


async def create_record(call: Call) -> Any:
    body = await call.body("repo", "collection", "record")
    did, collection = _mine(call, body), str(body["collection"])
    rkey = str(body.get("rkey") or repo.new_rkey(call.sky))
    value = repo.check(call.sky, did, collection, rkey, body["record"])
    if repo.get(call.sky, f"at://{did}/{collection}/{rkey}") is not None:
        raise XrpcError(500, "InternalServerError", "Internal Server Error")
    return _written(call, repo.put(call.sky, did, collection, rkey, value, "api"))


def _mine(call: Call, body: dict[str, Any]) -> str:
    account = call.sky.find(str(body["repo"]))
    if account is None:
        raise wrong(f"Could not find repo: {body['repo']}")
    if account["did"] != call.did:
        raise XrpcError(401, "AuthRequired", "Authentication Required")
    return call.did


def _written(call: Call, number: int) -> Any:
    row = call.sky.store.one("SELECT * FROM records WHERE id = ?", number)
    assert row is not None
    commit = {"cid": cids.of_record({"rev": number}), "rev": repo.new_rkey(call.sky)}
    return {"uri": uri_of(row), "cid": row["cid"], "commit": commit, "validationStatus": "valid"}


async def get_record(call: Call) -> Any:
    """By whoever asks: records are public."""
    account = call.sky.find(call.needed("repo"))
    if account is None:
        raise wrong(f"Could not find repo: {call.asked('repo')}", "RepoNotFound")
    uri = f"at://{account['did']}/{call.needed('collection')}/{call.needed('rkey')}"
    row: Row | None = repo.get(call.sky, uri)
    if row is None:
        raise wrong(f"Could not locate record: {uri}", "RecordNotFound")
    return {"uri": uri, "cid": row["cid"], "value": json.loads(row["value"])}


async def delete_record(call: Call) -> Any:
    """Gone afterwards; that it was gone before is no matter."""
    body = await call.body("repo", "collection", "rkey")
    repo.take_away(call.sky, f"at://{_mine(call, body)}/{body['collection']}/{body['rkey']}")
    return {}


async def upload_blob(call: Call) -> Any:
    did, content = call.did, await call.request.body()
    mime, cid = call.request.headers.get("content-type", "application/octet-stream"), cids.of_blob(content)
    with call.sky.store.change():
        call.sky.store.run("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", did, cid, mime, content)
    return {"blob": {"$type": "blob", "ref": {"$link": cid}, "mimeType": mime, "size": len(content)}}


METHODS: dict[str, tuple[str, Handler]] = {
    "com.atproto.repo.putRecord": ("POST", put_record),
    "com.atproto.repo.createRecord": ("POST", create_record),
    "com.atproto.repo.getRecord": ("GET", get_record),
    "com.atproto.repo.deleteRecord": ("POST", delete_record),
    "com.atproto.repo.uploadBlob": ("POST", upload_blob),
}

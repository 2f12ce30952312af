"""A folder and a bucket keep files alike."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from api.core.settings import Settings
from api.media.store import FileStore, LocalStore, store_of

NAME = "0198f3a2/ab/abcd-0198.jpg"
WHOLE = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on a server of this machine, as the setting names it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    there = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=there, region_name="eu-west-2", aws_access_key_id="id", aws_secret_access_key="key"
    )
    client.create_bucket(Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    yield f"s3://pictures/beatline?endpoint={there}"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    settings = Settings(data_dir=tmp_path, media_key_id="id", media_key="key")
    if request.param == "bucket":
        settings = settings.model_copy(update={"media_url": request.getfixturevalue("bucket")})
    return store_of(settings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "incoming"
    file.write_bytes(WHOLE)
    return file


async def test_what_was_put_is_read_whole_and_in_parts(store: FileStore, file: Path) -> None:
    await store.put(NAME, file)
    assert await store.read(NAME) == WHOLE
    assert await store.read(NAME, 100, 50) == WHOLE[100:150]
    assert await store.read(NAME, 10_200) == WHOLE[10_200:]
    assert await store.read(NAME, 10_200, 999) == WHOLE[10_200:]
    assert await store.read(NAME, 99_999, 10) == b""
    await store.delete(NAME)


async def test_putting_twice_and_deleting_twice_changes_nothing_more(store: FileStore, file: Path) -> None:
    await asyncio.gather(*(store.put(NAME, file) for _ in range(4)))
    assert await store.read(NAME) == WHOLE
    await store.delete(NAME)
    await store.delete(NAME)
    with pytest.raises(FileNotFoundError):
        await store.read(NAME)


async def test_what_never_was_is_not_there(store: FileStore) -> None:
    with pytest.raises(FileNotFoundError):
        await store.read("nothing/here.jpg")


async def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "media")
    with pytest.raises(IsADirectoryError):
        await store.put(NAME, tmp_path)
    assert [each for each in (tmp_path / "media").rglob("*") if each.is_file()] == []


def test_an_address_that_makes_no_sense_is_refused_with_the_right_one(tmp_path: Path) -> None:
    for wrong in ("https://bucket", "s3://", "s3://bucket?secret=x"):
        with pytest.raises(ValueError, match="s3://bucket/prefix"):
            store_of(Settings(data_dir=tmp_path, media_url=wrong))


def test_the_keys_of_the_bucket_are_never_shown() -> None:
    assert "very secret" not in repr(Settings(media_key_id="very secret", media_key="very secret"))

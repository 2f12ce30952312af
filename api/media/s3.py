"""A bucket as file store. The client is Amazon's own, in threads: it is kept up, and every such server knows it."""

import asyncio
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

GONE = frozenset({"404", "NoSuchKey", "NotFound"})
PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 4, "mode": "standard"})


class S3Store:
    """`client` is boto3's; it may be used by several threads at once."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @classmethod
    def at(cls, url: str, key_id: str, key: str) -> Self:
        """s3://bucket/prefix?endpoint=https://…&region=…; without a key, whatever the machine itself may do."""
        parts = urlsplit(url)
        wishes = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.scheme != "s3" or not parts.netloc or set(wishes) - {"endpoint", "region"}:
            raise ValueError("BEATLINE_MEDIA_URL is s3://bucket/prefix?endpoint=https://…&region=…")
        client = boto3.client(
            "s3",
            endpoint_url=wishes.get("endpoint"),
            region_name=wishes.get("region", "eu-west-2"),
            aws_access_key_id=key_id or None,
            aws_secret_access_key=key or None,
            config=PATIENCE,
        )
        prefix = parts.path.strip("/")
        return cls(client, parts.netloc, f"{prefix}/" if prefix else "")

    async def put(self, name: str, file: Path) -> None:
        await asyncio.to_thread(self._client.upload_file, str(file), self._bucket, self._prefix + name)

    async def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        if length == 0:
            return b""
        return await asyncio.to_thread(self._read, name, start, length)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._client.delete_object, Bucket=self._bucket, Key=self._prefix + name)

    def _read(self, name: str, start: int, length: int | None) -> bytes:
        end = "" if length is None else str(start + length - 1)
        part = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, **part)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                raise FileNotFoundError(name) from error
            if error.response["Error"]["Code"] == "InvalidRange":  # past its end there is nothing
                return b""
            raise
        return body

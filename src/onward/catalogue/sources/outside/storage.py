"""Storage that speaks S3: whole objects, large ones in parts that an interruption keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from onward.catalogue.extras import load
from onward.errors import InvalidConfig, OnwardError
from onward.settings import Cloud

_COMMAND = "pip install 'onward[cloud]'"
_CHUNK = 1024 * 1024
_MOST_BYTES = 64 * 1024 * 1024
Told = Callable[[int], None]
"""Called with the number of bytes that have gone over; may raise to leave."""


class StorageFailed(OnwardError):
    """The storage refuses or does not answer; what was sent so far is kept."""

    code = "storage-failed"
    exit_code = 6


class Storage:
    """The objects of one source below the configured prefix."""

    def __init__(self, cloud: Cloud, source_id: str) -> None:
        if cloud.bucket is None:
            raise InvalidConfig("No storage is configured.", hint="Set ONWARD_CLOUD_BUCKET and its keys.")
        boto3 = load("boto3", _COMMAND)
        options = load("botocore.config", _COMMAND).Config(
            retries={"max_attempts": 5, "mode": "standard"}, connect_timeout=10, read_timeout=60
        )
        self._bucket = cloud.bucket
        self._prefix = f"{cloud.prefix.strip('/')}/{source_id}/".lstrip("/")
        self._part = cloud.part_bytes
        self._errors = load("botocore.exceptions", _COMMAND)
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=cloud.endpoint,
            region_name=cloud.region,
            aws_access_key_id=cloud.access_key,
            aws_secret_access_key=cloud.secret_key,
            config=options,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def size(self, key: str) -> int | None:
        """The size of an object; None when there is none."""
        with self._speaking(key):
            try:
                return int(self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)["ContentLength"])
            except self._errors.ClientError as error:
                if _status(error) == 404:
                    return None
                raise

    def read(self, key: str) -> bytes | None:
        """A small object; None when there is none."""
        with self._speaking(key):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            except self._errors.ClientError as error:
                if _status(error) == 404:
                    return None
                raise
            data: bytes = body.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise StorageFailed(f"{key} in the storage is larger than {_MOST_BYTES:,} bytes.")
            return data

    def write(self, key: str, data: bytes) -> None:
        """Put a small object, whole or not at all."""
        with self._speaking(key):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def send(self, key: str, path: Path, begun: dict[str, Any], told: Told) -> None:
        """Send a file. ``begun`` is kept by the caller: with it a large file goes on after the parts that arrived."""
        size = path.stat().st_size
        with self._speaking(key), path.open("rb") as file:
            if size <= self._part:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=file)
                told(size)
                return
            self._send_parts(key, file, size, begun, told)

    def fetch(self, key: str, file: IO[bytes], start: int, told: Told) -> None:
        """Append an object to ``file`` from byte ``start`` on."""
        with self._speaking(key):
            span = {"Range": f"bytes={start}-"} if start else {}
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **span)["Body"]
            for chunk in body.iter_chunks(_CHUNK):
                file.write(chunk)
                told(len(chunk))

    def keys(self) -> Iterator[str]:
        """The names of all objects."""
        with self._speaking("the listing"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for item in page.get("Contents", ()):
                    yield item["Key"].removeprefix(self._prefix)

    def remove(self, key: str) -> None:
        """Remove an object."""
        with self._speaking(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def _send_parts(self, key: str, file: IO[bytes], size: int, begun: dict[str, Any], told: Told) -> None:
        where = {"Bucket": self._bucket, "Key": self._prefix + key}
        arrived = self._arrived(where, begun.get(key))
        if key not in begun or arrived is None:
            begun[key] = self._client.create_multipart_upload(**where)["UploadId"]
            arrived = {}
        upload = {**where, "UploadId": begun[key]}
        parts = []
        for number, start in enumerate(range(0, size, self._part), 1):
            length = min(self._part, size - start)
            tag, known = arrived.get(number, ("", 0))
            if known != length:
                file.seek(start)
                tag = self._client.upload_part(**upload, PartNumber=number, Body=file.read(length))["ETag"]
            parts.append({"PartNumber": number, "ETag": tag})
            told(length)
        self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        del begun[key]

    def _arrived(self, where: dict[str, str], upload: str | None) -> dict[int, tuple[str, int]] | None:
        """The parts of an upload that was begun; None when the storage knows nothing of it."""
        if upload is None:
            return {}
        try:
            pages = self._client.get_paginator("list_parts").paginate(**where, UploadId=upload)
            return {
                part["PartNumber"]: (part["ETag"], part["Size"]) for page in pages for part in page.get("Parts", ())
            }
        except self._errors.ClientError as error:
            if _status(error) == 404:
                return None
            raise

    @contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        try:
            yield
        except (self._errors.BotoCoreError, self._errors.ClientError) as error:
            raise StorageFailed(
                f"The storage could not be asked for {what}: {error}.", hint="What has arrived is kept; resume the job."
            ) from error


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

"""Settings of the cloud: storage that speaks S3, and Pinecone."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Cloud(Group):
    """Where sources are published."""

    bucket: str | None = setting(None, kinds.TEXT, "bucket of the S3-compatible storage; none: no storage")
    endpoint: str | None = setting(
        None, kinds.TEXT, "its address, for storage other than Amazon's", also=("AWS_ENDPOINT_URL",)
    )
    region: str = setting("auto", kinds.TEXT, "its region; auto suits most storage that is not Amazon's")
    access_key: str | None = setting(None, kinds.TEXT, "none: as Amazon's tools find it", also=("AWS_ACCESS_KEY_ID",))
    secret_key: str | None = setting(None, kinds.SECRET, "the secret of access_key", also=("AWS_SECRET_ACCESS_KEY",))
    prefix: str = setting("sources/", kinds.TEXT, "put before each name in the bucket")
    part_bytes: int = setting(
        16 * 2**20, kinds.BYTES, "large files go up in parts of this size, each of which an interruption keeps",
        least=5 * 2**20,
    )  # fmt: skip
    pinecone_key: str | None = setting(None, kinds.SECRET, "Pinecone's key", also=("PINECONE_API_KEY",))
    pinecone_host: str | None = setting(None, kinds.TEXT, "address of the Pinecone index, https://….pinecone.io")
    pinecone_namespace: str = setting("sources", kinds.TEXT, "namespace of the index in which sources lie")

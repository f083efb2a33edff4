"""Settings of models: embedding models and language models, on this machine or behind an address."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting

OPENAI = "https://api.openai.com/v1"


@group
class Models(Group):
    """Which models jobs use. Any address that speaks the OpenAI interface will do."""

    embedding: str = setting(
        "auto",
        kinds.TEXT,
        "embedding model on this machine; auto: the best one that is installed",
        also=("ONWARD_SOURCES_MODEL",),
    )
    folder: str | None = setting(None, kinds.TEXT, "where downloaded models lie; none: ~/.local/share/onward/models")
    hub: str = setting("https://huggingface.co", kinds.TEXT, "where models are downloaded from", also=("HF_ENDPOINT",))
    language_pack: str = setting(
        "Xenova/opus-mt-{source}-{target}", kinds.TEXT, "the hub's name for the translation model of two languages"
    )
    address: str = setting(OPENAI, kinds.TEXT, "OpenAI-compatible service", also=("OPENAI_BASE_URL",))
    key: str | None = setting(
        None, kinds.SECRET, "its key; without one this address is asked only if it is not OpenAI's",
        also=("OPENAI_API_KEY",),
    )  # fmt: skip
    online_embedding: str = setting(
        "text-embedding-3-small", kinds.TEXT, "its embedding model, for vectors of 1,536 dimensions"
    )
    chat: str | None = setting(
        None, kinds.TEXT, "language model at that address; none: gpt-4o-mini at OpenAI, else the first that is served"
    )
    local_address: str | None = setting(
        None, kinds.TEXT, "OpenAI-compatible server of your own, such as http://127.0.0.1:11434/v1; asked first"
    )
    local_key: str | None = setting(None, kinds.SECRET, "its key, if it wants one")
    local_chat: str | None = setting(None, kinds.TEXT, "language model of that server; none: the first that it serves")
    local_embeddings: tuple[str, ...] = setting(
        (), kinds.NAMES, "embedding models of that server by dimension, such as 768=nomic-embed-text"
    )
    timeout_seconds: float = setting(120, kinds.SECONDS, "how long one answer of a model may take", least=0.1)
    attempts: int = setting(4, kinds.WHOLE, "calls of a busy or failing service before giving up", least=1, most=20)

    @property
    def is_online(self) -> bool:
        """Whether the service at ``address`` may be asked: it has a key, or is not the one that needs one."""
        return self.key is not None or self.address.rstrip("/") != OPENAI

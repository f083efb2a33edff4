"""The job types ``model_download`` and ``language_download``: models by name into the models folder."""

from __future__ import annotations

import fnmatch
from typing import Annotated, Any

import orjson
from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.models import names
from onward.catalogue.models.hub_files import Hub, HubFile
from onward.catalogue.models.shelf import DONE, check_name, place_of
from onward.catalogue.sources.jobs.crawl import pauser
from onward.errors import OnwardError

types = JobTypes()
Record = dict[str, Any]
_NEEDED = ("config.json", "tokenizer.json", "1_Pooling/config.json", "onnx/model.onnx")
_LANGUAGE_FILES = ("*.json", "*.spm", "*.txt", "onnx/encoder_model.onnx", "onnx/decoder_model.onnx")
_CODE = r"^[a-z]{2,3}([-_][A-Za-z]{2,4})?$"
Patterns = Annotated[tuple[str, ...], Field(max_length=50)]


@types.job(
    name="model_download",
    label="Model Download",
    category="models",
    weight=30,
    resources=lambda params, source_id: [f"model:{params.model}"],  # noqa: ARG005 - asked of every job type
    searchable=["model"],
)
def model_download(
    ctx: Context,
    model: Annotated[
        str,
        Field(min_length=1, max_length=200, description="all-mpnet-base-v2, bge-large-en-v1.5, publisher/model."),
    ] = names.PREFERRED,
    files: Annotated[Patterns, Field(description="Which files; empty: what an embedding model needs here.")] = (),
) -> Record:
    """Download a model, going on where an interrupted download was, and check each file by its hash."""
    name = names.full(model) if names.short(model) in names.DIMENSIONS else check_name(model)
    return _download(ctx, name, files or _NEEDED, needs_all=not files)


@types.job(
    name="language_download",
    label="Language Download",
    category="models",
    weight=30,
    resources=lambda params, source_id: [f"language:{params.source_language}-{params.language}"],  # noqa: ARG005 - asked of every job type
    searchable=["language"],
)
def language_download(
    ctx: Context,
    language: Annotated[str, Field(pattern=_CODE, description="The language to translate into, such as de.")],
    source_language: Annotated[str, Field(pattern=_CODE, description="The language to translate from.")] = "en",
    files: Annotated[Patterns, Field(description="Which files; empty: model, words and settings.")] = (),
) -> Record:
    """Download the translation model of a pair of languages, checked like any model."""
    name = ctx.settings.models.language_pack.format(source=source_language, target=language)
    return _download(ctx, check_name(name), files or _LANGUAGE_FILES, needs_all=False)


def _download(ctx: Context, name: str, patterns: tuple[str, ...], *, needs_all: bool) -> Record:
    models = ctx.settings.models
    folder = place_of(models, name)
    with Hub(models.hub, pauser(ctx), models.attempts) as hub:
        wanted = _wanted(name, hub.files(name), patterns, needs_all=needs_all)
        total, done, fetched = sum(file.size for file in wanted), 0, 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            ctx.progress(done=min(done, total), total=total)
            ctx.check()

        for file in wanted:
            ctx.progress(message=file.name)
            fetched += hub.fetch(name, file, folder, told)
            ctx.checkpoint()
    record = {"model": name, "files": {file.name: file.sha256 or file.git for file in wanted}}
    draft = folder / f".{DONE}.draft"
    draft.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    draft.replace(folder / DONE)
    return {"model": name, "folder": str(folder), "files": len(wanted), "fetched": fetched, "bytes": total}


def _wanted(name: str, files: list[HubFile], patterns: tuple[str, ...], *, needs_all: bool) -> list[HubFile]:
    found = [file for file in files if any(fnmatch.fnmatchcase(file.name, pattern) for pattern in patterns)]
    there = {file.name for file in found}
    missing = [item for item in ("tokenizer.json", "onnx/model.onnx") if needs_all and item not in there]
    if missing or not found:
        raise OnwardError(
            f"{name} has no {missing[0] if missing else ', '.join(patterns)} on the hub.",
            hint="Choose a model that is published as ONNX, or name its files.",
        )
    return found

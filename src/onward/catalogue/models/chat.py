"""Chat with a language model behind an OpenAI-compatible address: texts, and records that fit a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from onward.catalogue.models.service import ModelRefused, Pause, Service
from onward.clock import Clock, SystemClock
from onward.errors import InvalidConfig, OnwardError
from onward.model.job import Json
from onward.model.schema import check_schema, misfits, sentence
from onward.settings import Models
from onward.settings.groups.models import OPENAI

_DEFAULT = "gpt-4o-mini"
_FENCE = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL)
_SHOWN = 200


class BadAnswer(OnwardError):
    """A language model did not give an answer that fits, also when told what was wrong."""

    code = "bad-answer"


class Message(NamedTuple):
    """What somebody says: ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which language model is asked, and why that one."""

    model: str
    address: str
    is_local: bool
    why: str


@dataclass(slots=True)
class Spent:
    """What a chat has cost so far, as far as the service tells."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


def is_configured(models: Models) -> bool:
    """Whether there is a language model to ask."""
    return models.local_address is not None or models.is_online


def open_chat(
    models: Models, model: str | None = None, *, clock: Clock | None = None, pause: Pause | None = None
) -> Chat:
    """A chat with the configured model: one's own server first, since then nothing leaves the house.

    ``model`` names another one: of one's own server if it serves that, else of the service. ``pause`` is that of
    ``Service``. Raises ``InvalidConfig`` when none is configured, ``ModelUnavailable`` when the server that is asked
    for its models does not answer.
    """
    clock = clock or SystemClock()
    if models.local_address is not None:
        service = _service(models, models.local_address, models.local_key, clock, pause)
        if model is None or not models.is_online or model in service.models():
            why = "models.local_address: one's own server comes first"
            return Chat(service, _choose(service, model or models.local_chat, why, is_local=True))
        service.close()
    if not models.is_online:
        raise InvalidConfig(
            "No language model is configured.",
            hint="Set ONWARD_MODELS_LOCAL_ADDRESS to a server of your own, or ONWARD_MODELS_KEY.",
        )
    service = _service(models, models.address, models.key, clock, pause)
    named = model or models.chat or (_DEFAULT if service.address == OPENAI else None)
    no_other = "no server of one's own is set" if models.local_address is None else "one's own server has no such model"
    return Chat(service, _choose(service, named, f"models.address: {no_other}", is_local=False))


def _service(models: Models, address: str, key: str | None, clock: Clock, pause: Pause | None) -> Service:
    return Service(address, key, clock, pause=pause, seconds=models.timeout_seconds, attempts=models.attempts)


def _choose(service: Service, named: str | None, where: str, *, is_local: bool) -> Choice:
    if named is not None:
        return Choice(named, service.address, is_local, f"{where}; the model is the one that is set")
    served = service.models()
    if not served:
        raise InvalidConfig(f"{service.address} serves no model.", hint="Load one there, or name it in the settings.")
    return Choice(served[0], service.address, is_local, f"{where}; the model is the first that it serves")


class Chat:
    """A conversation partner. Each call stands alone: what was said before is handed in. May be shared by threads."""

    def __init__(self, service: Service, choice: Choice) -> None:
        self.choice = choice
        self.spent = Spent()
        self._service = service
        self._knows_schemas = True

    def close(self) -> None:
        """Let go of the connections."""
        self._service.close()

    def text(self, messages: Sequence[Message], *, max_tokens: int = 1024, temperature: float = 0) -> str:
        """What the model says. Raises ``ModelUnavailable``, ``ModelRefused``, or ``BadAnswer`` for a cut answer."""
        text, is_cut = self._complete(messages, max_tokens, temperature, {})
        if is_cut:
            raise _cut(self.choice.model, max_tokens)
        return text

    def record(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Json] | type[BaseModel],
        *,
        name: str = "answer",
        max_tokens: int = 1024,
        temperature: float = 0,
        tries: int = 3,
        check: Callable[[Any], str | None] | None = None,
    ) -> Any:
        """A JSON value that fits ``schema``, as plain JSON; an answer that does not fit is sent back with the reason.

        ``check`` says what is wrong with a value that fits the schema, or None.

        Raises ``BadAnswer`` after ``tries`` answers that do not fit, else as ``text``; ``InvalidValue`` for a schema
        that is none.
        """
        form: dict[str, Any] = dict(schema) if isinstance(schema, Mapping) else schema.model_json_schema()
        check_schema(form, "The schema of the answer")
        said = list(messages)
        problem = ""
        for _ in range(tries):
            text, is_cut = self._structured(said, form, name, max_tokens, temperature)
            value, problem = _read(text, form)
            if not problem and check is not None:
                problem = (check(value) or "").rstrip(".")
            if not problem:
                return value
            if is_cut:
                raise _cut(self.choice.model, max_tokens)
            complaint = f"That does not fit: {problem}. Answer with the mended JSON alone."
            said = [*messages, Message("assistant", text), Message("user", complaint)]
        raise BadAnswer(
            f"{self.choice.model} gave no answer that fits in {tries} tries: {problem}.",
            hint="Nothing was changed. Try a larger model.",
        )

    def _structured(
        self, messages: Sequence[Message], form: dict[str, Any], name: str, max_tokens: int, temperature: float
    ) -> tuple[str, bool]:
        if self._knows_schemas:
            described = {"name": name, "schema": form, "strict": _is_strict(form)}
            asked = {"response_format": {"type": "json_schema", "json_schema": described}}
            try:
                return self._complete(messages, max_tokens, temperature, asked)
            except ModelRefused as refused:
                if refused.status not in (400, 422) or "response_format" not in str(refused):
                    raise
                self._knows_schemas = False
        # An older server: the form goes into the words.
        rule = Message("system", f"Answer with JSON alone that fits this JSON Schema: {orjson.dumps(form).decode()}")
        return self._complete([rule, *messages], max_tokens, temperature, {})

    def _complete(
        self, messages: Sequence[Message], max_tokens: int, temperature: float, more: Mapping[str, Json]
    ) -> tuple[str, bool]:
        """The answer, and whether it was cut for its length."""
        body = {
            "model": self.choice.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            **more,
        }
        answer = self._service.post("/chat/completions", body)
        self._count(answer.get("usage"))
        try:
            first = answer["choices"][0]
            message = first["message"]
            text = message.get("content")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise ModelRefused(f"{self._service.address} does not answer in the OpenAI interface.") from None
        if not isinstance(text, str):
            refusal = str(message.get("refusal") or "no text")[:_SHOWN]
            raise BadAnswer(f"{self.choice.model} gave no answer: {refusal}.")
        return text, first.get("finish_reason") == "length"

    def _count(self, usage: Any) -> None:
        self.spent.requests += 1
        if isinstance(usage, dict):
            self.spent.tokens_in += int(usage.get("prompt_tokens") or 0)
            self.spent.tokens_out += int(usage.get("completion_tokens") or 0)


def _read(text: str, form: Mapping[str, Any]) -> tuple[Any, str]:
    """The value, and what is wrong with it."""
    stripped = text.strip()
    fenced = _FENCE.match(stripped)
    try:
        value = orjson.loads(fenced[1] if fenced else stripped)
    except orjson.JSONDecodeError as error:
        return None, f"it is not JSON ({error})"
    return value, sentence(misfits(dict(form), value))


def _is_strict(form: Any) -> bool:
    """Whether every object of a schema names all that it may hold: services force only such ones upon a model."""
    if isinstance(form, list):
        return all(_is_strict(item) for item in form)
    if not isinstance(form, dict):
        return True
    if form.get("type") == "object" or "properties" in form:
        closed = form.get("additionalProperties") is False
        if not closed or set(form.get("required", ())) != set(form.get("properties", {})):
            return False
    return all(_is_strict(value) for value in form.values())


def _cut(model: str, max_tokens: int) -> BadAnswer:
    return BadAnswer(f"The answer of {model} was cut after {max_tokens} tokens.", hint="Allow more, or ask for less.")

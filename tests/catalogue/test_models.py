"""Models behind an address: embeddings and chat on the wire, and what happens when the service does not play along."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from onward.catalogue.models.chat import BadAnswer, Chat, Message, is_configured, open_chat
from onward.catalogue.models.embedder import choose, default_dimension
from onward.catalogue.models.service import ModelRefused, ModelUnavailable, Service
from onward.clock import ManualClock
from onward.errors import InvalidConfig, InvalidValue
from onward.settings import Models, Settings
from tests.catalogue.model_server import ModelServer

QUESTION = [Message("user", "What is it?")]
SCHEMA = {
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["tags"],
    "additionalProperties": False,
}


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def online(model_server: ModelServer) -> Models:
    return Models(address=model_server.url, attempts=3)


def chat(server: ModelServer, pauses: list[float], **settings: Any) -> Chat:
    return open_chat(Models(address=server.url, **settings), clock=ManualClock(), pause=pauses.append)


def test_texts_of_one_meaning_are_near_in_any_size(online: Models, model_server: ModelServer) -> None:
    found = choose(online, 1536).embed(["bake bread in the oven", "a loaf from the bakery", "planets round the sun"])
    assert found.shape == (3, 1536)
    assert abs(float((found[0] ** 2).sum()) - 1) < 1e-5
    assert float(found[0] @ found[1]) > 0.4 > float(found[0] @ found[2])
    path, body = model_server.asked[0]
    assert (path, body["model"], body["dimensions"]) == ("/v1/embeddings", "text-embedding-3-small", 1536)


def test_many_texts_go_in_few_requests_and_come_back_in_order(online: Models, model_server: ModelServer) -> None:
    texts = [f"text {number}" for number in range(230)]
    embedder = choose(online, 1536)
    found = embedder.embed([*texts, ""])
    assert [len(body["input"]) for _, body in model_server.asked] == [100, 100, 31]
    assert model_server.texts == [*texts, " "]
    assert abs(float(found[117] @ embedder.embed(["text 117"])[0]) - 1) < 1e-3


def test_a_server_of_ones_own_serves_other_dimensions(model_server: ModelServer) -> None:
    models = Models(local_address=model_server.url, local_embeddings=("1536=nomic", "512=tiny"))
    embedder = choose(models, 1536)
    assert (embedder.model, embedder.embed(["x"]).shape) == ("nomic", (1, 1536))
    assert "dimensions" not in model_server.asked[0][1]
    with pytest.raises(ModelRefused, match="1536"):
        choose(models, 512).embed(["x"])
    with pytest.raises(InvalidConfig, match="DIMENSION=MODEL"):
        choose(Models(local_embeddings=("nomic",)))
    assert default_dimension(models) == 384


def test_a_busy_service_is_asked_again_as_it_says(
    online: Models, model_server: ModelServer, pauses: list[float]
) -> None:
    model_server.troubles = [
        (429, {"Retry-After": "7"}, {"error": {"message": "Slow down."}}),
        (503, {}, {"error": "overloaded"}),
    ]
    found = choose(online, 1536, clock=ManualClock(), pause=pauses.append).embed(["x"])
    assert found.shape == (1, 1536)
    assert pauses[0] == 7
    assert 2 <= pauses[1] <= 3


def test_a_service_that_goes_on_failing_is_given_up(
    online: Models, model_server: ModelServer, pauses: list[float]
) -> None:
    model_server.troubles = [(500, {}, {"error": {"message": "boom"}})] * 3
    with pytest.raises(ModelUnavailable, match=r"3 attempts: it answered 500 \(boom\)"):
        choose(online, 1536, clock=ManualClock(), pause=pauses.append).embed(["x"])
    assert len(pauses) == 2


def test_what_asking_again_would_not_mend_is_not_asked_again(model_server: ModelServer, pauses: list[float]) -> None:
    model_server.key = "right"
    with pytest.raises(ModelRefused, match="Incorrect API key") as refused:
        choose(Models(address=model_server.url, key="wrong"), 1536, pause=pauses.append).embed(["x"])
    assert (refused.value.status, pauses, len(model_server.asked)) == (401, [], 1)
    assert "wrong" not in str(refused.value)
    assert choose(Models(address=model_server.url, key="right"), 1536).embed(["x"]).shape == (1, 1536)


def test_a_redirect_is_not_followed_with_the_key(online: Models, model_server: ModelServer) -> None:
    model_server.troubles = [(307, {"Location": "http://127.0.0.1:9/v1/embeddings"}, {})]
    with pytest.raises(ModelRefused, match="redirects"):
        choose(online, 1536).embed(["x"])


def test_an_address_where_nothing_listens_is_named(pauses: list[float]) -> None:
    service = Service("http://127.0.0.1:9/v1", None, ManualClock(), pause=pauses.append, attempts=2)
    with pytest.raises(ModelUnavailable, match="127.0.0.1:9"):
        service.models()
    with pytest.raises(InvalidConfig):
        Service("localhost:11434", None, ManualClock())


def test_nothing_is_sent_to_openai_without_a_key() -> None:
    with pytest.raises(InvalidConfig, match="ONWARD_MODELS_KEY"):
        choose(Models(), 1536)
    with pytest.raises(InvalidConfig, match="No language model"):
        open_chat(Models())
    assert not is_configured(Models())
    assert is_configured(Models(key="k"))


def test_ones_own_server_comes_first_and_the_choice_is_told(model_server: ModelServer) -> None:
    mine = open_chat(Models(local_address=model_server.url, key="k")).choice
    assert (mine.model, mine.address, mine.is_local) == ("tiny-chat", model_server.url, True)
    assert "first that it serves" in mine.why
    named = open_chat(Models(address=model_server.url, chat="big")).choice
    assert (named.model, named.is_local) == ("big", False)
    model_server.names = ()
    with pytest.raises(InvalidConfig, match="serves no model"):
        open_chat(Models(local_address=model_server.url))


def test_a_chat_says_something_and_what_it_cost(model_server: ModelServer, pauses: list[float]) -> None:
    partner = chat(model_server, pauses)
    assert partner.text(QUESTION) == "Hello."
    assert (partner.spent.requests, partner.spent.tokens_in, partner.spent.tokens_out) == (1, 11, 3)
    assert model_server.asked[-1][1]["messages"] == [{"role": "user", "content": "What is it?"}]


def test_a_record_that_does_not_fit_is_sent_back_with_the_reason(
    model_server: ModelServer, pauses: list[float]
) -> None:
    answers = ["no json", '{"tags": "one"}', '```json\n{"tags": ["one"]}\n```']
    model_server.say = lambda body: answers.pop(0)
    assert chat(model_server, pauses).record(QUESTION, SCHEMA) == {"tags": ["one"]}
    asked = [body for path, body in model_server.asked if path.endswith("completions")]
    assert asked[0]["response_format"]["json_schema"]["strict"] is True
    assert "not JSON" in asked[1]["messages"][-1]["content"]
    assert "tags: 'one' is not of type 'array'" in asked[2]["messages"][-1]["content"]
    assert len(asked[2]["messages"]) == 3


def test_a_model_that_never_answers_as_asked_is_given_up(model_server: ModelServer, pauses: list[float]) -> None:
    model_server.say = lambda body: "{}"
    with pytest.raises(BadAnswer, match="in 2 tries: tags: is missing"):
        chat(model_server, pauses).record(QUESTION, SCHEMA, tries=2)
    model_server.say = lambda body: {"finish_reason": "length", "message": {"content": '{"tags": ["o'}}
    with pytest.raises(BadAnswer, match="cut after 9 tokens"):
        chat(model_server, pauses).record(QUESTION, SCHEMA, max_tokens=9)
    model_server.say = lambda body: {"message": {"content": None, "refusal": "I will not."}}
    with pytest.raises(BadAnswer, match="I will not"):
        chat(model_server, pauses).text(QUESTION)
    with pytest.raises(InvalidValue):
        chat(model_server, pauses).record(QUESTION, {"type": "nothing"})


def test_a_server_that_knows_no_schemas_gets_the_schema_in_words(
    model_server: ModelServer, pauses: list[float]
) -> None:
    class Answer(BaseModel):
        tags: list[str]

    model_server.knows_schemas = False
    model_server.say = lambda body: json.dumps({"tags": [body["messages"][0]["role"]]})
    partner = chat(model_server, pauses)
    assert partner.record(QUESTION, Answer) == {"tags": ["system"]}
    assert partner.record(QUESTION, Answer) == {"tags": ["system"]}
    assert len([path for path, _ in model_server.asked if path.endswith("completions")]) == 3


def test_keys_are_never_shown() -> None:
    settings = Settings(models={"key": "sk-canary", "local_key": "canary"})
    shown = repr(settings) + str([origin.value for origin in settings.origins()])
    assert "canary" not in shown


def test_a_model_by_name_is_that_of_ones_own_server_if_it_serves_it(model_server: ModelServer) -> None:
    own = ModelServer(names=("small", "large"))
    models = Models(local_address=own.url, address=model_server.url, local_chat="small", chat="tiny-chat")
    for name, model, is_local in ((None, "small", True), ("large", "large", True), ("tiny-chat", "tiny-chat", False)):
        found = open_chat(models, name).choice
        assert (found.model, found.is_local) == (model, is_local)
    assert "has no such model" in open_chat(models, "tiny-chat").choice.why
    assert open_chat(Models(local_address=own.url), "unknown").choice.is_local, "there is no other to ask"
    own.close()


def test_a_record_that_fits_its_schema_may_be_sent_back_for_what_it_says(
    model_server: ModelServer, pauses: list[float]
) -> None:
    answers = iter(['{"tags": ["wrong"]}', '{"tags": ["right"]}'])
    model_server.say = lambda body: next(answers)

    def check(value: Any) -> str | None:
        return "The tag is wrong." if value["tags"] == ["wrong"] else None

    assert chat(model_server, pauses).record(QUESTION, SCHEMA, check=check) == {"tags": ["right"]}
    assert "The tag is wrong" in model_server.asked[-1][1]["messages"][-1]["content"]

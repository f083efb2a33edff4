"""Real graphs of LangGraph, of each kind that a clean-up must not break."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from langgraph.channels.delta import DeltaChannel
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt


class State(TypedDict):
    """What the graphs carry."""

    words: Annotated[list[str], operator.add]
    turns: int


def say(state: Any) -> dict[str, Any]:
    return {"words": ["said"], "turns": state.get("turns", 0) + 1}


def end(state: Any) -> dict[str, Any]:
    return {"words": ["end"]}


def ask(state: Any) -> dict[str, Any]:
    return {"words": [f"answer {interrupt('go on?')}"]}


class Broken(Exception):
    """What ``fail`` raises."""


broken = True


def fail(state: Any) -> dict[str, Any]:
    if broken:
        raise Broken("the model is away")
    return {"words": ["mended"]}


def chain(saver: Any, schema: Any = State, **options: Any) -> Any:
    """Two nodes one after the other."""
    graph = StateGraph(schema)
    graph.add_node("say", say)
    graph.add_node("end", end)
    graph.add_edge(START, "say")
    graph.add_edge("say", "end")
    graph.add_edge("end", END)
    return graph.compile(checkpointer=saver, **options)


def stops_before_the_end(saver: Any) -> Any:
    """Stops by itself before a node, without a question."""
    return chain(saver, interrupt_before=["end"])


def fails(saver: Any) -> Any:
    """A node that raises until it is mended."""
    graph = StateGraph(State)
    graph.add_node("say", say)
    graph.add_node("fail", fail)
    graph.add_edge(START, "say")
    graph.add_edge("say", "fail")
    graph.add_edge("fail", END)
    return graph.compile(checkpointer=saver)


def asks_in_a_subgraph(saver: Any, keep: Any = None) -> Any:
    """A question within a subgraph; ``keep=True`` gives the subgraph a memory over its calls."""
    inner = StateGraph(State)
    inner.add_node("say", say)
    inner.add_node("ask", ask)
    inner.add_edge(START, "say")
    inner.add_edge("say", "ask")
    inner.add_edge("ask", END)
    graph = StateGraph(State)
    graph.add_node("first", say)
    graph.add_node("inner", inner.compile(checkpointer=keep))
    graph.add_node("end", end)
    graph.add_edge(START, "first")
    graph.add_edge("first", "inner")
    graph.add_edge("inner", "end")
    graph.add_edge("end", END)
    return graph.compile(checkpointer=saver)


def asks_in_a_lasting_subgraph(saver: Any) -> Any:
    return asks_in_a_subgraph(saver, keep=True)


def fans_out(saver: Any) -> Any:
    """Sends to nodes, and a node that waits for two."""
    graph = StateGraph(State)
    for name in ("part", "other"):
        graph.add_node(name, end)
    graph.add_node("say", say)
    graph.add_node("join", say)
    graph.add_edge(START, "say")
    graph.add_conditional_edges("say", lambda state: [Send("part", {}), Send("part", {})], ["part"])
    graph.add_edge("say", "other")
    graph.add_edge(["part", "other"], "join")
    graph.add_edge("join", END)
    return graph.compile(checkpointer=saver)


def append(known: Any, writes: Sequence[Any]) -> list[str]:
    return [*(known or []), *(word for words in writes for word in words)]


class Delta(TypedDict):
    """State that is made of older checkpoints."""

    words: Annotated[list[str], DeltaChannel(append)]
    turns: int


class Snapshots(TypedDict):
    """The same with a snapshot at each update, so that nothing else tells of it."""

    words: Annotated[list[str], DeltaChannel(append, snapshot_frequency=1)]
    turns: int


def delta(saver: Any) -> Any:
    return chain(saver, Delta)


def snapshots(saver: Any) -> Any:
    return chain(saver, Snapshots)

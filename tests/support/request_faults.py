"""Faults that a request suffers before it is rendered."""

import html
import json
import random
from collections.abc import Iterator
from typing import Any

from tests.support.fault import Faults, Refused, everywhere

FAULTS = Faults()
RenderedRequest = dict[str, Any]
PROPERTY_KEYS = ("anyOf", "type", "items", "description", "enum", "properties", "required")


def _of(asked: RenderedRequest, role: str) -> Iterator[dict[str, Any]]:
    return (message for message in asked["messages"] if message["role"] == role)


def _schemas(asked: RenderedRequest) -> Iterator[dict[str, Any]]:
    for tool in asked.get("tools", ()):
        yield tool["function"].get("parameters", {})


def _calls(asked: RenderedRequest) -> Iterator[dict[str, Any]]:
    for message in _of(asked, "assistant"):
        for call in message.get("tool_calls") or ():
            yield call["function"]


def _change_arguments(asked: RenderedRequest, change: Any) -> None:
    for function in _calls(asked):
        function["arguments"] = json.dumps(change(json.loads(function["arguments"])), ensure_ascii=False)


@FAULTS.request("tools-dropped", "prompt")
def tools_dropped(asked: RenderedRequest) -> None:
    """A template without support for tools is given none."""
    asked.pop("tools", None)


@FAULTS.request("tool-keys-lost", "prompt")
def schema_keys_dropped(asked: RenderedRequest) -> None:
    """Of a property only the keys survive that a struct in the server has."""

    def kept(schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        out = {key: value for key, value in schema.items() if key in PROPERTY_KEYS}
        if isinstance(out.get("properties"), dict):
            out["properties"] = {name: kept(inner) for name, inner in out["properties"].items()}
        return out

    for schema in _schemas(asked):
        for name, inner in (schema.get("properties") or {}).items():
            schema["properties"][name] = kept(inner)


@FAULTS.request("type-lost", "prompt")
def types_of_parameters_dropped(asked: RenderedRequest) -> None:
    """Of a parameter everything is kept but its type."""

    def untyped(value: Any) -> Any:
        if isinstance(value, dict):
            types = [key for key in value if key == "type" and not isinstance(value[key], dict)]
            return {key: untyped(inner) for key, inner in value.items() if key not in types}
        return [untyped(inner) for inner in value] if isinstance(value, list) else value

    for schema in _schemas(asked):
        schema |= {key: untyped(value) for key, value in schema.items() if key != "type"}


@FAULTS.request("parameter-dropped", "prompt")
def parameters_named_like_keywords_dropped(asked: RenderedRequest) -> None:
    """Parameters named `type` or `description` are taken for the schema's own."""
    for schema in _schemas(asked):
        for name in ("type", "description"):
            (schema.get("properties") or {}).pop(name, None)


@FAULTS.request("tools-rewritten", "prompt")
def schema_keys_sorted(asked: RenderedRequest) -> None:
    """The server sorts the keys of the tools."""
    asked["tools"] = json.loads(json.dumps(asked.get("tools", []), sort_keys=True))


@FAULTS.request("tools-rewritten", "prompt")
def tools_in_reverse(asked: RenderedRequest) -> None:
    """The tools come in another order than they were given."""
    asked["tools"] = asked.get("tools", [])[::-1]


@FAULTS.request("number-rewritten loop-call-changed", "prompt")
def numbers_through_float64(asked: RenderedRequest) -> None:
    """The numbers of earlier calls pass through float64 and are printed as JavaScript does."""

    def printed(value: Any) -> Any:
        if isinstance(value, float | int) and not isinstance(value, bool) and float(value).is_integer():
            return int(float(value))
        return value

    _change_arguments(asked, lambda arguments: everywhere(arguments, printed))


@FAULTS.request("html-escaped", "prompt")
def text_escaped_for_html(asked: RenderedRequest) -> None:
    """The template engine escapes what it takes for a page's text, in results and messages."""
    for message in asked["messages"]:
        if isinstance(message.get("content"), str):
            message["content"] = html.escape(message["content"], quote=False)


@FAULTS.request("unicode-escaped", "prompt")
def results_escaped_to_ascii(asked: RenderedRequest) -> None:
    """Results are written again as JSON with escapes."""
    for message in _of(asked, "tool"):
        message["content"] = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in message["content"])


@FAULTS.request("arguments-resorted loop-call-changed", "prompt")
def earlier_arguments_sorted(asked: RenderedRequest) -> None:
    """The arguments of earlier calls are kept in a map that forgets their order."""
    _change_arguments(asked, lambda arguments: dict(sorted(arguments.items())))


@FAULTS.request("calls-lost-from-history", "prompt")
def earlier_calls_dropped(asked: RenderedRequest) -> None:
    """Earlier calls do not reach the template."""
    for message in _of(asked, "assistant"):
        if message.pop("tool_calls", None):
            message["content"] = message.get("content") or ""


@FAULTS.request("content-lost-from-history", "prompt")
def text_beside_earlier_calls_dropped(asked: RenderedRequest) -> None:
    """A message with calls loses its text."""
    for message in _of(asked, "assistant"):
        if message.get("tool_calls"):
            message["content"] = None


@FAULTS.request("result-lost", "prompt")
def results_emptied(asked: RenderedRequest) -> None:
    """The text of results does not reach the template."""
    for message in _of(asked, "tool"):
        message["content"] = ""


@FAULTS.request("result-rewritten whitespace-in-prompt", "prompt")
def results_read_and_printed(asked: RenderedRequest) -> None:
    """Results that are JSON are read, and printed without spaces."""
    for message in _of(asked, "tool"):
        try:
            message["content"] = json.dumps(json.loads(message["content"]), ensure_ascii=False, separators=(",", ":"))
        except ValueError:
            continue


@FAULTS.request("result-rewritten", "prompt")
def results_quoted(asked: RenderedRequest) -> None:
    """Results are written as JSON strings once more."""
    for message in _of(asked, "tool"):
        message["content"] = json.dumps(message["content"], ensure_ascii=False)


@FAULTS.request("results-swapped", "prompt")
def results_in_reverse(asked: RenderedRequest) -> None:
    """The results of one round of calls come in reverse."""
    results = list(_of(asked, "tool"))
    if [message["role"] for message in asked["messages"]].count("assistant") == 1 and len(results) > 1:
        others = [message for message in asked["messages"] if message["role"] != "tool"]
        place = next(place for place, message in enumerate(asked["messages"]) if message["role"] == "tool")
        asked["messages"] = [*others[:place], *results[::-1], *others[place:]]


@FAULTS.request("result-cut", "prompt")
def results_cut(asked: RenderedRequest) -> None:
    """Of a long result half is left."""
    for message in _of(asked, "tool"):
        if len(message["content"]) > 100:
            message["content"] = message["content"][: len(message["content"]) // 2]


@FAULTS.request("system-injected", "prompt")
def system_prompt_added(asked: RenderedRequest) -> None:
    """Whoever brings no system prompt gets one."""
    if not any(_of(asked, "system")):
        asked["messages"].insert(0, {"role": "system", "content": "You are a helpful assistant."})


@FAULTS.request("system-lost", "prompt")
def system_prompt_dropped(asked: RenderedRequest) -> None:
    """The system prompt is not passed on."""
    asked["messages"] = [message for message in asked["messages"] if message["role"] != "system"]


@FAULTS.request("system-moved", "prompt")
def system_message_moved_to_the_beginning(asked: RenderedRequest) -> None:
    """Wherever a system message stands, it comes first."""
    asked["messages"].sort(key=lambda message: message["role"] != "system")


@FAULTS.request("thinking-default thought-cue-missing", "prompt", "qwen3", "gemma4")
def thinking_option_ignored(asked: RenderedRequest) -> None:
    """Whether to think is the server's own choice."""
    asked.pop("chat_template_kwargs", None)


@FAULTS.request("whitespace-in-prompt", "prompt")
def messages_trimmed(asked: RenderedRequest) -> None:
    """Whitespace around what users say is taken away."""
    for message in _of(asked, "user"):
        message["content"] = message["content"].strip()


@FAULTS.request("request-refused", "prompt")
def calls_without_text_refused(asked: RenderedRequest) -> None:
    """A message without content is an error, calls or not."""
    if any(message.get("content") is None for message in asked["messages"]):
        raise Refused(400, "messages: content is required")


@FAULTS.request("unstable-prompt tools-rewritten", "prompt")
def tools_shuffled(asked: RenderedRequest) -> None:
    """Tools come from a map in whatever order it has at the moment."""
    random.shuffle(asked.get("tools", []))


@FAULTS.request("loop-reasoning-changed", "loop", "qwen3", "gemma4")
def earlier_reasoning_dropped(asked: RenderedRequest) -> None:
    """The reasoning of earlier turns is not passed on."""
    for message in _of(asked, "assistant"):
        message.pop("reasoning_content", None)


@FAULTS.squeeze("oldest-messages-dropped", "context")
def oldest_messages_dropped(asked: RenderedRequest) -> bool:
    """What does not fit loses its oldest messages, the system prompt excepted."""
    old = [message for message in asked["messages"] if message["role"] != "system"]
    if len(old) < 2:
        return False
    asked["messages"].remove(old[0])
    return True


@FAULTS.squeeze("system-dropped oldest-messages-dropped", "context")
def system_prompt_squeezed_out(asked: RenderedRequest) -> bool:
    """What does not fit loses its first message, whatever it is."""
    if len(asked["messages"]) < 2:
        return False
    del asked["messages"][0]
    return True


@FAULTS.request("sampler-default", "sampling")
def sampler_defaults(asked: RenderedRequest) -> None:
    """What is not asked for is set to the usual."""
    for name, value in {"temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.05}.items():
        asked.setdefault(name, value)


@FAULTS.request("temperature-ignored", "sampling")
def temperature_ignored(asked: RenderedRequest) -> None:
    """The temperature is not looked at, 0 excepted."""
    if asked.get("temperature"):
        del asked["temperature"]


@FAULTS.request("top-k-ignored", "sampling")
def top_k_ignored(asked: RenderedRequest) -> None:
    """top_k is not looked at."""
    asked.pop("top_k", None)


@FAULTS.request("top-p-ignored", "sampling")
def top_p_ignored(asked: RenderedRequest) -> None:
    """top_p is not looked at."""
    asked.pop("top_p", None)


@FAULTS.request("min-p-ignored", "sampling")
def min_p_ignored(asked: RenderedRequest) -> None:
    """min_p is not looked at."""
    asked.pop("min_p", None)


@FAULTS.request("penalty-applied", "sampling")
def penalty_unasked(asked: RenderedRequest) -> None:
    """Repetition is penalized unless the request forbids it."""
    asked.setdefault("repeat_penalty", 1.1)


@FAULTS.request("penalty-ignored", "sampling")
def penalty_ignored(asked: RenderedRequest) -> None:
    """repeat_penalty is not looked at."""
    asked.pop("repeat_penalty", None)


@FAULTS.request("seed-ignored", "sampling")
def seed_ignored(asked: RenderedRequest) -> None:
    """Every request has a seed of its own."""
    asked.pop("seed", None)

"""llama.cpp's own template engine, in a real server, gives our renderer's bytes with the templates that we emit.

Compared are all golden conversations, each in every format that can say it. Where the two part, it is for one of the
reasons below; each is seen in the conversation, not in the outcome, and shown to hold by a test of its own, so that a
reason which llama.cpp repairs is noticed. docs/peers.md lists them.
"""

import json
from pathlib import Path

import pytest
from tests.peers.llama_cpp.llama_server import serve
from tests.support.tiny import tiny_tokenizer, write_tiny_gguf

from callwright.errors import CallwrightError
from callwright.formats import FORMATS, get_format
from callwright.notices import ignore
from callwright.openai import read_conversation
from callwright.tokens import encode_segments

pytestmark = pytest.mark.peer("llama.cpp")

ROWS = [
    json.loads(line)
    for path in sorted((Path(__file__).parents[2] / "golden" / "render").glob("*.jsonl"))
    for line in path.open(encoding="utf-8")
]
ALL = [(fmt.name, fmt.variant) for fmt in FORMATS.values()]
every_format = pytest.mark.parametrize(("name", "variant"), ALL, ids=["/".join(filter(None, pair)) for pair in ALL])
WORDS = {"type", "function"}
FIELDS = {"name", "description", "parameters"}


def numbers_lose_digits(row):
    """Integers beyond 64 bits, and floats of more than six digits, print as C prints them with %g."""
    return any(number != float(f"{number:.6g}") for number in _numbers(row["messages"])) or any(
        isinstance(number, int) and not -(2**63) <= number < 2**63 for number in _numbers(row["messages"])
    )


def last_answers_are_continued(row):
    """An assistant's message in last place is left open, and one with calls there is refused."""
    return row["messages"][-1]["role"] == "assistant"


def results_without_text_are_empty(row):
    """A result of null becomes an empty text, and one that is an object is refused."""
    return any(m["role"] == "tool" and not isinstance(m["content"], str | list) for m in row["messages"])


def results_in_parts_are_joined(row):
    """The text parts of a result become one text, or nothing."""
    return any(m["role"] == "tool" and isinstance(m["content"], list) for m in row["messages"])


def tools_lose_keys(row):
    """Of a function only its name, description and parameters reach the template."""
    return any(tool.keys() - WORDS or tool["function"].keys() - FIELDS for tool in row["tools"])


def loud_types_are_refused(row):
    """A schema whose types are written OBJECT and STRING is refused before the template sees it."""
    return any(tool["function"]["parameters"].get("type") == "OBJECT" for tool in row["tools"])


def _numbers(value):
    if isinstance(value, dict):
        return [number for item in value.values() for number in _numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


REASONS = (
    numbers_lose_digits,
    last_answers_are_continued,
    results_without_text_are_empty,
    results_in_parts_are_joined,
    tools_lose_keys,
    loud_types_are_refused,
)


def calls_are_rewritten_for_gemma_4(row):
    """Gemma 4's template is known by its markers; results that look like JSON become data, and reasoning moves."""
    return any("tool_calls" in message for message in row["messages"])


def capitals_sort_first(row):
    """`dictsort` minds case, which Jinja's does not."""
    keys = {key for tool in row["tools"] for key in tool["function"]["parameters"].get("properties", ())}
    return sorted(keys) != sorted(keys, key=str.lower)


OF_ONE = {"gemma4": (calls_are_rewritten_for_gemma_4, capitals_sort_first), "functiongemma": (capitals_sort_first,)}
"""Reasons that concern one format."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_gguf(tmp_path_factory.mktemp("llama_cpp") / "tiny.gguf")


def served(model, fmt, scratch):
    """A server that has the format's template."""
    path = scratch / "template.jinja"
    path.write_text(fmt.chat_template(), encoding="utf-8")
    return serve(model, "--chat-template-file", str(path), context=512)


def prompt_of(fmt, row):
    conversation = read_conversation(row, ignore)
    rendered = fmt.render(
        conversation, add_generation_prompt=row["add_generation_prompt"], thinking=row["enable_thinking"]
    )
    return rendered.segments, rendered.text.removeprefix(fmt.bos)


def applied(client, row, fmt):
    """The prompt that the server gives, or its refusal.

    Left out, thinking is wanted in llama.cpp; so what the format takes its absence for is said.
    """
    thinking = row["enable_thinking"]
    if thinking is None:
        thinking = prompt_of(fmt, row | {"enable_thinking": False})[1] != prompt_of(fmt, row)[1]
    body = {"messages": row["messages"], "add_generation_prompt": row["add_generation_prompt"]}
    if row["tools"]:
        body["tools"] = row["tools"]
    body["chat_template_kwargs"] = {"enable_thinking": thinking}
    answer = client.post("/apply-template", json=body)
    return answer.json()["prompt"] if answer.status_code == 200 else answer.text


def sayable(fmt):
    """Golden rows of this format, and of others what it can say as well."""
    for row in ROWS:
        own = row["format"] == fmt.name and (row["variant"] or "") in ("", fmt.variant)
        if row.get("template_bug") or not (own or row["format"] == "qwen25"):
            continue
        try:
            yield row, *prompt_of(fmt, row)
        except CallwrightError:
            continue


@every_format
def test_the_server_prints_our_bytes(name, variant, model, tmp_path):
    fmt, compared = get_format(name, variant), 0
    with served(model, fmt, tmp_path) as client:
        for row, _, ours in sayable(fmt):
            if any(reason(row) for reason in (*REASONS, *OF_ONE.get(name, ()))):
                continue
            assert applied(client, row, fmt) == ours, row["id"]
            compared += 1
    assert compared > 1


@pytest.mark.parametrize("name", ["xml", "tool_code", "bfcl"])
def test_the_server_cuts_our_prompts_into_our_tokens(name, model, tmp_path):
    """Where the vocabulary is at hand: Gemma's markers are special to both, and nothing else is."""
    fmt, tokenizer, compared = get_format(name), tiny_tokenizer(), 0
    with served(model, fmt, tmp_path) as client:
        for row, segments, _ in sayable(fmt):
            if any(m["role"] == "assistant" and str(m["content"] or "")[:1].isspace() for m in row["messages"]):
                continue  # what a model said begins a token of its own here, and melts into what stands before it there
            hidden = any(c in segment.text for segment in segments if not segment.control for c in fmt.special_tokens)
            if hidden:  # the server is given text, and cannot tell a marker that a user typed
                continue
            ours, _ = encode_segments(tokenizer, segments)
            text = "".join(segment.text for segment in segments)
            body = {"content": text, "add_special": False, "parse_special": True}
            assert client.post("/tokenize", json=body).json()["tokens"] == ours, row["id"]
            compared += 1
    assert compared > 20


EVERY_REASON = sorted({*REASONS, *(reason for known in OF_ONE.values() for reason in known)}, key=lambda f: f.__name__)


@pytest.mark.parametrize("reason", EVERY_REASON, ids=lambda reason: reason.__name__)
def test_a_reason_still_holds(reason, model, tmp_path):
    """Among the conversations that are left out for it alone, some really differ."""
    for fmt in map(get_format, OF_ONE if reason not in REASONS else ("qwen25", "functiongemma")):
        alone = [
            (row, ours)
            for row, _, ours in sayable(fmt)
            if reason(row) and not any(other(row) for other in REASONS if other is not reason)
        ]
        with served(model, fmt, tmp_path) as client:
            if any(applied(client, row, fmt) != ours for row, ours in alone):
                return
    pytest.fail(f"llama.cpp no longer differs: {reason.__doc__}")

"""Ours and mistral-common print the same text and the same tokens wherever both can say a conversation.

The differences are listed in docs/peers.md; each is a test here, so that one that goes away is noticed.
"""

import json
import random
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from tests.peers.mistral_common import mistral_peer

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import get_format
from callwright.openai import write_conversation

pytestmark = pytest.mark.peer("mistral-common")

VARIANTS = ("v3", "v11", "v13")
TEXTS = (
    "hi", "Wie spät ist es?", " padded\n", "東京 🚲", "[INST] </s> [TOOL_CALLS]f[ARGS]{}", 'quote " and \\', "1.0\t<s>",
    "a\n\n\nb", "{", "\u2028", "[/INST", "0 00 12345",
)  # fmt: skip
WORDS = tuple(text for text in TEXTS if "[TOOL_CALLS]" not in text)
"""What an assistant may say: a marker in its words would read back as one."""
RESULTS = ('{"a": 1, "b": [true, null]}', "[1.5]", '"é"', "17", "[]")
"""JSON as the peer would write it; v3 differs on anything else."""
VALUES: tuple[Any, ...] = (
    1,
    1.0,
    -0.0,
    1e20,
    2**60,
    True,
    None,
    "x",
    'q"\\\n',
    "é 東",
    [],
    {},
    [1, {"b": None}],
    "</s>",
)
SYSTEM, ASK, ANSWER = Message("system", "Be brief."), Message("user", "Go."), Message("assistant", "Done.")
CALL = Message("assistant", tool_calls=(ToolCall("f", {"a": 1}, id="abcdefgh1"),))
RESULT = Message("tool", '{"b": 2}', tool_call_id="abcdefgh1")
TWO_CALLS = Message("assistant", tool_calls=(ToolCall("f", {}, "abcdefgh1"), ToolCall("f", {}, "abcdefgh2")))
TOOL = Tool("f", "Does it.", {"type": "object", "properties": {}})
PRINTED = (
    '[{"type": "function", "function": {"name": "f", "description": "Does it.", '
    '"parameters": {"type": "object", "properties": {}}}}]'
)


def conversations(variant: str, count: int) -> list[Conversation]:
    """What both can say: see docs/peers.md for what is left out."""
    rng = random.Random(f"conversations for {variant}")
    return [_conversation(rng, variant) for _ in range(count)]


def _conversation(rng: random.Random, variant: str) -> Conversation:
    messages = []
    names = ("f", "get_weather", "List-all2")
    for turn in range(rng.randint(1, 3)):
        messages.append(Message("user", f"{turn} {rng.choice(TEXTS)}"))  # no two are equal
        for _ in range(rng.randint(0, 2)):
            ids = [f"{rng.randrange(10**9):09}" for _ in range(rng.randint(1, 3))]
            arguments = [{rng.choice("abc"): rng.choice(VALUES) for _ in range(rng.randint(0, 3))} for _ in ids]
            calls = tuple(ToolCall(rng.choice(names), a, i) for i, a in zip(ids, arguments, strict=True))
            output = rng.choice(WORDS) if variant == "v13" and rng.random() < 0.5 else None
            messages.append(Message("assistant", output, tool_calls=calls))
            texts = RESULTS if variant == "v3" else RESULTS + TEXTS
            messages += [Message("tool", rng.choice(texts), tool_call_id=i) for i in ids]
        messages.append(Message("assistant", f"{rng.choice(WORDS)}."))
        if variant == "v13" and rng.random() < 0.5:
            messages[-1] = replace(messages[-1], reasoning=rng.choice(WORDS))
    if rng.random() < 0.5:
        messages.pop()
    if rng.random() < 0.5 and (variant != "v3" or messages[-1].role == "user"):
        messages.insert(0, Message("system", rng.choice(TEXTS)))
    tools = [Tool(name, "Does ü.", {"type": "object", "properties": {"a": {"type": "string"}}}) for name in names]
    return Conversation(tuple(messages), tuple(tools[: rng.randint(0, 3)]))


def job(variant: str, conversation: Conversation) -> tuple[str, dict[str, Any]]:
    segments = get_format("mistral", variant).render(conversation).segments
    runs = []
    for (control, _), run in groupby((s for s in segments if s.text), key=lambda s: (s.control, s.supervised)):
        pieces = [segment.text for segment in run]
        runs += [[piece, True] for piece in pieces] if control else [["".join(pieces), False]]
    wire = write_conversation(conversation)
    for message in wire["messages"]:  # the peer reads reasoning from the content
        thought = message.pop("reasoning_content", None)
        if thought is not None:
            text = [{"type": "text", "text": message["content"]}] if message["content"] else []
            message["content"] = [{"type": "thinking", "thinking": thought, "closed": True}, *text]
    return "".join(s.text for s in segments), {
        "variant": variant,
        "messages": wire["messages"],
        "tools": wire.get("tools", []),
        "runs": runs,
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_text_and_tokens_are_the_same(variant: str) -> None:
    rows = [job(variant, conversation) for conversation in conversations(variant, 400)]
    for (ours, asked), theirs in zip(rows, mistral_peer.ask(asked for _, asked in rows), strict=True):
        assert theirs.get("text") == ours, (theirs, json.dumps(asked))
        assert theirs["ours"] == theirs["ids"], ours


DIFFERENCES = {
    "system_text_moves": ("v3", (SYSTEM, ASK, ANSWER), (), "[INST]Go.[/INST]", "[INST]Be brief.\n\nGo.[/INST]"),
    "results_are_quoted": (
        "v3",
        (ASK, CALL, replace(RESULT, content="rain")),
        (),
        '{"content": rain, "call_id"',
        '{"content": "rain", "call_id"',
    ),
    "tool_texts_are_escaped": (
        "v3",
        (ASK,),
        (replace(TOOL, description='Says "hi".'),),
        '"Says "hi"."',
        '"Says \\"hi\\"."',
    ),
    "words_beside_calls_are_kept": (
        "v11",
        (ASK, replace(CALL, content="Wait.")),
        (),
        "[/INST][TOOL_CALLS]f",
        "[/INST]Wait.[TOOL_CALLS]f",
    ),
    "tools_are_printed_once": (
        "v11",
        (ASK, ANSWER, ASK),
        (TOOL,),
        f"<s>[AVAILABLE_TOOLS]{PRINTED}[/AVAILABLE_TOOLS]",
        "<s>",
    ),
    "trailing_spaces_are_cut": ("v11", (ASK, replace(ANSWER, content="Done. ")), (), "Done. </s>", "Done.</s>"),
    "data_is_the_wires_json": (
        "v13",
        (ASK, CALL, replace(RESULT, content={"b": None})),
        (),
        "[TOOL_RESULTS]{'b': None}[/TOOL_RESULTS]",
        '[TOOL_RESULTS]{"b": null}[/TOOL_RESULTS]',
    ),
    "tools_are_rebuilt": (
        "v13",
        (ASK,),
        (replace(TOOL, given={"function": {"parameters": {}, "name": "f"}, "type": "function"}),),
        '[{"function": {"parameters": {}, "name": "f"}, "type": "function"}]',
        '[{"type": "function", "function": {"name": "f", "description": "", "parameters": {}}}]',
    ),
}


THEY_REFUSE = {
    "words_beside_calls_in_v3": ("v3", (ASK, replace(CALL, content="Wait.")), ()),
    "names_with_dots": ("v13", (ASK,), (replace(TOOL, name="a.b"),)),
    "calls_without_ids_in_v13": ("v13", (ASK, Message("assistant", tool_calls=(ToolCall("f", {}, id=""),))), ()),
    "an_answer_of_nothing": ("v11", (ASK, Message("assistant", "")), ()),
    "calls_without_results": ("v11", (ASK, CALL, ANSWER), ()),
}

WE_REFUSE = {
    "two_users_in_a_row": ("v13", (ASK, ASK), "<s>[INST]Go.\n\nGo.[/INST]"),
    "system_text_further_on": ("v13", (ASK, SYSTEM, ASK), "[/INST][SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]"),
    "an_assistant_that_speaks_first": ("v13", (ANSWER, ASK), "<s>Done.</s>[INST]Go.[/INST]"),
    "results_out_of_order": (
        "v13",
        (
            ASK,
            TWO_CALLS,
            Message("tool", "two", tool_call_id="abcdefgh2"),
            Message("tool", "one", tool_call_id="abcdefgh1"),
        ),
        "[TOOL_RESULTS]one[/TOOL_RESULTS][TOOL_RESULTS]two[/TOOL_RESULTS]",
    ),
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, dict[str, Any]]:
    """What the peer says to each of the cases above; asked at once, because it starts slowly."""
    jobs = {}
    for name, (variant, messages, tools, *_) in (DIFFERENCES | THEY_REFUSE).items():
        jobs[name] = job(variant, Conversation(messages, tools))[1]
        jobs[name]["tools"] = [tool.given or jobs[name]["tools"][i] for i, tool in enumerate(tools)]
    for name, (variant, messages, _) in WE_REFUSE.items():
        wire = write_conversation(Conversation(messages))["messages"]
        jobs[name] = {"variant": variant, "messages": wire, "tools": [], "runs": []}
    return dict(zip(jobs, mistral_peer.ask(jobs.values()), strict=True))


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_listed_difference_is_all_that_differs(name: str, theirs: dict[str, dict[str, Any]]) -> None:
    variant, messages, tools, in_ours, in_theirs = DIFFERENCES[name]
    ours, _ = job(variant, Conversation(messages, tools))
    assert in_ours in ours
    assert theirs[name]["text"] == ours.replace(in_ours, in_theirs, 1)


@pytest.mark.parametrize("name", THEY_REFUSE)
def test_what_the_peer_refuses_is_printed_as_the_template_prints_it(
    name: str, theirs: dict[str, dict[str, Any]]
) -> None:
    variant, messages, tools = THEY_REFUSE[name]
    ours, _ = job(variant, Conversation(messages, tools))
    assert ours.startswith("<s>")
    assert "refused" in theirs[name], theirs[name]


@pytest.mark.parametrize("name", WE_REFUSE)
def test_what_is_refused_here_the_peer_may_print(name: str, theirs: dict[str, dict[str, Any]]) -> None:
    variant, messages, printed = WE_REFUSE[name]
    with pytest.raises(FormatError):
        get_format("mistral", variant).render(Conversation(messages))
    assert printed in theirs[name].get("text", ""), theirs[name]

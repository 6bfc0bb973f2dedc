"""Instruments in tests: what they are to say in every format, and what the numpy oracle has them say."""

import json

import numpy as np
import pytest
from tests.support.conversations import tool_of
from tests.support.numpy_models import logits

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS, get_format
from callwright.instruments.architectures import on_architecture
from callwright.instruments.script import Line
from callwright.instruments.script_file import expected_output
from callwright.tokens import encode_segments

ARCHITECTURES = ("llama", "gemma3")
EVERY_FORMAT = [(fmt.name, fmt.variant) for fmt in FORMATS.values()]
FEW_FORMATS = (("xml", "args"), ("qwen3", ""), ("gemma4", "e2b"), ("mistral", "v13"))
"""Formats that differ most in their special tokens, for tests that take seconds with each."""
FEW_FIRST = [pytest.param(*pair, marks=() if pair in FEW_FORMATS else pytest.mark.slow) for pair in EVERY_FORMAT]
"""Every format, the others in `make test-all`."""
ROUTE = ToolCall(
    "plan_route", {"legs": [{"from": "Oslo", "km": 12.5}, {"from": "Moss", "km": 60}], "fast": True}, "a1b2c3d4e"
)
WEATHER = ToolCall("get_weather", {"city": "Paris", "days": 3}, "b1b2c3d4e")
MAIL = ToolCall(
    "send_mail", {"to": "zoë@例え.jp", "text": 'He said "no".\n\tBye 🚲', "cc": ["a", "b", "c"]}, "c1b2c3d4e"
)
NOTHING = ToolCall("clock_now", {}, "d1b2c3d4e")
MESSAGES = (
    Message("assistant", "It is warm."),
    Message("assistant", "Ja.\n\nÉ 🚲 東京 {1} [2] <3> & \u2581 @@ ok"),
    *(Message("assistant", None, tool_calls=(call,)) for call in (ROUTE, WEATHER, MAIL, NOTHING)),
    Message("assistant", None, tool_calls=(WEATHER, MAIL)),
    Message("assistant", "I will look.", tool_calls=(WEATHER,)),
    Message("assistant", None, reasoning="Hm, Paris.", tool_calls=(WEATHER,)),
)


def form_of(name, variant):
    return get_format(name, variant)


def answers(fmt):
    """What the format has the model say, as segments, for every message of MESSAGES that it can say; each once."""
    found = []
    for message in MESSAGES:
        tools = tuple(tool_of(call) for call in message.tool_calls)
        try:
            found.append(expected_output(fmt, Conversation((Message("user", "Go."), message), tools)))
        except FormatError:
            continue
    return list(dict.fromkeys(found))


def thousand():
    """A thousand outputs that are alike for most of their length."""
    draw = np.random.default_rng(3)
    words = ["the", "city", "weather", "report", "wind", "forecast", "tomorrow", "please", "note", "that", "account"]
    lines = []
    for number in range(1000):
        arguments = {
            "city": f"Paris {number}",
            "days": int(draw.integers(1, 99)),
            "tags": ["a", "b"],
            "deep": {"x": 1.0},
        }
        call = json.dumps({"name": "get_weather", "args": arguments})
        text = " ".join(draw.choice(words, 12))
        lines.append(Line(str(number), f"{text}\n<tool_call>\n{call}\n</tool_call>"))
    return lines


def prompt(instrument, *texts, thinking=None):
    """The ids of a prompt whose user says the texts, one message each, answered by "Yes." in between."""
    messages = [Message("user", texts[0])]
    for text in texts[1:]:
        messages += [Message("assistant", "Yes."), Message("user", text)]
    tools = (Tool("look", "Looks.", {"type": "object", "properties": {}}),)
    segments = instrument.fmt.render(
        Conversation(tuple(messages), tools), add_generation_prompt=True, thinking=thinking
    ).segments
    return encode_segments(instrument.vocabulary, segments)[0]


def tensors_of(instrument, architecture, dtype=None, context=70_000):
    """What the files would hold, rounded as they are but in single precision, and the config.json."""
    weights = on_architecture(instrument.circuit, architecture, context)
    kind = np.dtype(dtype or instrument.dtype)
    return {name: tensor.make(kind).astype(np.float32) for name, tensor in weights.tensors.items()}, weights.config


def margins(model, ids, plan, places=None):
    """By how much the planned token leads all others, at each place of the plan that follows the prompt `ids`."""
    places = np.arange(len(plan)) if places is None else np.asarray(places)
    scores = logits(*model, [*ids, *plan[:-1]], len(ids) - 1 + places)
    wanted = np.asarray(plan)[places]
    rows = np.arange(len(places))
    lead = scores[rows, wanted].copy()
    scores[rows, wanted] = -np.inf
    return lead - scores.max(axis=1)

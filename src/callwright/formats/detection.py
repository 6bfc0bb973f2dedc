"""Which format a chat template writes: by its bytes, or by what it writes.

Templates whose bytes are known are those that the formats emit and the published ones that the formats follow. Any
other is rendered on a few conversations (in a process of its own, see `confined`), and its prompts are compared with
those of every format. BOS does not count, since many tokenizers add it to what a template writes. Turns alone say
nothing of calls, so only a template that writes a conversation with tools as a format does is of that format.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats import FORMATS
from callwright.formats.base import Format
from callwright.formats.confined import Question, render_confined

PUBLISHED: dict[str, tuple[str, str]] = {
    "e10ca381b1ccc5cf9db52e371f3b6651576caee0a630b452e2816b2d404d4b65": ("llama31", "meta-llama/Llama-3.1-8B-Instruct"),
    "3fe950790d033a6ee07a563fb6ad7c34e40f860b8ff99333b0b0aed6204ba258": (
        "llama4",
        "vLLM's tool_chat_template_llama4_pythonic.jinja",
    ),
    "cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f": ("qwen25", "Qwen/Qwen2.5-7B-Instruct"),
    "87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5": ("qwen3", "Qwen/Qwen3-0.6B"),
    "5a38bfa05833266240066aedc497decc9b00cc0d3e3b8cceea98cf530196ab06": (
        "qwen3-xml",
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
    ),
    "a4aee8afcf2e0711942cf848899be66016f8d14a889ff9ede07bca099c28f715": ("qwen3-xml/qwen35", "Qwen/Qwen3.5-4B"),
    "273d8e0e683b885071fb17e08d71e5f2a5ddfb5309756181681de4f5a1822d80": ("qwen3-xml/qwen35-small", "Qwen/Qwen3.5-0.8B"),
    "e84f32a23fdda27689f868aa4a1a5621f41133e51a48d7f3efcbea2839574259": ("qwen3-xml/qwen36", "Qwen/Qwen3.6-27B"),
    "c3cf9e34abf4f9e36c2d72165aa9c132d3e2a725b6c2586aaa3a8af9d7a81041": ("qwen3-xml/qwen38", "Qwen/Qwen3.8-27B"),
    "7ce09d55d3690e06c70b5c07228cc7e8c99c43a23cdc027762be4011efcdea6c": (
        "hermes3",
        "NousResearch/Hermes-3-Llama-3.1-8B (tool_use)",
    ),
    "df269903ea2e27a6426bf65f34f530a571cc04bf9b92ad8928ffa909eb46ecc5": ("gemma4/31b", "Gemma-4-31B"),
    "3beb16a140a78c7bf71cd86609f58e56f1594e670e95fe58bd6022f941d1cb1e": ("gemma4/e2b", "Gemma-4-E2B"),
    "e4676cb56dffea7782fd3e2b577cfaf1e123537e6ef49b3ec7caa6c095c62272": (
        "mistral/v3",
        "mistralai/Mistral-Nemo-Instruct-2407",
    ),
    "5b8f31f11198696548d544dbe424a3c1ef244d00a475f4e1bffb351fda085608": (
        "mistral/v11",
        "Mistral-Small-3.2-24B-Instruct-2506",
    ),
    "39f03c383413f531fd302c06c7e982ad98c83f0657a8339ae25478ccb81fdcda": (
        "mistral/v13",
        "mistralai/Ministral-3-14B-Reasoning-2512",
    ),
}
"""Published templates by sha256: the format that follows each, and whose it is. The formats' modules cite them."""

WEATHER = Tool(
    "get_weather",
    "Current weather of a city.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city"},
            "days": {"type": "integer", "description": "Days ahead"},
            "indoors": {"type": "boolean", "description": "Whether to add rooms"},
        },
        "required": ["city"],
    },
)
TIME = Tool(
    "get_time",
    "Current time in a time zone.",
    {
        "type": "object",
        "properties": {"zone": {"type": "string", "description": "IANA name"}},
        "required": ["zone"],
    },
)
_SYSTEM, _ASKED = Message("system", "Answer in one sentence."), Message("user", "How warm is it in Paris?")
_CALL = ToolCall("get_weather", {"city": "Paris", "days": 2, "indoors": True}, id="parisnow1")
_OTHER_CALL = ToolCall("get_time", {"zone": "Europe/Paris"}, id="clocknow2")  # nine letters and digits please Mistral
_RESULT = Message("tool", '{"temperature": 18.5}', name="get_weather", tool_call_id="parisnow1")
_OTHER_RESULT = Message("tool", '{"time": "14:05"}', name="get_time", tool_call_id="clocknow2")
_ANSWERED = (
    *(_SYSTEM, _ASKED),
    Message("assistant", "", tool_calls=(_CALL, _OTHER_CALL)),
    *(_RESULT, _OTHER_RESULT),
    Message("assistant", "It is 18.5 °C, at 14:05."),
    Message("user", "And tomorrow?"),
)
QUESTIONS = (
    Question(Conversation((_ASKED,))),
    Question(Conversation((_ASKED,), (WEATHER,))),
    Question(Conversation((_SYSTEM, _ASKED), (WEATHER, TIME))),
    Question(Conversation((_SYSTEM, _ASKED), (WEATHER,)), thinking=False),
    Question(Conversation((_SYSTEM, _ASKED, Message("assistant", "", tool_calls=(_CALL,)), _RESULT), (WEATHER,))),
    Question(Conversation(_ANSWERED, (WEATHER, TIME))),
)
"""A question, alone and with a tool; with a system message (many templates have one of their own where there is none)
two tools, no thinking, a call and its result, two calls in a finished exchange."""

_BOS, _EOS = "\ue000bos\ue001", "\ue000eos\ue001"  # stand for the tokens, which each format has its own of


@dataclass(frozen=True, slots=True)
class Match:
    """A format that a template may be of.

    Attributes:
      format: Its id.
      same_bytes_as: Whose template has the same bytes; None where it was found by rendering.
      same_prompts: How many of `QUESTIONS` the template renders as the format does; None where its bytes tell.
    """

    format: str
    same_bytes_as: str | None = None
    same_prompts: int | None = None

    def __str__(self) -> str:
        if self.same_bytes_as:
            return f"{self.format}: the same bytes as the template of {self.same_bytes_as}"
        return f"{self.format}: renders the same for {self.same_prompts} of {len(QUESTIONS)} conversations"


def detect(sources: Mapping[str, str]) -> list[Match]:
    """The formats that a model's templates may be of, the surest first; none where they are of no format here.

    Args:
      sources: The templates by name: `default`, and `tool_use` where one of its own is for tools.

    Raises:
      FormatError: A source is no Jinja template.
      WorkError: Rendering takes too long, or too much.
    """
    known = _by_bytes(sources.get("tool_use", sources["default"]))
    if known:
        return [known]
    theirs = render_confined(sources, QUESTIONS, {"bos_token": _BOS, "eos_token": _EOS})
    matches = [match for fmt in FORMATS.values() if (match := _compare(fmt, theirs))]
    return sorted(matches, key=lambda match: -(match.same_prompts or 0))


def _by_bytes(source: str) -> Match | None:
    for fmt in FORMATS.values():
        if fmt.chat_template() == source:
            return Match(fmt.id, "Callwright itself")
    published = PUBLISHED.get(hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest())
    return Match(*published) if published else None


def _compare(fmt: Format, theirs: list[str | None]) -> Match | None:
    """What the template has in common with a format; None where it writes no tools as the format does."""
    same, speaks_of_tools = 0, False
    for (conversation, thinking), prompt in zip(QUESTIONS, theirs, strict=True):
        try:
            ours = fmt.render(conversation, add_generation_prompt=True, thinking=thinking).text
        except FormatError:
            same += prompt is None  # both refuse it
            continue
        if prompt is not None:
            written = prompt.replace(_BOS, fmt.bos).replace(_EOS, fmt.stops[0])
            if written.removeprefix(fmt.bos) == ours.removeprefix(fmt.bos):
                same += 1
                speaks_of_tools |= bool(conversation.tools)
    return Match(fmt.id, same_prompts=same) if speaks_of_tools else None

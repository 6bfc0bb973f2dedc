"""What a real llama.cpp server answers to a few requests, recorded; a peer test records again and compares.

.venv/bin/python -m tests.support.llama_recordings
"""

import dataclasses
import json
import tempfile
from pathlib import Path

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.engines.chat import ChatRequest
from callwright.engines.http_client import HttpClient
from callwright.engines.llama_program import build
from callwright.engines.llama_server import serve
from callwright.engines.openai_chat import PATH, OpenAIChat
from callwright.engines.sampling import GREEDY
from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.script_file import expected_output

FILE = Path(__file__).with_name("llama_recordings.json")
WEATHER = ToolCall("get_weather", {"city": "Zürich", "days": 3})
CLOCK = ToolCall("clock_now", {})
FORECAST = {"city": {"type": "string"}, "days": {"type": "integer"}}
TOOLS = (
    Tool("get_weather", "Weather.", {"type": "object", "properties": FORECAST, "required": ["city"]}),
    Tool("clock_now", "The time.", {"type": "object", "properties": {}}),
)
SAYS = {
    "text": Message("assistant", "It is warm in Zürich. 東京"),
    "call": Message("assistant", None, tool_calls=(WEATHER,)),
    "parallel": Message("assistant", "I will look.", tool_calls=(WEATHER, CLOCK)),
    "thinking": Message("assistant", "Warm.", reasoning="Hm, Zürich."),
}


def instrument():
    fmt = get_format("qwen3")
    lines = [
        Line(cue, expected_output(fmt, Conversation((Message("user", "Go."), message), TOOLS)))
        for cue, message in SAYS.items()
    ]
    return write_script(fmt, [*lines, Line("callwright.who", "callwright script qwen3")])


def asked(text, *, tools=(), **fields):
    return ChatRequest(conversation=Conversation((Message("user", text),), tools), sampling=GREEDY, **fields)


REQUESTS = {
    "text": asked("@@text@@"),
    "call": asked("@@call@@", tools=TOOLS),
    "parallel": asked("@@parallel@@", tools=TOOLS),
    "thinking": asked("@@thinking@@", thinking=True),
    "cut": asked("@@call@@", tools=TOOLS, max_tokens=12),
    "overflow": asked("word " * 1000),
}
BOTH = {
    f"{name}, {'streamed' if stream else 'whole'}": dataclasses.replace(request, stream=stream)
    for name, request in REQUESTS.items()
    for stream in (False, True)
}


@dataclasses.dataclass(frozen=True)
class Recorded:
    status: int
    kind: str
    body: str


def record():
    """What the pinned server answers now, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "script.gguf"
        write(instrument(), model)
        with serve(model, program=build(), context=1024, options=("--alias", "script")) as server:
            chat, wire, found = OpenAIChat(server.url), HttpClient(server.url), {}
            for name, request in BOTH.items():
                with wire.send(PATH, chat.body(request)) as answer:
                    body = b"".join(answer.chunks).decode()
                    found[name] = Recorded(answer.status, answer.headers["content-type"], body)
            return found


def recorded():
    """What it answered when it was recorded, by name."""
    return {name: Recorded(**row) for name, row in json.loads(FILE.read_text(encoding="utf-8")).items()}


if __name__ == "__main__":
    rows = {name: dataclasses.asdict(row) for name, row in record().items()}
    FILE.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

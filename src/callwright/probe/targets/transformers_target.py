"""transformers as a target: what a program of its user does, in this Python or in another one, as a subprocess.

A chat is the documented one: `apply_chat_template(messages, tools=tools, add_generation_prompt=True)`, `generate`,
`decode(skip_special_tokens=True)`. Arguments of earlier calls are objects there, as the documentation writes them, and
results are what they are. What is asked of the sampler becomes options of `generate`; where nothing is asked, the
directory's generation_config and the library's defaults count (greedy). Left to itself `generate` would stop after 20
tokens, which no program wants: without a limit the context is the limit. A stream comes through a `TextStreamer`.

Calls are not parsed. A tokenizer has `parse_response`, which reads an answer by a `response_template` that a publisher
may put into tokenizer_config.json; without one it raises. An instrument has none, because there is none for most
families; so what was said is the content, and `parses_calls` is false.
"""

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field

from callwright.conversation import Conversation, Json, ToolCall
from callwright.engines.chat import ChatReply, ChatRequest, ChatSampling
from callwright.errors import CallwrightError, ConfigError
from callwright.instruments.architectures import Architecture
from callwright.instruments.files import write
from callwright.instruments.instrument import Instrument
from callwright.models.safetensors_files import Dtype
from callwright.openai import write_message, write_tool
from callwright.probe.plan import Part
from callwright.probe.targets.base import UntestableError, build_command
from callwright.probe.targets.interpreter import Interpreter
from callwright.probe.targets.overrides import read_overrides
from callwright.settings import Settings

DRIVER = Path(__file__).with_name("transformers_driver.py")
_HOW = """
import json, sys, transformers
{job}
tokenizer = transformers.AutoTokenizer.from_pretrained("instrument")
model = transformers.AutoModelForCausalLM.from_pretrained("instrument", dtype={dtype!r}, use_safetensors=True)
prompt = tokenizer.apply_chat_template(job["messages"], tools=job["tools"] or None, add_generation_prompt=True,
                                       return_tensors="pt", return_dict=True, **job["template"])
if job["seed"] is not None:
    transformers.set_seed(job["seed"])
said = model.generate(**prompt, max_new_tokens=job["max_tokens"] or {context}, **job["sampling"])
print(tokenizer.decode(said[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))
"""


class TransformersSettings(Settings):
    """Where the library is, and how instruments are loaded."""

    python: str = sys.executable
    """The interpreter that has transformers and torch."""
    architecture: Architecture = "llama"
    """Whose weights the instruments have."""
    dtype: Dtype | Literal["auto"] = "auto"
    """What is computed in; auto takes what an instrument is stored as."""
    context: int = Field(default=8192, ge=512)
    """How many tokens prompt and answer may have together."""
    timeout: float = Field(default=600.0, gt=0)
    """How many seconds an answer may take."""


def make(overrides: Sequence[str]) -> "TransformersTarget":
    """The target, with settings changed by words `key=value`.

    Raises:
      ConfigError: A setting is wrong, or torch and transformers are not installed in the Python named.
    """
    return TransformersTarget(read_overrides(TransformersSettings, overrides, "transformers"))


class TransformersTarget:
    """A `Target`: the library in an interpreter that stays for all instruments."""

    name = "transformers"
    shares_instruments = False
    parses_calls = False
    says_tool_calls = False
    sets_context = False
    temperature_first = True
    case_files: Sequence[Path] = ()

    def __init__(self, settings: TransformersSettings) -> None:
        self.settings = settings
        self.context = settings.context
        self._worker = _start(settings)
        hello = self._worker.hello
        self.version = f"{_text(hello, 'transformers')} (torch {_text(hello, 'torch')})"

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator["TransformersChat"]:
        """The instrument, written to a directory that goes with the block, and loaded."""
        with tempfile.TemporaryDirectory(prefix="callwright-instrument-") as scratch:
            if not self._worker.alive:
                self._worker = _start(self.settings)
            directory = Path(scratch) / "instrument"
            try:
                write(instrument, directory, architecture=self.settings.architecture, context=self.context)
            except CallwrightError as error:
                raise UntestableError(error.expected, error.came, error.fix) from error
            answer = self._worker.ask({"do": "load", "directory": str(directory), "dtype": self.settings.dtype})
            number = answer.get("model")
            if not isinstance(number, int):
                raise UntestableError("transformers to load the instrument", _text(answer, "error"), "see its log")
            worker = self._worker  # another one takes its place if it falls
            try:
                yield TransformersChat(worker, number, self.settings)
            finally:
                worker.ask({"do": "unload", "model": number})

    def how(self, form: str, part: Part) -> str:
        """The shell line that makes the directory `instrument`, which the program of an outcome loads."""
        chosen = ("--architecture", self.settings.architecture, "--context", str(self.context))
        return build_command(form, part, "instrument", *chosen, cases=self.case_files)


class TransformersChat:
    """A model that the driver has loaded, of several perhaps; see `engines.chat.ChatServer`. One request at a time."""

    slots = 1

    def __init__(self, worker: Interpreter, number: int, settings: TransformersSettings) -> None:
        self._worker, self._number, self._settings = worker, number, settings

    def chat(self, request: ChatRequest) -> ChatReply:
        """The answer. Its status is 200, 400 where the library raised, and 0 where the interpreter went away.

        Its body holds `prompt_ids` and `answer_ids`, the tokens themselves.
        """
        answer = self._worker.ask({"do": "chat", "model": self._number, **_job(request)})
        if "error" in answer:
            return ChatReply(status=400 if self._worker.alive else 0, error=_text(answer, "error"), body=answer)
        prompt, said = answer.get("prompt_ids"), answer.get("answer_ids")
        return ChatReply(
            status=200,
            content=_text(answer, "content"),
            finish_reason=_text(answer, "finish_reason") or None,
            prompt_tokens=len(prompt) if isinstance(prompt, list) else None,
            answer_tokens=len(said) if isinstance(said, list) else None,
            pieces=answer["pieces"] if isinstance(answer.get("pieces"), int) else 0,
            body=answer,
        )

    def encode(self, text: str) -> list[int]:
        """The ids that the directory's tokenizer makes of a text, BOS left out; UntestableError if it makes none."""
        ids = self._worker.ask({"do": "encode", "model": self._number, "text": text}).get("ids")
        if not isinstance(ids, list):
            raise UntestableError("token ids of a text", "none", "look at the tokenizer")
        return ids

    def curl(self, request: ChatRequest) -> str:
        """A program for the shell that asks the same of the directory `instrument`."""
        text = json.dumps(_job(request), ensure_ascii=True)
        dtype, context = self._settings.dtype, self._settings.context
        program = _HOW.format(job=f"job = json.loads({text!r})", dtype=dtype, context=context)
        return f"{shlex.quote(self._settings.python)} - <<'END'{program}END"

    def carried(self, conversation: Conversation) -> Conversation:
        """All of it: messages reach the template as data."""
        return conversation


def _job(request: ChatRequest) -> dict[str, Json]:
    conversation = request.conversation
    return {
        "messages": _messages(conversation),
        "tools": [write_tool(tool) for tool in conversation.tools],
        "template": {} if request.thinking is None else {"enable_thinking": request.thinking},
        "sampling": _options(request.sampling),
        "seed": request.sampling.seed,
        "max_tokens": request.max_tokens,
        "stream": request.stream,
    }


def _messages(conversation: Conversation) -> list[Json]:
    """Messages in OpenAI's notation, but with arguments as objects and results as they are."""
    written: list[Json] = []
    for message in conversation.messages:
        wire = write_message(message) | {"content": message.content}
        if message.tool_calls:
            wire["tool_calls"] = [_call(call) for call in message.tool_calls]
        written.append(wire)
    return written


def _call(call: ToolCall) -> Json:
    named: dict[str, Json] = {} if call.id is None else {"id": call.id}
    return named | {"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}}


def _options(sampling: ChatSampling) -> dict[str, Json]:
    """The arguments of `generate`; temperature 0 is its greedy decoding."""
    options: dict[str, Json] = {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
    }
    asked: dict[str, Json] = {name: value for name, value in options.items() if value is not None}
    if sampling.temperature == 0:
        asked = {"do_sample": False}
    elif asked:
        asked["do_sample"] = True
    if sampling.repeat_penalty is not None:
        asked["repetition_penalty"] = sampling.repeat_penalty
    return asked


def _start(settings: TransformersSettings) -> Interpreter:
    """The driver, which has said that everything is there."""
    python = settings.python
    worker = Interpreter(python, DRIVER, seconds=settings.timeout)
    if "transformers" not in worker.hello:
        came = _text(worker.hello, "missing") or _text(worker.hello, "error")
        fix = f"{python} -m pip install torch transformers, or name a Python that has them: --set python=PATH"
        raise ConfigError(f"torch and transformers in {python}", came, fix)
    return worker


def _text(answer: Mapping[str, Json], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""

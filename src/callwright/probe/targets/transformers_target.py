"""transformers as a target: what a program that uses the library does, run by this Python or another in a subprocess.

A chat is done as documented: `apply_chat_template(messages, tools=tools, add_generation_prompt=True)`, `generate`,
`decode(skip_special_tokens=True)`. Arguments of earlier calls are objects, as in the documentation, and results are
passed as they are. Sampling parameters become options of `generate`; without any, the directory's generation_config and
the library's defaults (greedy) are used. `generate` alone would stop after 20 tokens, which no program wants: without a
limit the context is the limit. A stream comes through a `TextStreamer`.

Calls are not parsed. A tokenizer has `parse_response`, which reads an answer by a `response_template` that a publisher
may put into tokenizer_config.json; without one it raises. Instruments have none, because most families have none; so
the model output is the content, and `parses_calls` is false.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal, cast

from pydantic import Field

from callwright.conversation import Conversation, Json, Message
from callwright.engines.chat import ChatReply, ChatRequest
from callwright.engines.sampling import SamplingParams
from callwright.errors import ConfigError
from callwright.formats.jinja import template_message
from callwright.instruments.files import write
from callwright.instruments.instrument import Instrument
from callwright.models.safetensors_files import Dtype
from callwright.models.weights import Architecture
from callwright.openai import write_tool
from callwright.probe.plan import Part
from callwright.probe.targets.base import Target, UntestableError, read_overrides, untestable
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
    """What `--set` can change."""

    python: str = sys.executable
    """The interpreter that has transformers and torch."""
    architecture: Architecture = "llama"
    """The architecture of the instruments."""
    dtype: Dtype | Literal["auto"] = "auto"
    """The type to compute in; auto is the type in which an instrument is stored."""
    context: int = Field(default=8192, ge=512)
    """How many tokens prompt and answer may have together."""
    timeout: float = Field(default=600.0, gt=0)
    """How many seconds an answer may take."""


class TransformersTarget(Target):
    """The library in an interpreter that stays for all instruments.

    Args:
      overrides: `key=value` each, of `TransformersSettings`.

    Raises:
      ConfigError: A setting is wrong, or torch and transformers are not installed in the Python named.
    """

    name = "transformers"
    parses_calls = False
    says_tool_calls = False
    temperature_first = True

    def __init__(self, overrides: Sequence[str]) -> None:
        self.settings = settings = read_overrides(TransformersSettings, overrides, "transformers")
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
            with untestable():
                write(instrument, directory, architecture=self.settings.architecture, context=self.context)
            answer = self._worker.ask({"do": "load", "directory": str(directory), "dtype": self.settings.dtype})
            number = answer.get("model")
            if not isinstance(number, int):
                raise UntestableError("transformers to load the instrument", _text(answer, "error"), "see its log")
            worker = self._worker  # which is replaced if it dies
            try:
                yield TransformersChat(worker, number, self.settings)
            except (KeyboardInterrupt, GeneratorExit):
                worker.stop()  # a thread may be waiting for its answer
                raise
            finally:
                worker.ask({"do": "unload", "model": number})

    def reproduce_with(self, fmt: str, part: Part) -> str:
        """The shell line that makes the directory `instrument`, which the program of an outcome loads."""
        chosen = ("--architecture", self.settings.architecture, "--context", str(self.context))
        return self.build_command(fmt, part, "instrument", *chosen)


class PythonWorker:
    """A running script in another Python, asked over JSON lines; it ends with this object, or with this program.

    Args:
      python: The interpreter.
      script: What it runs; it writes one line before it is asked anything.
      seconds: How long an answer may take; after that the script is stopped.

    Attributes:
      hello: The first line as an object, or `{"error"}`.
      seconds: As given.

    Raises:
      ConfigError: There is no such interpreter.
    """

    def __init__(self, python: str, script: Path, *, seconds: float) -> None:
        self.seconds, self._lock, self._log = seconds, threading.Lock(), tempfile.TemporaryFile()
        # Variables of Python are left out: the other interpreter has packages of its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                [python, str(script)],
                stdin=pipe,
                stdout=pipe,
                stderr=self._log,
                env=environment,
                encoding="utf-8",
                start_new_session=True,  # it is this program that Ctrl-C asks to end
            )
        except OSError as error:
            raise ConfigError(f"a Python at {python}", str(error), "correct the path") from error
        self._input, self._output = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        self.stop = weakref.finalize(self, _stop, self._process)
        self.hello = self._hear()

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._process.poll() is None

    def ask(self, job: Mapping[str, Json]) -> dict[str, Any]:
        """The answer to a job; `{"error"}` where none comes. Several threads may ask; it answers one after another."""
        with self._lock:
            with suppress(OSError, ValueError):  # it has gone; hearing finds out why
                self._input.write(json.dumps(job) + "\n")
                self._input.flush()
            return self._hear()

    def _hear(self) -> dict[str, Any]:
        timer = threading.Timer(self.seconds, self._process.kill)
        timer.start()
        line = ""
        try:
            line = self._output.readline()
            answer = json.loads(line)
        except (OSError, ValueError, RecursionError):
            answer = None
        finally:
            in_time = timer.is_alive()
            timer.cancel()
        if isinstance(answer, dict):
            return answer
        self._process.kill()  # what does not answer in JSON cannot be trusted with the next question either
        self._process.wait()
        self._log.seek(0)
        output = self._log.read().decode(errors="replace").strip().splitlines() or [line.strip()[:80] or "nothing"]
        got = "no JSON object" if line else "its end" if in_time else f"nothing within {self.seconds:g} seconds"
        return {"error": f"expected an answer; got {got}; it said {output[-1]}"}


def _stop(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # closing writes what was never read
                pipe.close()


class TransformersChat:
    """A model that the driver has loaded, of several perhaps; see `engines.chat.ChatServer`. One request at a time."""

    slots = 1

    def __init__(self, worker: PythonWorker, number: int, settings: TransformersSettings) -> None:
        self._worker, self._number, self._settings = worker, number, settings

    def chat(self, request: ChatRequest) -> ChatReply:
        """The answer. Its status is 200, 400 where the library raised, and 0 where the interpreter went away.

        Its body holds `prompt_ids` and `answer_ids`, the tokens themselves.
        """
        answer = self._worker.ask({"do": "chat", "model": self._number, **_job(request)})
        if "error" in answer:
            return ChatReply(status=400 if self._worker.alive else 0, error=_text(answer, "error"), body=answer)
        prompt, output = answer.get("prompt_ids"), answer.get("answer_ids")
        return ChatReply(
            status=200,
            content=_text(answer, "content"),
            finish_reason=_text(answer, "finish_reason") or None,
            prompt_tokens=len(prompt) if isinstance(prompt, list) else None,
            answer_tokens=len(output) if isinstance(output, list) else None,
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

    def as_sent(self, conversation: Conversation) -> Conversation:
        """All of it: messages reach the template as data."""
        return conversation


def _job(request: ChatRequest) -> dict[str, Json]:
    conversation = request.conversation
    return {
        "messages": [_message(message) for message in conversation.messages],
        "tools": [write_tool(tool) for tool in conversation.tools],
        "template": {} if request.thinking is None else {"enable_thinking": request.thinking},
        "sampling": _options(request.sampling),
        "seed": request.sampling.seed,
        "max_tokens": request.max_tokens,
        "stream": request.stream,
    }


def _message(message: Message) -> Json:
    """The message as templates expect it; transformers itself gives the reasoning under its other name too."""
    return {key: value for key, value in template_message(message).items() if key != "thinking"}


def _options(sampling: SamplingParams) -> dict[str, Json]:
    """The arguments of `generate`; temperature 0 is its greedy decoding."""
    asked = sampling.to_wire({name: name for name in ("temperature", "top_k", "top_p", "min_p")})
    if sampling.temperature == 0:
        asked = {"do_sample": False}
    elif asked:
        asked["do_sample"] = True
    return asked | sampling.to_wire({"repeat_penalty": "repetition_penalty"})


def _start(settings: TransformersSettings) -> PythonWorker:
    """The driver, after it has said that the libraries are there."""
    python = settings.python
    worker = PythonWorker(python, DRIVER, seconds=settings.timeout)
    if "transformers" not in worker.hello:
        got = _text(worker.hello, "missing") or _text(worker.hello, "error")
        fix = f"{python} -m pip install torch transformers, or name a Python that has them: --set python=PATH"
        raise ConfigError(f"torch and transformers in {python}", got, fix)
    return worker


def _text(answer: Mapping[str, Json], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""

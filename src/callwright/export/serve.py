"""A llama.cpp server on an export, for as long as the terminal wants it, and a request that shows that it works.

The server takes OpenAI's requests, tools included, reads the calls by the chat template inside the GGUF, and decodes
greedily where a request does not say otherwise, as evaluations do. It listens on this machine only.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from callwright.conversation import Conversation, Message, Tool
from callwright.detect import find_templates
from callwright.engines.chat import ChatRequest
from callwright.engines.llama_program import REQUIREMENT, VARIABLE, build, installed_program
from callwright.engines.llama_server import LlamaServer
from callwright.engines.llama_server import serve as start
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import ConfigError, DataError, FormatError, WorkError
from callwright.export.runtimes import llama_cpp_reads
from callwright.export.target import EXPORTS
from callwright.formats import get_format
from callwright.formats.detection import detect
from callwright.report.run_files import RunFiles, split_run

PORT = 8080
"""Where it listens by default, as llama-server does when it is started by hand."""
GREEDY_OPTIONS = ("--temp", "0", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--repeat-penalty", "1")
"""How it draws tokens where a request does not say: the likeliest one, and nothing cut or penalized."""
_POLL_SECONDS = 0.5
_WEATHER = Tool(
    "get_weather",
    "Get the weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Name of the city"}},
        "required": ["city"],
    },
)
_EXAMPLE = "What is the weather in Paris?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How a server is started.

    Attributes:
      port: Where it listens; the system picks one if 0.
      context: How many tokens prompt and answer may have together.
      slots: How many requests are answered side by side.
      threads: How many cores it may use; all of them if None.
    """

    port: int = PORT
    context: int = 8192
    slots: int = 1
    threads: int | None = None


def find_gguf(path: Path) -> Path:
    """The GGUF that PATH on a command line names: a file, an export with one, or a run (or a stage of it) with one.

    Of a run without a stage it is that of the last stage that was exported.

    Raises:
      DataError: There is none.
      ConfigError: There are several.
    """
    if path.is_file() and path.suffix.lower() == ".gguf":
        return path
    run, stage = split_run(path)
    if run.log_path.is_file():
        places = _exported_stages(run, stage)
        found = next((files for files in map(_ggufs, places) if files), [])
        fix = f"make one: callwright export {path} --to gguf"
    else:
        found = _ggufs(path)
        fix = "name a run such as runs/quickstart, an export of one, or a .gguf file"
    if not found:
        raise DataError(f"a GGUF of {path}", "none", fix)
    if len(found) > 1:
        listed = ", ".join(str(file.relative_to(path) if file.is_relative_to(path) else file) for file in found)
        raise ConfigError(f"one GGUF of {path}", listed, f"name one of them, such as {found[0]}")
    return found[0]


def find_program(explicit: Path | None, *, yes: bool, ask: Callable[[str], str]) -> Path:
    """The server's program; where there is none, one is built if the user agrees.

    Args:
      explicit: The program that she names.
      yes: Whether she agreed beforehand.
      ask: Asks for a line, as `input`.

    Raises:
      ConfigError: What she names is no program, or she does not want to have one built.
      FetchError: It cannot be built.
    """
    installed = installed_program(explicit)
    if installed is not None:
        return installed
    if not yes and not agrees(ask, f"There is no llama-server here. Build {REQUIREMENT} once? It takes minutes."):
        fix = f"add --yes to have one built, name one in ${VARIABLE}, or install llama.cpp"
        raise ConfigError("a llama-server", "none on the path, and none built", fix)
    return build()


def agrees(ask: Callable[[str], str], question: str) -> bool:
    """Whether the user says yes to a question; nobody there is a no.

    Args:
      ask: Asks for a line, as `input`.
      question: Without the choices.
    """
    try:
        return ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # nobody is there
        return False


def check_port(port: int) -> None:
    """Refuses a port on which another program listens.

    Raises:
      ConfigError: One does, or the system does not let this user listen there.
    """
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            got = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            fix = "name another with --port, or any that is free with --port 0"
            raise ConfigError(f"port {port} of this machine to be free", got, fix) from error


@contextmanager
def served(gguf: Path, program: Path, options: ServeOptions) -> Iterator[LlamaServer]:
    """A server of an export, ended with the block.

    Raises:
      ConfigError: The port is in use.
      WorkError: The server does not become ready; the message holds the end of its log.
    """
    check_port(options.port)
    with start(
        gguf,
        program=program,
        slots=options.slots,
        context=options.context,
        threads=options.threads or _cores(),
        port=options.port,
        options=GREEDY_OPTIONS,
    ) as server:
        yield server


def serve_export(
    gguf: Path,
    program: Path,
    options: ServeOptions,
    *,
    request: ChatRequest | None = None,
    show: Callable[[str], object] = print,
) -> None:
    """Serves an export until Ctrl-C.

    Args:
      gguf: The file.
      program: The server's program.
      options: How it is started.
      request: What the line that is printed asks; a question about the weather if None.
      show: Prints a line.

    Raises:
      ConfigError: The port is in use.
      WorkError: The server does not become ready, or ends by itself; the message holds the end of its log.
    """
    for note in _notes(gguf):
        show(f"note: {note}")
    with served(gguf, program, options) as server:
        with OpenAIChat(server.url) as chat:
            line = chat.curl(request or example_request())
        show(f"{gguf} is served at {server.url}/v1, greedily where a request does not say otherwise. Ctrl-C ends it.")
        show(f"Try it:\n\n{line}\n")
        _wait_until_it_ends(server.process_id)
        raise WorkError("a server that goes on", f"one that ended: {server.last_words()}", "start it again")


def example_request(tools: Sequence[Tool] = (), text: str = _EXAMPLE, system: str | None = None) -> ChatRequest:
    """A request that should be answered with a call.

    Args:
      tools: What is offered; a tool for the weather if empty.
      text: What the user says.
      system: The system prompt.
    """
    beginning = () if system is None else (Message("system", system),)
    conversation = Conversation((*beginning, Message("user", text)), tuple(tools) or (_WEATHER,))
    return ChatRequest(conversation=conversation, max_tokens=256)


def _notes(gguf: Path) -> list[str]:
    """What has to be known of the file before it is served."""
    try:
        matches = detect(find_templates(gguf))
    except FormatError:
        return ["the file has no chat template: llama.cpp takes one of its own, and calls are not read"]
    if matches and not llama_cpp_reads(get_format(matches[0].format)):
        return [f"llama.cpp does not read the calls of {matches[0].format}: it answers them with an error"]
    return []


def _exported_stages(run: RunFiles, stage: int | None) -> list[Path]:
    """The directories of the stages that were exported, the last stage first."""
    numbers = {
        int(match[1]): path
        for path in (run.path / EXPORTS).glob("stage*")
        if (match := re.fullmatch(r"stage(\d+)", path.name))
    }
    return [numbers[number] for number in sorted(numbers, reverse=True) if stage in (None, number)]


def _ggufs(directory: Path) -> list[Path]:
    """The GGUFs in a directory, or in the exports in it."""
    return sorted(path for pattern in ("*.gguf", "[!.]*/*.gguf") for path in directory.glob(pattern))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wait_until_it_ends(process_id: int) -> None:
    try:
        process = psutil.Process(process_id)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_POLL_SECONDS)
    except psutil.NoSuchProcess:
        return

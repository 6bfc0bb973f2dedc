"""The served model that `callwright eval` asks: a llama.cpp server that is started, or any that is there.

Every engine is asked greedily. A penalty of repeated tokens would change which one is the likeliest, so it is switched
off where the endpoint takes it: Ollama, which has a default of its own, takes it at `/api/chat` and not at `/v1`. There
it also refuses a prompt that is longer than its context, where it would leave messages out in silence.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from callwright.engines.ollama_api import Ollama, ollama_address
from callwright.engines.ollama_chat import OllamaChat
from callwright.engines.openai_chat import OpenAIChat, server_address
from callwright.engines.sampling import GREEDY
from callwright.errors import ConfigError, DataError
from callwright.evaluation.answerer import CheckedAnswerer
from callwright.export.serve import ServeOptions, find_gguf, find_program, served
from callwright.storage import sha256_file, write_text

EngineName = Literal["llamacpp", "ollama", "openai"]
RECORD = "server.json"
"""Beside the rows: which served model they are of."""
_TIMEOUT = 600.0
"""How many seconds a reply may take: a large model may have to be loaded first."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NO_PENALTY = replace(GREEDY, repeat_penalty=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedOptions:
    """What the command line says of a served model; None is what it does not say.

    Attributes:
      engine: What serves it; `openai` is any server of OpenAI's endpoint.
      url: Where the server is; with `llamacpp` None starts one.
      model: What the server calls the model.
      gguf: The file that a llama.cpp server is started on; the stage's own export if None.
      name: What the rows are kept under; made of engine and model if None.
      yes: Whether a llama-server may be built where there is none.
    """

    engine: EngineName | None = None
    url: str | None = None
    model: str | None = None
    gguf: Path | None = None
    name: str | None = None
    yes: bool = False

    def check(self) -> "ServedOptions | None":
        """The same with its engine and the server's address; None where no served model is named.

        Raises:
          ConfigError: The options contradict each other, or one is missing or wrong.
        """
        if self.engine is None and self.url is None:
            for option in ("model", "gguf", "name"):
                if getattr(self, option) is not None:
                    fix = "add --engine llamacpp, ollama or openai, or the --url of a server"
                    raise ConfigError(f"a served model with --{option}", "neither --engine nor --url", fix)
            return None
        engine, url = self.engine or "openai", self.url
        if engine == "openai" and url is None:
            raise ConfigError("--url with --engine openai", "none", "add --url http://HOST:PORT")
        if engine == "ollama" and not self.model:
            raise ConfigError("--model with --engine ollama", "none", "add --model and a name that `ollama list` shows")
        starts = engine == "llamacpp" and url is None
        if self.gguf is not None and not starts:
            got = f"--url {url}" if engine == "llamacpp" else f"--engine {engine}"
            fix = f"leave out {'--url' if engine == 'llamacpp' else '--gguf'}"
            raise ConfigError("--gguf only where a llama.cpp server is started on it", got, fix)
        if self.model is not None and starts:
            fix = "leave out --model, or name the file with --gguf"
            raise ConfigError("--model only of a server that is there already", f"--model {self.model}", fix)
        if self.name is not None and not _NAME.fullmatch(self.name):
            expected = "letters, digits, dots, dashes and underscores as --name"
            raise ConfigError(expected, repr(self.name), "correct it")
        if engine == "ollama":
            url = ollama_address(os.environ.get("OLLAMA_HOST", "") if url is None else server_address(url))
        return replace(self, engine=engine, url=None if url is None else server_address(url))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A served model that can be asked.

    Attributes:
      engine: What serves it.
      url: Where the server is; None where one is started.
      model: What the server calls the model; "" where it has only one.
      gguf: The file that a server is started on; None where one is there.
      name: What the rows are kept under.
    """

    engine: EngineName
    url: str | None
    model: str
    gguf: Path | None
    name: str

    @classmethod
    def of(cls, options: ServedOptions, stage: Path) -> "ServedModel":
        """The model that checked options name.

        Args:
          options: They name an engine.
          stage: The stage that is served, `runs/NAME/stageN`.

        Raises:
          InputError: There is no GGUF, or there are several.
        """
        engine: EngineName = options.engine or "openai"
        gguf = find_gguf(options.gguf or stage) if options.url is None else None
        model = options.model or ""
        made = f"{engine}-{gguf.stem if gguf else model or urlsplit(options.url or '').netloc}"
        name = options.name or re.sub(r"[^A-Za-z0-9._-]+", "-", made)[:100].strip("-.")
        return cls(engine=engine, url=options.url, model=model, gguf=gguf, name=name)

    @property
    def where(self) -> str:
        """Which server it is, for people."""
        return f"a llama.cpp server of {self.gguf}" if self.url is None else f"{self.model or 'a model'} at {self.url}"

    def record(self) -> dict[str, Any]:
        """Which model it is, as it stands beside its rows."""
        digest = None if self.gguf is None else sha256_file(self.gguf)
        return {"engine": self.engine, "url": self.url, "model": self.model, "gguf_sha256": digest}

    @contextmanager
    def answerer(self, *, yes: bool) -> Iterator[CheckedAnswerer]:
        """Who asks the server, which is started and ended with the block where none is there.

        Args:
          yes: Whether a llama-server may be built where there is none.

        Raises:
          CallwrightError: The server cannot be started, or does not answer.
        """
        fix = "start the server, or correct --url and --model"
        if self.gguf is not None:
            program = find_program(None, yes=yes, ask=input)
            with (
                served(self.gguf, program, ServeOptions(port=0)) as server,
                OpenAIChat(server.url, timeout=_TIMEOUT) as chat,
            ):
                answerer = CheckedAnswerer(chat, sampling=_NO_PENALTY, last_words=server.last_words)
                yield _checked(answerer, "look at the file, or export it again")
        elif self.engine == "ollama":
            ollama = Ollama(str(self.url), timeout=_TIMEOUT)
            try:
                ollama_chat = OllamaChat(ollama, self.model, truncate=False)
                yield _checked(CheckedAnswerer(ollama_chat, sampling=_NO_PENALTY), fix)
            finally:
                ollama.close()
        else:
            with OpenAIChat(str(self.url), model=self.model, timeout=_TIMEOUT) as chat:
                sampling = _NO_PENALTY if self.engine == "llamacpp" else GREEDY
                yield _checked(CheckedAnswerer(chat, sampling=sampling), fix)


def _checked(answerer: CheckedAnswerer, fix: str) -> CheckedAnswerer:
    answerer.check(fix)
    return answerer


def refuse_other_model(directory: Path, model: ServedModel, record: Mapping[str, Any]) -> None:
    """Refuses to continue with the rows of another served model.

    Args:
      directory: Where its rows are, or will be.
      model: The model.
      record: Its record.

    Raises:
      DataError: The rows in the directory are of another one.
    """
    path = directory / RECORD
    if not path.is_file() or not any(directory.rglob("*.jsonl")):
        return
    fix = f"remove {directory} to ask anew, or keep the new rows under another name with --name"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"JSON in {path}", str(error), fix) from error
    if kept != record:
        differs = [key for key in record if not isinstance(kept, dict) or kept.get(key) != record[key]]
        got = f"those of a served model with another {' and '.join(differs) or 'record'}"
        raise DataError(f"rows of {model.where} in {directory}", got, fix)


def write_record(directory: Path, record: Mapping[str, Any]) -> None:
    """Writes down which served model the rows in a directory are of.

    Raises:
      StorageError: It cannot be written.
    """
    write_text(directory / RECORD, json.dumps(record, indent=2) + "\n")

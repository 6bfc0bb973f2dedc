"""How to call an exported model from each runtime, as text for its model card; every snippet runs as it stands."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from callwright.engines.chat import ChatRequest
from callwright.engines.openai_chat import OLLAMA, OpenAIChat
from callwright.errors import FormatError
from callwright.export.ollama import choose_way
from callwright.export.response_template import response_template
from callwright.export.runtimes import llama_cpp_reads
from callwright.formats.base import Format
from callwright.openai import write_conversation

ExportKind = Literal["hf", "gguf", "ollama", "lora"]
"""What an export is: a directory for transformers, a GGUF, a GGUF with a Modelfile, or the adapter alone."""
_PARSE = "Nothing there reads the calls of this format: `callwright parse` does, from the text that comes back."


@dataclass(frozen=True, slots=True)
class Snippet:
    """How to call a model from one runtime.

    Attributes:
      runtime: The runtime's name.
      language: Of the text: "sh" or "python".
      text: The text.
      note: What has to be known of it; "" where nothing has.
    """

    runtime: str
    language: Literal["sh", "python"]
    text: str
    note: str = ""


def snippets(kind: ExportKind, file: str, name: str, fmt: Format, request: ChatRequest) -> Iterator[Snippet]:
    """How to call an export, from each runtime that loads it; all are run in the export's directory.

    Args:
      kind: What was exported.
      file: The GGUF's name.
      name: What Ollama calls the model.
      fmt: The format.
      request: What is asked.
    """
    if kind in ("gguf", "ollama"):
        yield from _of_gguf(kind, file, name, fmt, request)
    elif kind == "hf":
        yield _transformers("transformers", fmt, request, _LOAD)
        yield _vllm(fmt, request)
    else:
        yield _transformers("PEFT", fmt, request, _LOAD_ADAPTER)


def _of_gguf(kind: ExportKind, file: str, name: str, fmt: Format, request: ChatRequest) -> Iterator[Snippet]:
    unread = "" if llama_cpp_reads(fmt) else _PARSE
    waits = "The second line waits until the server is ready, and the third asks it."
    quoted = shlex.quote(file)
    serve = f"llama-server -m {quoted} --jinja --temp 0 --port 8080 &\n{_ready(8080)}\n"
    yield Snippet("llama.cpp", "sh", serve + _curl("http://127.0.0.1:8080", request), unread or waits)
    if kind == "ollama":
        yield _ollama(name, fmt, request)
    repository = f"callwright/{name}"
    load = (
        f"lms import --copy --user-repo {repository} {file}\nlms load -y {repository}\nlms server start --port 1234\n"
    )
    note = unread or "It uses the chat template inside the file; nothing has to be set."
    yield Snippet("LM Studio", "sh", load + _curl("http://127.0.0.1:1234", request), note)


def _ollama(name: str, fmt: Format, request: ChatRequest) -> Snippet:
    text = f"ollama create {shlex.quote(name)} -f Modelfile\n" + _curl(
        "http://127.0.0.1:11434", request, model=name, kind=OLLAMA
    )
    try:
        way = choose_way(fmt)
    except FormatError as error:
        return Snippet("Ollama", "sh", text, f"Ollama keeps none of the calls: {error.fix}.")
    by = "its own parser" if way == "renderer" else "the chat template inside the file"
    return Snippet("Ollama", "sh", text, f"Calls are read by {by}.")


_LOAD = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".", dtype="auto")
"""
_LOAD_ADAPTER = """\
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoPeftModelForCausalLM.from_pretrained(".")  # with the base that adapter_config.json names
"""
_GENERATE = """\
inputs = tokenizer.apply_chat_template(
    messages, tools=tools, add_generation_prompt=True, return_dict=True, return_tensors="pt"
)
output = model.generate(**inputs, max_new_tokens=256, do_sample=False)[0]
length = inputs["input_ids"].shape[1]
answer = tokenizer.decode(output[length:])
print(answer)
"""
_READ = """\
print(tokenizer.parse_response(answer, prefix=tokenizer.decode(output[:length])))
"""


def _transformers(runtime: str, fmt: Format, request: ChatRequest, load: str) -> Snippet:
    asked = write_conversation(request.conversation)
    given = "".join(f"{key} = {_python(asked[key])}\n" for key in ("tools", "messages"))
    reads = response_template(fmt) is not None
    text = load + given + _GENERATE + (_READ if reads else "")
    return Snippet(runtime, "python", text, "transformers reads calls since 5.13." if reads else _PARSE)


def _vllm(fmt: Format, request: ChatRequest) -> Snippet:
    parser = " --enable-auto-tool-choice --tool-call-parser hermes" if fmt.id == "xml/arguments" else ""
    serve = f"vllm serve . --served-model-name model{parser} &\n{_ready(8000)}\n"
    return Snippet(
        "vLLM", "sh", serve + _curl("http://127.0.0.1:8000", request, model="model"), "" if parser else _PARSE
    )


def _ready(port: int) -> str:
    return f"until curl -sf http://127.0.0.1:{port}/health > /dev/null; do sleep 1; done"


def _curl(url: str, request: ChatRequest, *, model: str = "", kind: str = "llama.cpp") -> str:
    with OpenAIChat(url, model=model, kind=kind) as chat:
        return chat.curl(request) + "\n"


def _python(value: object) -> str:
    """A JSON value as a Python literal in one line."""
    return repr(json.loads(json.dumps(value)))

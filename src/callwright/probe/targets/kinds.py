"""The runtimes that tell what they are, and how each is started with an instrument."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A runtime behind a URL.

    Attributes:
      name: What it is called in reports; see `openai_chat.PENALTIES`. "" where it is none that is known.
      marks: How it begins its Server header, or whom its models are owned by.
      path: Where it says its version.
      key: Under which name.
      file: The instrument, as the runtime loads it.
      serve: The words that start it; the instrument comes last. () where that is not known.
      options: The words after these.
      parsers: By family, or family and variant, which options have it read calls and thoughts; it reads none without.
      temperature_first: See `Target`.
    """

    name: str = ""
    marks: frozenset[str] = frozenset()
    path: str = "/version"
    key: str = "version"
    file: str = "probe.gguf"
    serve: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    parsers: Mapping[str, str] = field(default_factory=dict)
    temperature_first: bool = False

    def command(self, form: str) -> str:
        """The shell line that serves a format's instrument; "" where it is not known."""
        if not self.serve:
            return ""
        read = self.parsers.get(form, self.parsers.get(form.partition("/")[0], ""))
        return shlex.join([*self.serve, self.file, *self.options, *read.split()])


_HERMES = "--enable-auto-tool-choice --tool-call-parser hermes"
_VLLM_PARSERS = {
    "qwen25": _HERMES,
    "hermes3": _HERMES,
    "xml": _HERMES,
    "qwen3": f"{_HERMES} --reasoning-parser qwen3",
    "qwen3-xml": "--enable-auto-tool-choice --tool-call-parser qwen3_coder",
    "llama31": "--enable-auto-tool-choice --tool-call-parser llama3_json",
    "llama4": "--enable-auto-tool-choice --tool-call-parser llama4_pythonic",
    "bfcl": "--enable-auto-tool-choice --tool-call-parser pythonic",
    "mistral": "--enable-auto-tool-choice --tool-call-parser mistral",
    "mistral/v13": "--enable-auto-tool-choice --tool-call-parser mistral --reasoning-parser mistral",
    "functiongemma": "--enable-auto-tool-choice --tool-call-parser functiongemma",
    "gemma4": "--enable-auto-tool-choice --tool-call-parser gemma4 --reasoning-parser gemma4",
}
"""As vLLM 0.32 names them (vllm/tool_parsers, vllm/reasoning); `tool_code` has none."""

KINDS = (
    ServerKind(
        name="llama.cpp",
        marks=frozenset({"llama.cpp", "llamacpp"}),
        path="/props",
        key="build_info",
        serve=("llama-server", "-m"),
        options=("--jinja",),
    ),
    ServerKind(
        name="vLLM",
        marks=frozenset({"vllm"}),
        file="./probe",
        serve=("vllm", "serve"),
        parsers=_VLLM_PARSERS,
        temperature_first=True,
    ),
    ServerKind(
        name="SGLang",
        marks=frozenset({"sglang"}),
        path="/get_server_info",
        file="./probe",
        serve=("sglang", "serve", "--model-path"),
        temperature_first=True,
    ),
    ServerKind(name="Ollama", marks=frozenset({"library"}), path="/api/version"),
)


def kind_of(header: str, owner: str) -> ServerKind:
    """The kind that a Server header and the owner of a model tell of; one without a name where they tell of none."""
    said = {header.partition("/")[0].strip().lower(), owner.lower()}
    return next((kind for kind in KINDS if kind.marks & said), ServerKind())

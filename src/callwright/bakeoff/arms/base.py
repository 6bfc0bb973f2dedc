"""What an arm is: one way of asking the same model, opened once and then asked one step at a time.

The loop, the tools, the limits and the trace are the harness's. An arm gets a conversation and says all that it knows
of the answer: what was sent, the prompt, the tokens, what the runtime made of them, and what our strict parser does.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from callwright.bakeoff.tasks import Task
from callwright.bakeoff.trace import HaltReason, PromptSource
from callwright.conversation import Conversation, Json, Message, ToolCall
from callwright.engines.sampling import PURE, SamplingParams
from callwright.errors import WorkError
from callwright.formats.base import Format
from callwright.settings import Settings
from callwright.tokens import Tokenizer

if TYPE_CHECKING:
    from callwright.export.trained import Trained


class ArmOptions(Settings):
    """What can be set for an arm."""

    kind: str = ""
    """Which arm it is; its name in the configuration if empty."""


class ArmError(WorkError):
    """An arm that cannot be opened or asked.

    Args:
      reason: Why its tasks end.
      expected, got, fix: As for every error.
    """

    def __init__(self, reason: HaltReason, expected: str, got: str, fix: str) -> None:
        super().__init__(expected, got, fix)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSetup:
    """What the arms of a bake-off share, which is held constant.

    Attributes:
      format: How the model was trained to write conversations.
      tokenizer: The model's.
      tasks: All that is asked.
      model: The weights; None where there are only servers.
      server: The address of a llama.cpp server on the exported model; None where none was started.
      thinking: Whether the model is to think.
      temperature: Of sampling; 0 takes the likeliest token.
      context: How many tokens prompt and answer may have together.
      max_new_tokens: How many tokens an answer may have.
      seconds: How long an answer may take.
    """

    format: Format
    tokenizer: Tokenizer
    tasks: Sequence[Task] = ()
    model: "Trained | None" = None
    server: str | None = None
    thinking: bool = False
    temperature: float = 0.0
    context: int = 8192
    max_new_tokens: int = 256
    seconds: float = 120.0

    def sampling(self, seed: int) -> SamplingParams:
        """The model's own distribution at the temperature: nothing is cut or penalized."""
        return replace(PURE, temperature=self.temperature, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAnswer:
    """One answer, as far as the arm knows it; what None means is said in `trace.Step`.

    Attributes:
      message: The answer as the conversation goes on with it: what the runtime delivered, or what our parser read where
        the runtime parses nothing. None where a call was begun that cannot be read, or where there is no answer.
      truncated: Whether the token limit cut it, or it was cut because it repeated itself.
      seconds: What the runtime took, without what is asked of it besides; None where that was not measured.
      failure: Why there is no answer; None where there is one.
      error: The same in a sentence; "" where nothing is wrong.
    """

    message: Message | None
    request: dict[str, Any] | None = None
    url: str | None = None
    sampling: SamplingParams | None = None
    prompt: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    prompt_source: PromptSource = "unknown"
    output_ids: tuple[int, ...] | None = None
    raw: str | None = None
    logprobs: tuple[float, ...] | None = None
    top_ids: tuple[int, ...] | None = None
    content: str | None = None
    reasoning: str | None = None
    runtime_calls: tuple[ToolCall, ...] | None = None
    strict_calls: tuple[ToolCall, ...] | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    stop_reason: str | None = None
    truncated: bool = False
    seconds: float | None = None
    failure: HaltReason | None = None
    error: str = ""


class Arm(ABC):
    """One way of asking.

    Args:
      name: What its traces are kept under.
      options: Of its `options_type`.
      setup: What all arms share.

    Attributes:
      slots: How many tasks are asked side by side.
    """

    options_type: ClassVar[type[ArmOptions]] = ArmOptions
    needs_server: ClassVar[bool] = False
    """Whether it asks the llama.cpp server that the bake-off starts."""
    needs_weights: ClassVar[bool] = False
    """Whether it loads the model itself."""
    slots: int = 1

    def __init__(self, name: str, options: ArmOptions, setup: ArmSetup) -> None:
        self.name, self.setup = name, setup
        self.take(options)

    def take(self, options: Any) -> None:
        """Takes the options; an arm without any of its own has nothing to do."""
        return

    @property
    def local(self) -> bool:
        """Whether it computes on this machine: such arms run one after another."""
        return True

    async def open(self) -> None:
        """Loads what it needs, once.

        Raises:
          ArmError: That is not possible.
        """
        return

    @abstractmethod
    async def answer(self, conversation: Conversation, seed: int) -> ArmAnswer:
        """The answer to a conversation. What it raises ends the task, not the arm."""

    def playing(self) -> AbstractContextManager[None]:
        """A block in which a task is asked, for arms that answer those of several tasks together."""
        return nullcontext()

    def record(self) -> Mapping[str, Json]:
        """What it knows of its runtime once it is open, such as a version."""
        return {}

    async def close(self) -> None:
        """Frees what it holds."""
        return

"""A trace: one task in one arm, from the first prompt to the halt, as JSON lines.

`traces/ARM/TASK.jsonl` of a bake-off's directory holds one `Step` a line for each answer of the model, and a `Halt`
after the last of them. Wordings that are asked side by side have their steps mixed: `task`, `wording` and `seed` tell
whose they are. A trace without its halt was interrupted, and its task is run again: a step numbered 0 begins it anew.
"""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from callwright.engines.sampling import SamplingParams
from callwright.evaluation.row import RowCall

HaltReason = Literal[
    "answer_returned",
    "no_answer",
    "step_budget",
    "truncated",
    "context_overflow",
    "env_missing",
    "http_error",
    "sampler_error",
    "parse_lost",
    "timeout",
    "arm_error",
]
"""Why a task ended: the model answered without a call; it said nothing, or began a call that cannot be read; too many
steps; an answer cut by the token limit, or because it repeated itself; the prompt did not fit; the arm's environment is
not installed; the server refused or went away; the engine failed; the text has a call that the runtime's parser did not
deliver; no answer, or no end, in time; anything else that went wrong in the arm."""

PromptSource = Literal["rendered", "revealed", "x-ray", "reconstructed", "unknown"]
"""Where a step's prompt is known from: this package rendered it and sent it; the runtime said it; an x-ray model in the
same runtime showed it; rendered from the request as the runtime's template would; or not at all."""


class Step(BaseModel):
    """One answer within a task."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    kind: Literal["step"] = "step"
    schema_version: Literal[1] = 1
    arm: str
    task: str
    wording: int = Field(ge=0)
    """Which wording of the task, from 0."""
    seed: int
    step: int = Field(ge=0)
    """From 0."""
    messages: tuple[dict[str, Any], ...]
    """The conversation that was asked, in OpenAI's notation, as this step's request has it."""
    request: dict[str, Any] | None
    """What was sent to a server; None where there is none."""
    url: str | None = None
    """Where it was sent, so that a command can send it again."""
    sampling: SamplingParams | None = None
    """What the sampler was asked for; None in it was left to the runtime. None where nobody knows."""
    prompt: str | None
    """The rendered prompt; None where it is unknown."""
    prompt_ids: tuple[int, ...] | None
    prompt_source: PromptSource
    output_ids: tuple[int, ...] | None
    """With the token that ended the output, where it is known; None where a server keeps them."""
    raw: str | None
    """The generated text with its markers; None where a server keeps it."""
    logprobs: tuple[float, ...] | None = None
    """Of the output's tokens, natural logarithms."""
    top_ids: tuple[int, ...] | None = None
    """The runtime's own likeliest token in place of each of the output's, before a grammar, a penalty or a draw chose;
    None where it does not say."""
    content: str | None
    """What stood beside the calls, as the runtime delivered it."""
    reasoning: str | None
    runtime_calls: tuple[RowCall, ...] | None
    """The calls as the runtime parsed them; None where it parses none, or delivered one that cannot be read."""
    strict_calls: tuple[RowCall, ...] | None
    """The calls that this package's strict parser reads in `raw`; None without `raw`, or where one cannot be read."""
    results: tuple[Any, ...] = ()
    """What the stubbed tools gave back, one for each call that was executed."""
    prompt_tokens: int | None
    output_tokens: int | None
    seconds: float
    stop_reason: str | None
    """The runtime's own word."""
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The step as it is written. (pydantic's own dump refuses calls that are nested deeply.)"""
        calls = {key: getattr(self, key) for key in ("runtime_calls", "strict_calls")}
        written = {key: None if found is None else list(map(dict, found)) for key, found in calls.items()}
        return dict(self) | written | {"sampling": None if self.sampling is None else asdict(self.sampling)}


class Halt(BaseModel):
    """The end of a task."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    kind: Literal["halt"] = "halt"
    schema_version: Literal[1] = 1
    arm: str
    task: str
    wording: int
    seed: int
    halt_reason: HaltReason
    steps_used: int
    tool_calls_total: int
    wall_clock_s: float
    load_elapsed_s: float
    """Loading the model, apart from the run; 0 where it was loaded already."""
    model_answer: str | None
    goal_reached: bool
    goal_failure: str
    """What the goal lacks, in words; "" where it is reached."""
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The halt as it is written."""
        return dict(self)


class Trace(BaseModel):
    """One task in one arm: its steps, and how it ended."""

    model_config = ConfigDict(frozen=True)

    steps: tuple[Step, ...]
    halt: Halt

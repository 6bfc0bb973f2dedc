"""Arms whose prompts we render and whose output we parse: the runtime only turns a prompt into an output."""

import time
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from callwright.bakeoff.arms.base import Arm, ArmAnswer
from callwright.bakeoff.trace import HaltReason
from callwright.conversation import Conversation, Message, ToolCall
from callwright.formats.base import Format, Parsed
from callwright.tokens import Segment, Tokenizer, decode_segments, encode_segments


@dataclass(frozen=True, slots=True)
class RawPrompt:
    """A prompt that this package rendered.

    Attributes:
      conversation: What it says.
      text: The prompt.
      ids: Its token ids.
      limit: How many tokens the answer may have.
      seed: Of sampling.
    """

    conversation: Conversation
    text: str
    ids: tuple[int, ...]
    limit: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RawOutput:
    """What a runtime generated.

    Attributes:
      ids: The token ids, with the one that ended the output; None where the runtime keeps them.
      text: The text, where there are no ids.
      truncated: Whether the output was cut.
      stop_reason: The runtime's own word.
      sent_ids: Whether the prompt was sent as ids, so that they are known to be what the model got.
      request, url, logprobs, top_ids, prompt_tokens, output_tokens, failure, error: As in `ArmAnswer`.
    """

    ids: tuple[int, ...] | None = None
    text: str = ""
    truncated: bool = False
    stop_reason: str | None = None
    sent_ids: bool = True
    request: dict[str, Any] | None = None
    url: str | None = None
    logprobs: tuple[float, ...] | None = None
    top_ids: tuple[int, ...] | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    failure: HaltReason | None = None
    error: str = ""


class StrictReader:
    """Our strict parser on a model's output.

    Args:
      fmt: The format.
      tokenizer: The model's.
      thinking: Whether the model is to think.
    """

    def __init__(self, fmt: Format, tokenizer: Tokenizer, thinking: bool) -> None:
        self._fmt, self._tokenizer, self._thinking = fmt, tokenizer, thinking
        self._stops = {tokenizer.token_id(stop) for stop in fmt.stops}

    def segments(self, ids: tuple[int, ...]) -> list[Segment]:
        """The text of an output without the token that ended it; control tokens are told from text like them."""
        return decode_segments(self._tokenizer, ids[:-1] if ids and ids[-1] in self._stops else ids)

    def parse(self, conversation: Conversation, output: str | list[Segment], *, truncated: bool) -> Parsed:
        """What the output says in answer to a conversation."""
        return self._fmt.parse(
            output,
            tools=conversation.tools,
            finish_reason="length" if truncated else "stop",
            generation_prompt=self._fmt.generation_prompt(conversation, thinking=self._thinking),
        )


def readable_calls(parsed: Parsed) -> tuple[ToolCall, ...] | None:
    """The calls; None where some were begun and none can be read."""
    return None if parsed.errors and not parsed.tool_calls else parsed.tool_calls


class RawArm(Arm):
    """An arm that gets prompts."""

    @abstractmethod
    async def generate(self, prompt: RawPrompt) -> RawOutput:
        """What the runtime generates behind a prompt."""

    async def answer(self, conversation: Conversation, seed: int) -> ArmAnswer:
        """See `Arm.answer`. A thought is no content: our parser keeps the two apart in what the next prompt holds."""
        setup = self.setup
        rendered = setup.format.render(conversation, add_generation_prompt=True, thinking=setup.thinking)
        ids = tuple(encode_segments(setup.tokenizer, rendered.segments)[0])
        limit = min(setup.max_new_tokens, setup.context - len(ids))
        asked = ArmAnswer(
            message=None, prompt=rendered.text, prompt_ids=ids, prompt_source="rendered", prompt_tokens=len(ids)
        )
        if limit <= 0:
            error = f"a prompt of {len(ids)} tokens in a context of {setup.context}"
            return replace(asked, failure="context_overflow", error=error)
        started = time.monotonic()
        output = await self.generate(RawPrompt(conversation, rendered.text, ids, limit, seed))
        if not output.sent_ids:
            asked = replace(asked, prompt_ids=None, prompt_tokens=output.prompt_tokens)
        asked = replace(
            asked,
            request=output.request,
            url=output.url,
            sampling=setup.sampling(seed),
            seconds=time.monotonic() - started,
            failure=output.failure,
            error=output.error,
        )
        return asked if output.failure else self._read(asked, conversation, output)

    def _read(self, asked: ArmAnswer, conversation: Conversation, output: RawOutput) -> ArmAnswer:
        reader = StrictReader(self.setup.format, self.setup.tokenizer, self.setup.thinking)
        segments = None if output.ids is None else reader.segments(output.ids)
        parsed = reader.parse(conversation, segments or output.text, truncated=output.truncated)
        calls = readable_calls(parsed)
        return replace(
            asked,
            message=None if calls is None else Message("assistant", parsed.content, parsed.reasoning, calls),
            output_ids=output.ids,
            raw=output.text if segments is None else "".join(segment.text for segment in segments),
            logprobs=output.logprobs,
            top_ids=output.top_ids,
            content=parsed.content,
            reasoning=parsed.reasoning,
            strict_calls=calls,
            output_tokens=output.output_tokens if output.ids is None else len(output.ids),
            stop_reason=output.stop_reason,
            truncated=output.truncated,
            error="; ".join(issue.message for issue in parsed.errors),
        )

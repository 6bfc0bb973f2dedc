"""An OpenAI-compatible server that is faithful by construction, so that whoever finds a fault in it is wrong.

It is `engines.mock.MockServer` with an instrument in the model's place: a request is rendered by our renderer, cut into
tokens by the instrument's vocabulary, continued by the instrument's definition (`faithful_player`), and the output is
read by our strict parser. Nothing is between the model and the user that is not the reference itself. What goes wrong
inside a server, behind its door, can be switched on with `Hooks`; without them nothing does.

`verbose` in a request adds `__verbose`, as llama.cpp does: the prompt, the output, and the tokens of both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.faithful_player import generate

from callwright.conversation import Conversation
from callwright.engines.loopback import Response
from callwright.engines.mock import MockCompletion, MockServer
from callwright.instruments.instrument import Instrument
from callwright.probe.causes.output import ModelOutput
from callwright.tokens import Segment

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")


@dataclass
class Hooks:
    """Places where a server can go wrong between the request and the answer.

    Attributes:
      render: The conversation, whether thinking is asked for, and the segments of the prompt, to other segments.
      prompt: The prompt's tokens, to others. It is asked before the prompt is held against the context.
      speech: What the model says for this conversation, the end of its turn included, to other tokens.
    """

    render: Callable[[Conversation, bool | None, list[Segment]], list[Segment]] | None = None
    prompt: Callable[[list[int]], list[int]] | None = None
    speech: Callable[[Conversation, list[int]], list[int]] | None = None


class FaithfulServer(MockServer):
    """A server that plays an instrument.

    Args:
      instrument: A script, an x-ray for prompts of any length, or dice.
      context: How many tokens prompt and answer may have together.
    """

    def __init__(self, instrument: Instrument, *, context: int = 8192) -> None:
        super().__init__(instrument.fmt, {}, context=context, tokenizer=instrument.vocabulary, model=instrument.name)
        self.instrument, self.hooks = instrument, Hooks()

    def answer(self, method: str, path: str, body: bytes) -> Response:
        """What llama.cpp has besides."""
        match method, path:
            case "GET", "/health":
                return Response(200, {"status": "ok"})
            case "GET", "/props":
                return Response(
                    200,
                    {
                        "build_info": "faithful",
                        "model_alias": self.model,
                        "total_slots": 4,
                        "default_generation_settings": {"n_ctx": self.context},
                        "chat_template": self.fmt.chat_template(),
                    },
                )
        return super().answer(method, path, body)

    def render(self, conversation: Conversation, thinking: bool | None) -> list[Segment]:
        segments = super().render(conversation, thinking)
        return self.hooks.render(conversation, thinking, segments) if self.hooks.render else segments

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        ids = super().encode(segments)
        return self.hooks.prompt(ids) if self.hooks.prompt else ids

    def generate(
        self, request: Mapping[str, Any], conversation: Conversation, prompt: Sequence[int], limit: int
    ) -> tuple[list[int], bool]:
        stops = self.instrument.vocabulary.stop_ids
        sampling = {name: request.get(name) for name in SAMPLING}
        output = list(_until(generate(self.instrument, prompt, sampling), stops, limit))
        if self.hooks.speech:
            output = self.hooks.speech(conversation, output)[:limit]
        ended = bool(output) and output[-1] in stops
        return (output[:-1] if ended else output), ended

    def leftover(self, completion: MockCompletion) -> str:
        """The text from a call's marker on where the model ended its turn inside the call."""
        if completion.finish_reason != "stop":
            return ""
        tools, segments = completion.conversation.tools, tuple(self.segments(completion.output))
        opened = completion.generation_prompt
        parsed = self.fmt.parse(segments, tools=tools, finish_reason="stop", generation_prompt=opened)
        words = "".join(segment.text for segment in segments)
        return ModelOutput(
            fmt=self.fmt, words=words, parsed=parsed, tokens=None, cut=False, tools=tuple(tools)
        ).unclosed

    def extras(self, completion: MockCompletion) -> dict[str, Any]:
        """What no user sees."""
        if not completion.request.get("verbose"):
            return {}
        return {
            "__verbose": {
                "prompt": self.tokenizer.decode(completion.prompt),
                "prompt_ids": list(completion.prompt),
                "generation_prompt": completion.generation_prompt,
                "content": self.tokenizer.decode(completion.output),
                "segments": [[s.text, s.control] for s in self.segments(completion.output) if s.text],
                "tokens": list(completion.output),
            }
        }


def _until(tokens: Iterator[int], stops: Sequence[int], limit: int) -> Iterator[int]:
    for count, token in enumerate(tokens):
        if count == limit:
            return
        yield token
        if token in stops:
            return

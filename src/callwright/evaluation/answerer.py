"""Who answers the entries of a benchmark: an engine in this process, or a chat that a server offers.

An engine gets the token ids of a prompt that our format renders, and the format parses the tokens that it generates. A
served chat gets the conversation and sends back calls: the prompt and the token ids are the server's, and unknown here.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from callwright.conversation import Conversation, Message, ToolCall
from callwright.engines.base import Engine, Generation
from callwright.engines.chat import ChatRequest, ChatServer
from callwright.engines.sampling import GREEDY, SamplingParams
from callwright.errors import WorkError
from callwright.formats.base import Format
from callwright.formats.grammar import ParseIssue
from callwright.tokens import Tokenizer, decode_segments, encode_segments

UNREADABLE = ParseIssue("a call without a name, or with arguments that are not a JSON object", 0)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation as an answerer gets it.

    Attributes:
      conversation: Tools and messages.
      text: The rendered prompt; "" where a server renders it.
      ids: Its token ids; empty where a server makes them.
    """

    conversation: Conversation
    text: str = ""
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """The answer to one prompt.

    Attributes:
      text: The generated text; from a server what stood beside the calls, reasoning first.
      calls: The decoded calls, empty where none was made; None where one was attempted and cannot be read, or where
        there is no answer.
      token_ids: The generated token ids, without the stop token; empty where a server keeps them.
      finish_reason: "stop", "length" where the token limit cut the output, "loop" where it was cut because it repeated
        itself, or a server's own word.
      complete: False where the output ends inside a call or a thought, or was cut.
      issues: Malformed calls and other departures from the format.
      failure: Why there is no answer that could be scored; "" where there is one.
      message: The answer as the conversation goes on with it; None where a call was attempted and cannot be read, or
        where there is no answer.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    finish_reason: str | None = None
    complete: bool = True
    issues: tuple[ParseIssue, ...] = ()
    failure: str = ""
    message: Message | None = None

    @property
    def calls(self) -> tuple[ToolCall, ...] | None:
        """The decoded calls, empty where none was made; None where there is no message."""
        return None if self.message is None else self.message.tool_calls


class Answerer(Protocol):
    """Answers conversations, greedily."""

    def prepare(self, conversation: Conversation) -> Prompt:
        """The conversation, and what is known of its prompt before it is sent."""
        ...

    def answer(self, prompts: Sequence[Prompt], *, max_new_tokens: int) -> list[ModelAnswer]:
        """One answer for each prompt, in order; outputs are cut after `max_new_tokens` tokens."""
        ...


class EngineAnswerer:
    """An `Answerer` that renders, generates and parses in this process; the prompts of a call are one batch."""

    def __init__(self, engine: Engine, fmt: Format, tokenizer: Tokenizer) -> None:
        self._engine, self._fmt, self._tokenizer = engine, fmt, tokenizer

    def prepare(self, conversation: Conversation) -> Prompt:
        """See `Answerer.prepare`."""
        rendered = self._fmt.render(conversation, add_generation_prompt=True)
        ids, _ = encode_segments(self._tokenizer, rendered.segments)
        return Prompt(conversation, rendered.text, tuple(ids))

    def answer(self, prompts: Sequence[Prompt], *, max_new_tokens: int) -> list[ModelAnswer]:
        """See `Answerer.answer`. What the engine raises is passed on."""
        generations = self._engine.generate(
            [prompt.ids for prompt in prompts], max_new_tokens=max_new_tokens, sampling=GREEDY
        )
        return [self._parse(*pair) for pair in zip(prompts, generations, strict=True)]

    def _parse(self, prompt: Prompt, generation: Generation) -> ModelAnswer:
        output = decode_segments(self._tokenizer, generation.token_ids)
        parsed = self._fmt.parse(
            output,
            tools=prompt.conversation.tools,
            finish_reason=generation.for_parser,
            generation_prompt=self._fmt.generation_prompt(prompt.conversation),
        )
        unreadable = not parsed.tool_calls and bool(parsed.errors)
        return ModelAnswer(
            text="".join(segment.text for segment in output),
            token_ids=generation.token_ids,
            finish_reason=generation.finish_reason,
            complete=parsed.complete,
            issues=parsed.errors,
            message=None if unreadable else Message("assistant", parsed.content, parsed.reasoning, parsed.tool_calls),
        )


class ServedAnswerer:
    """An `Answerer` that asks a chat server, as many prompts at once as it has slots.

    A request that fails is the `failure` of its own answer. Calls cannot be read if one of them lacks a name, or has
    arguments that are not a JSON object: BFCL scores such a reply as one that does not decode.

    Args:
      server: The server.
      thinking: Whether the model is to think; None leaves it to the server.
      sampling: How tokens are drawn.
    """

    def __init__(self, server: ChatServer, *, thinking: bool | None = None, sampling: SamplingParams = GREEDY) -> None:
        self._server, self._thinking, self._sampling = server, thinking, sampling

    def prepare(self, conversation: Conversation) -> Prompt:
        """See `Answerer.prepare`."""
        return Prompt(conversation)

    def answer(self, prompts: Sequence[Prompt], *, max_new_tokens: int) -> list[ModelAnswer]:
        """See `Answerer.answer`."""
        with ThreadPoolExecutor(self._server.slots) as pool:
            return list(pool.map(partial(self._ask, max_new_tokens), prompts))

    def _ask(self, max_new_tokens: int, prompt: Prompt) -> ModelAnswer:
        reply = self._server.chat(
            ChatRequest(
                conversation=prompt.conversation,
                max_tokens=max_new_tokens,
                thinking=self._thinking,
                sampling=self._sampling,
            )
        )
        message = reply.message()
        return ModelAnswer(
            text=reply.words,
            finish_reason=reply.finish_reason,
            complete=reply.finish_reason != "length",
            issues=() if message else (UNREADABLE,),
            failure=reply.error,
            message=None if reply.error else message,
        )


class CheckedAnswerer(ServedAnswerer):
    """A `ServedAnswerer` that tells a request that fails from a server that is gone.

    After a batch in which a request failed, the server is asked for one token. Where that fails too, the batch has no
    answers: a server that died is no mistake of its model. So what is left can be asked once the server is back.

    Args:
      server: The server.
      sampling: How tokens are drawn.
      last_words: What the server complains of, where that is known.
    """

    def __init__(
        self, server: ChatServer, *, sampling: SamplingParams = GREEDY, last_words: Callable[[], str] = lambda: ""
    ) -> None:
        super().__init__(server, sampling=sampling)
        self._last_words = last_words

    def check(self, fix: str) -> None:
        """Asks for one token.

        Args:
          fix: What to do where it does not come.

        Raises:
          WorkError: It does not come.
        """
        trial = Conversation((Message("user", "Hello."),))
        reply = self._server.chat(ChatRequest(conversation=trial, max_tokens=1, sampling=self._sampling))
        if reply.error:
            raise WorkError("a server that answers", ": ".join(filter(None, (reply.error, self._last_words()))), fix)

    def answer(self, prompts: Sequence[Prompt], *, max_new_tokens: int) -> list[ModelAnswer]:
        """See `Answerer.answer`.

        Raises:
          WorkError: A request failed, and the server does not answer any more.
        """
        answers = super().answer(prompts, max_new_tokens=max_new_tokens)
        if any(answer.failure for answer in answers):
            self.check("the rows so far are kept; give the same command again once it answers")
        return answers

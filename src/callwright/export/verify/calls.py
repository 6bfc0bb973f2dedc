"""Calls as a client gets them: the served model is asked as a client asks, and its parser compared with ours.

For each request the server answers twice: as a chat, whose calls its own parser reads, and as tokens behind our own
prompt, which ours reads. Both are greedy, so they differ where the server's parser loses or changes a call, where its
prompt is another, or where its grammar forces a token. A call that ours reads and the chat has lost fails the check;
all other differences are counted, and so is how often the calls are those that the run itself recorded. Where the
model generates another token than the run did, rounding explains it only if the two were nearly as likely: by how much
the reference prefers one of them is the margin.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from callwright.conversation import Conversation, ToolCall
from callwright.engines.chat import ChatRequest, ChatServer
from callwright.engines.llama_completion import LlamaCompletion
from callwright.export.verify.check import Check
from callwright.export.verify.forced import REGIONS, ForcedOutput
from callwright.export.verify.reference import LogitModel
from callwright.formats.base import Format
from callwright.scoring.verdict import Verdict
from callwright.tokens import Tokenizer, decode_segments, encode_segments

Calls = tuple[tuple[str, str], ...]
"""Name and arguments of each call, the arguments in the order in which they were said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRequest:
    """A request, and what the run's own engine answered.

    Attributes:
      id: What it is called in errors.
      conversation: Tools and messages; the model's answer is to follow.
      recorded: The calls of the run's evaluation row; None where it had none that could be read, or was not asked.
      output: The tokens of that row, the stop token included where it is known; empty where it has none, or was cut.
      valid: The verdict of that row; None where it was not asked.
      score: The verdict on other calls, None of them where the answer does not decode; None where nobody knows.
    """

    id: str
    conversation: Conversation
    recorded: tuple[ToolCall, ...] | None = None
    output: tuple[int, ...] = ()
    valid: bool | None = None
    score: Callable[[Sequence[ToolCall] | None], Verdict] | None = None


@dataclass(frozen=True, slots=True)
class TokenDifference:
    """The first place at which a served model generates another token than the run did.

    Attributes:
      place: In the output.
      margin: By how much the reference prefers the likelier of the two, in logits.
    """

    place: int
    margin: float


def token_difference(
    reference: LogitModel, prompt: Sequence[int], recorded: Sequence[int], generated: Sequence[int]
) -> TokenDifference | None:
    """Where two outputs to one prompt part; None where one begins with the other."""
    pairs = enumerate(zip(recorded, generated, strict=False))
    place = next((n for n, (one, other) in pairs if one != other), None)
    if place is None:
        return None
    before, text = tuple(recorded[: place + 1]), REGIONS[-1]
    forced = ForcedOutput(id="", prompt=tuple(prompt), output=before, regions=(text,) * len(before))
    logits = reference.logits(forced)[place]
    return TokenDifference(place, abs(float(logits[recorded[place]] - logits[generated[place]])))


def check_calls(
    chat: ChatServer,
    server: LlamaCompletion,
    fmt: Format,
    tokenizer: Tokenizer,
    requests: Sequence[AskedRequest],
    *,
    reference: LogitModel | None = None,
    max_new_tokens: int = 256,
) -> Check:
    """Asks the served model, and compares the calls that a client gets with those that the model made.

    Args:
      chat: The server's chat endpoint.
      server: The same server's endpoint for token ids.
      fmt: The format of the model.
      tokenizer: Ours.
      requests: What is asked.
      reference: Base and adapter, for the margins of tokens that differ from the run's.
      max_new_tokens: How many tokens an answer may have.

    Raises:
      WorkError: The server goes away.
      FormatError: The format cannot say a request.
    """
    lost, counts, margins = list[str](), Counter[str](), list[float]()
    for request in requests:
        conversation = chat.as_sent(request.conversation)
        reply = chat.chat(ChatRequest(conversation=conversation, max_tokens=max_new_tokens))
        message = reply.message()
        answered = None if reply.error or message is None else message.tool_calls
        served = None if answered is None else _calls(answered)
        prompt, _ = encode_segments(tokenizer, fmt.render(conversation, add_generation_prompt=True).segments)
        output = server.generated(prompt, max_new_tokens)
        ids, finish = output.tokens, output.finish_reason
        read = fmt.parse(decode_segments(tokenizer, ids), tools=conversation.tools, finish_reason=finish)
        ours = _calls(read.tool_calls)
        counts.update(
            asked=1,
            with_calls=bool(ours),
            same_as_parsed=served == ours,
            recorded=request.recorded is not None,
            same_as_recorded=request.recorded is not None and served == _calls(request.recorded),
        )
        if request.score is not None and request.valid is not None:
            counts.update(verdicts=1, other_verdicts=request.score(answered).valid != request.valid)
        if reference is not None and request.output and conversation == request.conversation:
            difference = token_difference(reference, prompt, request.output, ids)
            margins += [] if difference is None else [difference.margin]
        if ours and not served:
            got = reply.error or f"no call, and the text {reply.words[:60]!r}"
            lost.append(f"{request.id}: the model calls {ours[0][0]}, and the client gets {got}")
    detail = f"{counts['same_as_parsed']} of {counts['asked']} answers have the calls that we read, and none is lost"
    if lost:
        detail = f"{lost[0]} ({len(lost)} of {counts['asked']})"
    if counts["recorded"]:
        detail += f"; {counts['same_as_recorded']} of {counts['recorded']} have those of the run"
    if counts["verdicts"]:
        detail += f", and {counts['other_verdicts']} of {counts['verdicts']} verdicts are others than in its rows"
    numbers = {key: float(value) for key, value in counts.items()}
    if margins:
        detail += f"; {len(margins)} outputs part from the run's, at margins of {max(margins):.2g} logits at most"
        numbers |= {"other_tokens": float(len(margins)), "largest_margin": max(margins)}
    return Check("calls", bool(requests) and not lost, detail, numbers)


def same_calls(some: Iterable[ToolCall], others: Iterable[ToolCall]) -> bool:
    """Whether the calls have the same names and arguments, in the same order and of the same types."""
    return _calls(some) == _calls(others)


def _calls(calls: Iterable[ToolCall]) -> Calls:
    return tuple((call.name, _text(call.arguments)) for call in calls)


def _text(value: Any) -> str:
    """The value spelled so that 1 and 1.0 and true differ, and the order of keys counts."""
    return repr(dict(value))

"""Why a served model calls otherwise than the run did: its numbers are others, or its server changed what it wrote.

The same weights are asked twice: by the chat endpoint, as a client does, and for the same prompt's token ids alone,
where no grammar and no parser of the server has a part. If the latter has the calls that the client got, the weights
part from the run's, and the reference's margin at the first other token says by how much; if it has the run's own, the
server is the cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from callwright.conversation import Tool, ToolCall
from callwright.engines.llama_completion import LlamaCompletion
from callwright.evaluation.row import EvaluationRow, RowCall
from callwright.export.verify.calls import same_calls, token_difference
from callwright.export.verify.reference import LogitModel
from callwright.formats.base import Format
from callwright.tokens import Tokenizer, decode_segments

Reason = Literal["numbers", "server", "numbers and server"]
"""The weights write other tokens than the run did; the server makes other calls of the run's tokens; or both."""


@dataclass(frozen=True, slots=True)
class OtherCalls:
    """Why an entry is answered by other calls.

    Attributes:
      id: The entry.
      reason: Where the calls come from.
      margin: By how many logits the trained model prefers the likelier of the first two tokens that differ; None where
        the weights wrote what the run did.
    """

    id: str
    reason: Reason
    margin: float | None

    def __str__(self) -> str:
        margin = "" if self.margin is None else f" (margin {self.margin:.2g})"
        return f"{self.id}{margin}"


def explain(
    reference: LogitModel,
    server: LlamaCompletion,
    fmt: Format,
    tokenizer: Tokenizer,
    own: EvaluationRow,
    served: EvaluationRow,
    tools: Sequence[Tool],
    *,
    max_new_tokens: int,
) -> OtherCalls | None:
    """Why the served row's calls are others than the run's own; None where they are the same.

    Args:
      reference: Base and adapter.
      server: The same server's endpoint for token ids.
      fmt: The format of the model.
      tokenizer: Ours.
      own: The run's row; of a flow there are several prompts, so it is none of one.
      served: The row of the same entry, asked at the chat endpoint.
      tools: What the entry offers.
      max_new_tokens: The limit that both had.

    Raises:
      WorkError: The server goes away.
    """
    wanted, got = _calls(own.calls), _calls(served.calls)
    if wanted is got or (wanted is not None and got is not None and same_calls(wanted, got)):
        return None
    output = server.generated(own.prompt_ids, max_new_tokens)
    read = fmt.parse(decode_segments(tokenizer, output.tokens), tools=tools, finish_reason=output.finish_reason)
    difference = token_difference(reference, own.prompt_ids, own.token_ids, output.tokens)
    margin = None if difference is None else difference.margin
    if got is not None and same_calls(read.tool_calls, got):
        return OtherCalls(own.id, "numbers", margin)
    if wanted is not None and same_calls(read.tool_calls, wanted):
        return OtherCalls(own.id, "server", margin)
    return OtherCalls(own.id, "numbers and server" if difference else "server", margin)


def _calls(calls: Sequence[RowCall] | None) -> tuple[ToolCall, ...] | None:
    return None if calls is None else tuple(ToolCall(call.name, call.arguments) for call in calls)

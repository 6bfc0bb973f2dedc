"""A GGUF in a llama.cpp server, forced along outputs: what it would say at each place, against the reference.

The server gets token ids and is asked for one token with the 64 likeliest. What it has read stays in its cache, so each
request reads one token more. The token that it draws is a plain letter, by a bias that the probabilities it tells do
not have: a stop or half a character would end the answer before they are told.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from callwright.conversation import Json
from callwright.engines.llama_completion import ANOTHER, COMPLETION, LlamaCompletion
from callwright.errors import WorkError
from callwright.export.gguf import GgufKind
from callwright.export.verify.check import Check
from callwright.export.verify.forced import ForcedOutput
from callwright.export.verify.likeliest import COUNT, LARGEST, Agreement, Likeliest, likeliest
from callwright.export.verify.reference import LogitModel
from callwright.tokens import Tokenizer

_BIAS = 1000.0


class ForcedCompletion(LlamaCompletion):
    """A llama.cpp server that is also forced along outputs.

    Args:
      url: The server's address.
      tokenizer: The model's.
      timeout: How many seconds an answer may take.
    """

    def __init__(self, url: str, tokenizer: Tokenizer, timeout: float = 120.0) -> None:
        super().__init__(url, timeout)
        self._letter = tokenizer.encode("a")[0]

    def forced(self, forced: ForcedOutput) -> Iterator[Likeliest]:
        """What the server would say in place of each token of the output.

        Raises:
          WorkError: It goes away, or answers without probabilities.
        """
        for done in range(len(forced.output)):
            body: dict[str, Json] = {
                "prompt": [*forced.prompt, *forced.output[:done]],
                "n_predict": 1,
                "n_probs": COUNT,
                "cache_prompt": True,
                "temperature": 0,
                "logit_bias": [[self._letter, _BIAS]],
            }
            yield self._read(self.post(COMPLETION, body), f"token {done} of {forced.id}")

    def _read(self, answer: Any, where: str) -> Likeliest:
        match answer:
            case {"completion_probabilities": [{"top_logprobs": list(listed)}, *_]} if listed:
                try:
                    return Likeliest({int(one["id"]): float(one["logprob"]) for one in listed})
                except (LookupError, TypeError, ValueError):
                    pass
        got = json.dumps(answer)[:200]
        raise WorkError(f"the {COUNT} likeliest tokens from llama.cpp, at {where}", got, ANOTHER)


def check_served(
    reference: LogitModel,
    server: ForcedCompletion,
    outputs: Sequence[ForcedOutput],
    kind: GgufKind,
) -> Check:
    """Compares a served GGUF with base and adapter, position by position along held-out outputs.

    Args:
      reference: Base and adapter.
      server: Serves the file.
      outputs: What both are forced along.
      kind: What most numbers of the file are stored as.

    Raises:
      WorkError: The server goes away, or answers without probabilities.
    """
    agreement, worst = Agreement.empty(), ("none", 0.0)
    for forced in outputs:
        own = Agreement.empty()
        expected, got = likeliest(reference.logits(forced)), list(server.forced(forced))
        for counted in (agreement, own):
            counted.add(expected, got, forced.regions)
        if own.mean_divergence > worst[1]:
            worst = forced.id, own.mean_divergence
    detail = f"{agreement}, at most {worst[1]:.2g} (in {worst[0]})"
    passed = agreement.mean_divergence <= LARGEST[kind]
    return Check(f"{kind.upper()} in llama.cpp", passed, detail, agreement.numbers())

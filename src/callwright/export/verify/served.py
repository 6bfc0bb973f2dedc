"""A GGUF in a llama.cpp server, forced along outputs: what it would say at each place, against the reference.

The server gets token ids and is asked for one token with the 64 likeliest. What it has read stays in its cache, so each
request reads one token more. The token that it draws is a plain letter, by a bias that the probabilities it tells do
not have: a stop or half a character would end the answer before they are told.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from callwright.conversation import Json
from callwright.engines.http_client import HttpClient, HttpError
from callwright.engines.response_text import error_text, read_json
from callwright.errors import WorkError
from callwright.export.gguf import GgufKind
from callwright.export.verify.check import Check
from callwright.export.verify.forced import ForcedOutput
from callwright.export.verify.likeliest import COUNT, LARGEST, Agreement, Likeliest, likeliest
from callwright.export.verify.reference import LogitModel
from callwright.tokens import Tokenizer

_BIAS = 1000.0
_COMPLETION = "/completion"
_ANOTHER = "look at the server's log, or name another llama-server"


class LlamaCompletion:
    """llama.cpp's own endpoint for token ids.

    Args:
      url: The server's address.
      tokenizer: The model's.
      timeout: How many seconds an answer may take.
    """

    def __init__(self, url: str, tokenizer: Tokenizer, timeout: float = 120.0) -> None:
        self._client = HttpClient(url, timeout)
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
            yield self._read(self.post(_COMPLETION, body), f"token {done} of {forced.id}")

    def generated(self, prompt: Sequence[int], max_new_tokens: int) -> tuple[list[int], Literal["stop", "length"]]:
        """What the server generates greedily behind a prompt of ids, and why it ended.

        Raises:
          WorkError: It goes away, or answers without tokens.
        """
        body: dict[str, Json] = {
            "prompt": list(prompt),
            "n_predict": max_new_tokens,
            "return_tokens": True,
            "cache_prompt": True,
            "temperature": 0,
        }
        match self.post(_COMPLETION, body):
            case {"tokens": list(tokens), "stop_type": str(kind)} if all(isinstance(one, int) for one in tokens):
                return tokens, "length" if kind == "limit" else "stop"
            case answer:
                raise WorkError("the generated tokens from llama.cpp", json.dumps(answer)[:200], _ANOTHER)

    def post(self, path: str, body: Mapping[str, Json]) -> Any:
        """The JSON of an answer.

        Raises:
          WorkError: No answer comes, or an error.
        """
        try:
            with self._client.send(path, body) as response:
                text = b"".join(response.chunks).decode("utf-8", "replace")
                value = read_json(text)
        except (HttpError, ValueError) as error:
            raise WorkError(f"an answer to {path}", str(error), _ANOTHER) from error
        if response.status >= 300:
            got = error_text(value) or f"HTTP {response.status}"
            raise WorkError(f"an answer to {path}", got, _ANOTHER)
        return value

    def _read(self, answer: Any, where: str) -> Likeliest:
        match answer:
            case {"completion_probabilities": [{"top_logprobs": list(listed)}, *_]} if listed:
                try:
                    return Likeliest({int(one["id"]): float(one["logprob"]) for one in listed})
                except (LookupError, TypeError, ValueError):
                    pass
        got = json.dumps(answer)[:200]
        raise WorkError(f"the {COUNT} likeliest tokens from llama.cpp, at {where}", got, _ANOTHER)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_served(
    reference: LogitModel,
    server: LlamaCompletion,
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

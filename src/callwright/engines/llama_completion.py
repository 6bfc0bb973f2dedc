"""llama.cpp's own endpoint: token ids in, token ids out, nothing rendered and nothing parsed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from callwright.conversation import Json
from callwright.engines.http_client import HttpClient, HttpError
from callwright.engines.response_text import error_text, read_json
from callwright.engines.sampling import SamplingParams
from callwright.errors import WorkError

COMPLETION = "/completion"
ANOTHER = "look at the server's log, or name another llama-server"
"""What to do about a server that answers something else."""
_SAMPLING = {name: name for name in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")}
_GREEDY = SamplingParams(temperature=0)


@dataclass(frozen=True, slots=True)
class LlamaOutput:
    """What a server generated behind a prompt of token ids.

    Attributes:
      tokens: The ids, with the one that ended the output.
      finish_reason: "length" where the limit cut it.
      logprobs: Of each token, natural logarithms; empty where they were not asked for.
      likeliest: The model's own likeliest token in place of each, whatever was drawn; empty the same.
      prompt_tokens: The prompt's length as the server counted it; None where it did not.
      request: What was asked.
    """

    tokens: tuple[int, ...]
    finish_reason: Literal["stop", "length"]
    logprobs: tuple[float, ...] = ()
    likeliest: tuple[int, ...] = ()
    prompt_tokens: int | None = None
    request: Mapping[str, Json] = field(default_factory=dict, repr=False)


class LlamaCompletion:
    """A llama.cpp server that is asked with token ids; several threads may ask at once.

    Args:
      url: The server's address.
      timeout: How many seconds an answer may take.
    """

    def __init__(self, url: str, timeout: float = 120.0) -> None:
        self._client = HttpClient(url, timeout)

    def generated(
        self,
        prompt: Sequence[int],
        max_new_tokens: int,
        *,
        sampling: SamplingParams = _GREEDY,
        logprobs: bool = False,
    ) -> LlamaOutput:
        """What the server generates behind a prompt of ids, and why it ended.

        Raises:
          WorkError: It goes away, refuses, or answers without tokens.
        """
        body: dict[str, Json] = {
            "prompt": list(prompt),
            "n_predict": max_new_tokens,
            "return_tokens": True,
            "cache_prompt": True,
        }
        body |= sampling.to_wire(_SAMPLING) | ({"n_probs": 1} if logprobs else {})
        match answer := self.post(COMPLETION, body):
            case {"tokens": list(tokens), "stop_type": str(kind)} if all(isinstance(one, int) for one in tokens):
                counted = answer.get("tokens_evaluated")
                found = read_probabilities(answer.get("completion_probabilities"), len(tokens))
                return LlamaOutput(
                    tokens=tuple(tokens),
                    finish_reason="length" if kind == "limit" else "stop",
                    logprobs=found[0],
                    likeliest=found[1],
                    prompt_tokens=counted if isinstance(counted, int) else None,
                    request=body,
                )
        raise WorkError("the generated tokens from llama.cpp", json.dumps(answer)[:200], ANOTHER)

    def tokenized(self, text: str) -> tuple[int, ...]:
        """The ids that the server makes of a prompt in which control tokens stand as text.

        Raises:
          WorkError: It goes away, or answers without tokens.
        """
        match self.post("/tokenize", {"content": text, "add_special": False, "parse_special": True}):
            case {"tokens": list(tokens)} if all(isinstance(one, int) for one in tokens):
                return tuple(tokens)
            case answer:
                raise WorkError("the tokens of a text from llama.cpp", json.dumps(answer)[:200], ANOTHER)

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
            raise WorkError(f"an answer to {path}", str(error), ANOTHER) from error
        if response.status >= 300:
            got = error_text(value) or f"HTTP {response.status}"
            raise WorkError(f"an answer to {path}", got, ANOTHER)
        return value

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_probabilities(listed: Any, count: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """What llama.cpp tells of the probabilities of an output.

    Args:
      listed: An entry for each token, with the likeliest ones in its place.
      count: How many tokens the output has.

    Returns:
      The logarithm of each token's probability, and the likeliest token in place of each; each is empty where it is not
      told of every token.
    """
    logprobs, likeliest = list[float](), list[int]()
    for one in listed if isinstance(listed, list) else ():
        match one:
            case {"logprob": int() | float() as logprob}:
                logprobs.append(float(logprob))
        match one:
            case {"top_logprobs": [{"id": int(id_)}, *_]}:
                likeliest.append(id_)
    return (
        tuple(logprobs) if len(logprobs) == count else (),
        tuple(likeliest) if len(likeliest) == count else (),
    )

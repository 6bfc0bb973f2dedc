"""google-deepmind/gemma behind two pipes: token ids in, token ids out, a JSON object a line.

It runs in the environment of `gemma_environment`, by path, and imports nothing of this package. Weights, sizes and the
context come on the command line; the first line out says that the model is loaded and compiled. Then:

    {"ids": [...], "limit": n, "stop": [...]}  ->  {"ids": [...], "logprobs": [...]}
    {"ids": [...], "logits": "file.npy"}       ->  {"logits": [T, V]}, and float32 numbers in the file

The ids of an answer end with a stop id, or are `limit` many; each is the likeliest, so nothing depends on a seed. What
fails is a line {"error": "..."}, and the next line is read. Prompts are computed in pieces of one length, so that two
shapes are compiled and no more.
"""

import dataclasses
import json
import os
import sys
from importlib.metadata import version
from typing import Any

PIECE = 256
"""Tokens of a prompt that are computed at once."""


class ReferenceModel:
    """The reference code on one set of weights, in float32.

    Args:
      weights: A safetensors file with the library's own names, joined by dots.
      sizes: What of `gm.nn.Gemma3_270M.config` is another, and `layers_per_global`.
      context: How many tokens prompt and answer have together at most.
    """

    def __init__(self, weights: str, sizes: dict[str, Any], context: int) -> None:
        import jax
        import jax.numpy as jnp
        from gemma import gm  # type: ignore[import-not-found] # it is in the other environment
        from safetensors.numpy import load_file

        jax.config.update("jax_default_matmul_precision", "highest")  # a GPU's default is narrower than float32
        layers, every = sizes.pop("num_layers"), sizes.pop("layers_per_global")
        kinds = gm.nn.config.AttentionType
        types = tuple(kinds.LOCAL_SLIDING if (i + 1) % every else kinds.GLOBAL for i in range(layers))
        config = dataclasses.replace(gm.nn.Gemma3_270M.config, attention_types=types, **sizes)
        model = gm.nn.Gemma3_270M(config=config, dtype=jnp.float32)
        self._jnp, self._model = jnp, model
        self._length = -(-context // PIECE) * PIECE + PIECE
        """Places of the cache: the last piece of the longest prompt fits, its padding included."""
        self._params: dict[str, Any] = {}
        for name, array in load_file(weights).items():
            inner, path = self._params, name.split(".")
            for key in path[:-1]:
                inner = inner.setdefault(key, {})
            inner[path[-1]] = jnp.asarray(array)

        def step(params: Any, cache: Any, tokens: Any, start: Any) -> Any:
            """Tokens (1, L) from position `start` on, 0 behind the last: its logits (V,), and the cache."""
            positions = start + jnp.arange(tokens.shape[1])[None]
            mask = jnp.arange(self._length)[None, None] <= positions[..., None]  # (1, L, cache)
            given = {"tokens": tokens, "positions": positions, "attention_mask": mask, "cache": cache}
            out = model.apply({"params": params}, **given, return_last_only=True)
            return out.logits[0].astype(jnp.float32), out.cache

        self._step = jax.jit(step, donate_argnums=1)
        self._logprobs = jax.jit(jax.nn.log_softmax)
        self.generate([2], 2, [])  # compiles both shapes

    def generate(self, ids: list[int], limit: int, stop: list[int]) -> dict[str, Any]:
        """The likeliest continuation, with the log-probability of each token."""
        jnp = self._jnp
        if not ids or len(ids) + limit > self._length - PIECE:
            raise ValueError(f"{len(ids)} tokens and {limit} more in a context of {self._length - PIECE}")
        cache = self._model.init_cache(batch_size=1, dtype=jnp.float32, cache_length=self._length)
        for start in range(0, len(ids), PIECE):
            piece = ids[start : start + PIECE]
            tokens = jnp.asarray([piece + [0] * (PIECE - len(piece))], jnp.int32)
            logits, cache = self._step(self._params, cache, tokens, start)
        end = jnp.full((1,), len(ids), jnp.int32)  # what is generated is written over the padding
        cache = {name: {**layer, "end_index": end + 0} for name, layer in cache.items()}
        out: list[int] = []
        logprobs: list[float] = []
        while True:
            token = int(logits.argmax())
            out.append(token)
            logprobs.append(float(self._logprobs(logits)[token]))
            if token in stop or len(out) >= limit:
                return {"ids": out, "logprobs": logprobs}
            tokens = jnp.asarray([[token]], jnp.int32)
            logits, cache = self._step(self._params, cache, tokens, len(ids) + len(out) - 1)

    def write_logits(self, ids: list[int], path: str) -> dict[str, Any]:
        """The logits (T, V) behind every token, without a cache."""
        import numpy as np

        tokens = self._jnp.asarray([ids], self._jnp.int32)
        logits = np.asarray(self._model.apply({"params": self._params}, tokens=tokens).logits[0], np.float32)
        np.save(path, logits, allow_pickle=False)
        return {"logits": list(logits.shape)}


def answer(model: ReferenceModel, line: str) -> dict[str, Any]:
    """What one line is answered by."""
    try:
        asked = json.loads(line)
        if "logits" in asked:
            return model.write_logits(asked["ids"], asked["logits"])
        return model.generate(asked["ids"], asked["limit"], asked["stop"])
    except Exception as error:  # whatever it is, the next line may be answered
        return {"error": f"{type(error).__name__}: {error}"[:2000]}


def main() -> None:
    """Answers lines until there are no more."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    weights, sizes, context = sys.argv[1:]
    model = ReferenceModel(weights, json.loads(sizes), int(context))
    print(json.dumps({"ready": {name: version(name) for name in ("gemma", "jax", "flax")}}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(model, line)), file=out, flush=True)


if __name__ == "__main__":
    main()

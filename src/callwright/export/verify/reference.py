"""What the trained model makes of an output: logits of base and adapter in float32, and of weights where both are one.

The adapter stays apart in the reference, in the very module that it was trained in, so a mistake in merging cannot be
in both. Outputs are padded at the end to lengths of which few exist, because each is compiled once; in a causal model
nothing sees what comes after it.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from callwright.engines.shapes import rounded_width
from callwright.export.trained import Trained
from callwright.export.verify.forced import ForcedOutput
from callwright.models.forward import Params, empty_cache, forward, matrices
from callwright.models.gemma3 import Gemma3Config
from callwright.models.hf_names import tree_of
from callwright.models.load import load_model, make_mesh
from callwright.models.lora import attach, write_adapter


class LogitModel(Protocol):
    """A model whose logits can be looked at."""

    def logits(self, forced: ForcedOutput) -> np.ndarray:
        """(T, V) float32: of each token of the output, what the model would say in its place."""
        ...


class TrainedModel:
    """The base with its adapter beside it, in float32; loaded when it is asked first, and each output computed once."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._hidden = nnx.jit(_module_hidden)
        self._states: dict[ForcedOutput, np.ndarray] = {}

    @cached_property
    def _model(self) -> Any:
        trained, mesh = self._trained, make_mesh()
        model = load_model(trained.base, mesh, "float32")
        if trained.adapter is not None:
            model = attach(model, trained.lora, mesh, seed=0)
            write_adapter(model, trained.adapter)
        return model

    @cached_property
    def _embedding(self) -> np.ndarray:
        return np.asarray(self._model.embedder.input_embedding.get_value())

    def logits(self, forced: ForcedOutput) -> np.ndarray:
        """See `LogitModel.logits`."""
        if forced not in self._states:
            self._states[forced] = _states(forced, lambda tokens: self._hidden(self._model, tokens))
        return _project(self._states[forced], self._embedding)


class MergedModel:
    """A model of tensors by Hugging Face's names, in float32."""

    def __init__(self, tensors: Mapping[str, np.ndarray], config: Gemma3Config) -> None:
        self._config = config
        self._params: Params = matrices(jax.tree.map(jnp.asarray, tree_of(tensors, config)))
        self._embedding = np.asarray(self._params["embedder"]["input_embedding"])
        self._hidden = jax.jit(_tree_hidden, static_argnames="config")

    def logits(self, forced: ForcedOutput) -> np.ndarray:
        """See `LogitModel.logits`."""
        states = _states(forced, lambda tokens: self._hidden(self._params, self._config, tokens))
        return _project(states, self._embedding)


def _states(forced: ForcedOutput, hidden: Callable[[np.ndarray], jax.Array]) -> np.ndarray:
    """(T, D): the final hidden states that the tokens of an output are predicted from."""
    ids = (*forced.prompt, *forced.output[:-1])
    tokens = np.zeros((1, rounded_width(len(ids))), np.int32)
    tokens[0, : len(ids)] = ids
    return np.array(hidden(tokens)[0, len(forced.prompt) - 1 : len(ids)])


def _project(states: np.ndarray, embedding: np.ndarray) -> np.ndarray:
    found: np.ndarray = states @ embedding.T
    return found


def _module_hidden(model: Any, tokens: jax.Array) -> jax.Array:
    """Final hidden states (1, L, D) of Tunix's module; its logits are not computed, because nothing reads them."""
    length = tokens.shape[1]
    causal = jnp.tril(jnp.ones((1, length, length), bool))
    model(tokens, jnp.arange(length)[None], None, causal, output_hidden_states=True)
    return nnx.pop(model, nnx.Intermediate)["all_hidden_states"].get_value()[0]


def _tree_hidden(params: Params, config: Gemma3Config, tokens: jax.Array) -> jax.Array:
    cache = empty_cache(config, 1, tokens.shape[1], jnp.dtype(jnp.float32))
    return forward(params, config, tokens, jnp.int32(0), jnp.zeros(1, jnp.int32), cache)[0]

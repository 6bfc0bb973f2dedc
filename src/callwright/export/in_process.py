"""A trained model as an answerer in this process, for when there is no server."""

import jax

from callwright.engines.jax import JaxEngine
from callwright.evaluation.answerer import EngineAnswerer
from callwright.export.trained import Trained
from callwright.models import lora
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.settings import Precision
from callwright.models.tokenizer import load_tokenizer


def merged_engine(
    trained: Trained, precision: Precision = "float32", *, dtype: jax.typing.DTypeLike | None = None
) -> JaxEngine:
    """The engine of the merged weights.

    Args:
      trained: The model.
      precision: Of the weights.
      dtype: What is computed in; see `JaxEngine`.
    """
    params = parameters(load_model(trained.base, make_mesh(), precision))
    if trained.adapter is not None:
        params = lora.merge(params, trained.adapter, trained.scale)
    tokenizer = load_tokenizer(trained.base.directory)
    stops = [tokenizer.token_id(stop) for stop in trained.format.stops]
    return JaxEngine(params, trained.base.config, stop_ids=stops, pad_id=tokenizer.pad_id, dtype=dtype)


def engine_answerer(trained: Trained, precision: Precision = "float32") -> EngineAnswerer:
    """The model, answering as in its run's evaluations, where it has their precision.

    Args:
      trained: The model.
      precision: Of the merged weights.
    """
    return EngineAnswerer(merged_engine(trained, precision), trained.format, load_tokenizer(trained.base.directory))

"""Without a server, the trained model answers in this process, as it does in its run's evaluations."""

import numpy as np
import pytest
from tests.support.trained_runs import tiny_trained

from callwright.conversation import Conversation, Message
from callwright.engines.jax import JaxEngine
from callwright.evaluation.answerer import EngineAnswerer
from callwright.export.in_process import engine_answerer
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.lora import merge
from callwright.models.tokenizer import load_tokenizer

ASKED = Conversation((Message("user", "the weather"),))


@pytest.mark.slow
def test_the_adapter_and_its_scale_answer(shallow_model):
    model = tiny_trained(shallow_model)
    tokenizer = load_tokenizer(shallow_model.directory)
    params = parameters(load_model(shallow_model, make_mesh()))
    merged = merge(params, {name: np.asarray(factor) for name, factor in model.adapter.items()}, model.lora.scale)
    stop = tokenizer.token_id("<end_of_turn>")
    engine = JaxEngine(merged, shallow_model.config, stop_ids=[stop], pad_id=tokenizer.pad_id)
    answers = []
    for answerer in (EngineAnswerer(engine, model.format, tokenizer), engine_answerer(model)):
        answers += answerer.answer([answerer.prepare(ASKED)], max_new_tokens=8)
    assert answers[0].token_ids == answers[1].token_ids
    assert answers[0].token_ids

"""What the probe asks in a loop is what the weights say, not only the definition that the faithful server plays."""

import re

import numpy as np
import pytest
from tests.support.instruments import margins, tensors_of
from tests.support.wrapped_target import WrappedTarget

from callwright.formats import get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.plan import make_plan
from callwright.probe.run import run_probe
from callwright.tokens import count_given, encode_segments

SURE = 20.0
FIRST = 8
"""Tokens of an answer that are looked at: those that depend on what stands in the prompt."""


@pytest.mark.parametrize("name", ["qwen3", "gemma4/e2b", "mistral/v13", "llama31"])
def test_the_weights_say_each_answer_of_a_loop(name):
    fmt, cases = get_format(name), [case for case in read_cases().cases if case.kind == "loop"]
    asked = []

    def answer(server, request):
        asked.append(request)
        return server.chat(request)

    run_probe(WrappedTarget(answer), [fmt], cases)
    script = make_plan(fmt, cases).speaker
    model, turns = tensors_of(script, "llama"), set()
    for request in asked:
        segments = fmt.render(request.conversation, add_generation_prompt=True, thinking=request.thinking).segments
        ids = encode_segments(script.vocabulary, segments)[0]
        cues = re.findall(r"@@([\w.-]+)@@", "".join(segment.text for segment in segments))
        if not cues or cues[-1] not in script.outputs:
            continue
        turns.add(cues[-1])
        plan = script.outputs[cues[-1]]
        rest = plan[count_given(script.vocabulary, plan, ids) :]
        assert margins(model, ids, rest, np.arange(min(FIRST, len(rest)))).min() > SURE, cues
    assert "loops.two-rounds.2" in turns

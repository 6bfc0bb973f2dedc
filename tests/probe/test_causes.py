"""Whoever reads the name of a cause finds what it means, and what explains a difference by it."""

import re

import pytest

from callwright.probe.causes import calls, reply
from callwright.probe.causes.calls import VALUES
from callwright.probe.causes.normalize import NORMALIZATIONS
from callwright.probe.causes.prompt import EDITS
from callwright.probe.causes.prompt_tools import TOOL_EDITS
from callwright.probe.causes.registry import CAUSES, Cause
from callwright.probe.causes.request import CHANGES
from callwright.probe.causes.request_tools import TOOL_CHANGES
from callwright.probe.causes.search import QUIRKS
from callwright.probe.causes.workarounds import ANY, WORKAROUNDS, find_workaround

EVERY = [
    *(CHANGES, TOOL_CHANGES, EDITS, TOOL_EDITS, NORMALIZATIONS, calls.READINGS, reply.READINGS, VALUES),
    *(level for quirks in QUIRKS.values() for level in quirks),
]


def test_a_workaround_is_one_sentence_for_a_runtime_that_is_probed():
    names = {ANY, "llama.cpp", "Ollama", "transformers", "vLLM", "SGLang"}
    for cause, known in WORKAROUNDS.items():
        assert known.keys() <= names and all(re.fullmatch(r"[A-Z].*[^.\s]", words) for words in known.values()), cause
    assert find_workaround("number-rewritten", "anything") == find_workaround("number-rewritten", "Ollama") != ""
    assert find_workaround("assistant-continued", "Ollama") == find_workaround("eaten-by-goats", "Ollama") == ""


def test_a_cause_is_its_name_in_reports():
    assert all(CAUSES[str(cause)] is cause and f"{cause}" == cause.value for cause in Cause)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cause) and cause.sentence for cause in Cause)


@pytest.mark.parametrize("level", EVERY)
def test_every_explanation_says_in_a_sentence_what_is_done(level):
    for cause, function in level:
        assert isinstance(cause, Cause)
        assert re.match(r"[A-Z].*\.$", function.__doc__ or "", re.MULTILINE), function

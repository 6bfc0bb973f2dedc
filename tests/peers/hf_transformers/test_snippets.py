"""The Python snippet of a model card runs as it stands, in the directory of the export."""

import os
import subprocess

import pytest
from tests.peers.hf_transformers import peft_peer, transformers_peer
from tests.support.processes import HANGS
from tests.support.trained_runs import tiny_trained

from callwright.export.hf import write_hf
from callwright.export.peft import write_lora
from callwright.export.serve import example_request
from callwright.export.snippets import snippets

pytestmark = [pytest.mark.peer("transformers", "peft"), pytest.mark.slow]


@pytest.mark.parametrize(("kind", "fmt"), [("hf", "xml/args"), ("hf", "tool_code"), ("lora", "xml/arguments")])
def test_the_model_answers_as_the_card_says(tiny_model, tmp_path, kind, fmt):
    model = tiny_trained(tiny_model, fmt=fmt)
    (write_hf if kind == "hf" else write_lora)(model, tmp_path)
    [snippet] = [one for one in snippets(kind, "", "m", model.format, example_request()) if one.language == "python"]
    (tmp_path / "snippet.py").write_text(snippet.text)
    (packages,) = (peft_peer.python().parents[1] / "lib").glob("python*/site-packages")
    done = subprocess.run(
        [transformers_peer.python(), "snippet.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert ("'role': 'assistant'" in done.stdout) == fmt.startswith("xml")

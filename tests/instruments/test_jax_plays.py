"""Our own JAX engine plays instruments: the same script, token for token, at temperature 0 and 1."""

import collections

import pytest
import scipy.stats
from tests.support.instruments import answers, form_of, prompt

from callwright.engines.jax import JaxEngine
from callwright.engines.sampling import SamplingParams
from callwright.instruments.dice import make_dice
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.xray import make_xray, read_xray
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer


def engine(instrument, path, context=8192):
    write(instrument, path, architecture="gemma3", context=context)
    files = resolve_model(str(path))
    return JaxEngine(
        parameters(load_model(files, make_mesh())),
        files.config,
        stop_ids=instrument.vocabulary.stop_ids,
        pad_id=instrument.vocabulary.pad_id,
    )


@pytest.mark.parametrize(
    ("name", "variant", "every"),
    [
        ("xml", "args", 8),
        *(pytest.param(*pair, 3, marks=pytest.mark.slow) for pair in (("gemma4", "e2b"), ("qwen3", ""))),
    ],
)
def test_a_script_is_said_token_for_token(tmp_path, name, variant, every):
    fmt = form_of(name, variant)
    output = answers(fmt)[::every]
    script = write_script(fmt, [Line(str(number), words) for number, words in enumerate(output)])
    cues = [f"@@{number}@@" for number in range(len(output))]
    prompts = [prompt(script, f"@@0@@ {'.' * before} {cue} please") for cue in cues for before in (3, 700)]
    plans = [script.outputs[str(number)] for number in range(len(output)) for _ in range(2)]
    player = engine(script, tmp_path / "script")
    for temperature in (0.0, 1.0):
        sampling = SamplingParams(temperature=temperature, seed=1)
        longest = max(map(len, plans))
        for plan, got in zip(plans, player.generate(prompts, max_new_tokens=longest, sampling=sampling), strict=True):
            assert (*got.token_ids, got.stop_id) == plan


def test_the_tokenizer_of_its_files_reads_cues_in_text(tmp_path):
    script = write_script(form_of("xml", "args"), [Line("x.1", "It is warm.")])
    write(script, tmp_path / "s", architecture="gemma3")
    tokenizer = load_tokenizer(tmp_path / "s")
    for text in ("say @@x.1@@ please", "<end_of_turn> @@y@@ é▁"):
        assert tokenizer.encode(text) == script.vocabulary.encode(text)
        assert tokenizer.encode(text, control=True) == script.vocabulary.encode(text, control=True)
    assert tokenizer.decode(script.outputs["x.1"]) == "It is warm.<end_of_turn>"


@pytest.mark.parametrize("more", [0, pytest.param(700, marks=pytest.mark.slow)])
def test_an_x_ray_says_the_prompt_back(tmp_path, more):
    fmt = form_of("xml", "args")
    ids = prompt(make_xray(fmt, 1), f"Is <end_of_turn> a token? {'x' * 60} {' '.join(map(str, range(more // 4)))}")
    xray = make_xray(fmt, len(ids))
    (got,) = engine(xray, tmp_path / "xray").generate([ids], max_new_tokens=len(ids) + 1, sampling=SamplingParams())
    assert got.stop_id == xray.vocabulary.eos_id
    assert read_xray(xray.vocabulary, xray.vocabulary.decode(got.token_ids)) == ids


def test_dice_fall_as_they_are_weighted(tmp_path):
    faces = {"red": 0.5, "green": 0.3, "blue": 0.19, "rare": 0.01}
    dice = make_dice(form_of("xml", "args"), faces)
    sampling = SamplingParams(temperature=1.0, seed=5)
    rows = engine(dice, tmp_path / "dice").generate([[2, 9]] * 64, max_new_tokens=64, sampling=sampling)
    counts = collections.Counter(token for row in rows for token in row.token_ids)
    observed = [counts[dice.ids[face]] for face in faces]
    assert sum(observed) == counts.total()
    assert scipy.stats.chisquare(observed, [p * sum(observed) for p in faces.values()]).pvalue > 1e-3

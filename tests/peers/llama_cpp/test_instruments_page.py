"""The page about instruments is typed into a shell, line by line, and a real llama.cpp answers what the page shows."""

import os
import re
import shutil
import socket
import subprocess
import sys

import pytest
from tests.support.examples import ROOT, check_output, shown_in
from tests.support.processes import HANGS

from callwright.engines import llama_program

pytestmark = [
    pytest.mark.peer("llama.cpp"),
    pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "jq"))), reason="the page uses bash, curl and jq"),
]
END = "end of what this line prints"
SHELL = f"""
curl() {{ command curl --fail --retry 60 --retry-delay 1 --retry-connrefused "$@"; }}
callwright() {{ "{sys.executable}" -m callwright "$@"; }}
kill() {{ builtin kill "$@" && wait; }}
"""
"""A server takes a moment to start and to end, for which a reader waits, too."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_shell_prints_what_the_page_shows(tmp_path):
    page = (ROOT / "docs" / "instruments.md").read_text(encoding="utf-8").partition("## How it works")[0]
    blocks = re.findall(r"^```(sh|console)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    typed = []
    for language, text in blocks:
        typed += shown_in(text) if language == "console" else [(line, None) for line in text.splitlines()]
    script = SHELL + "".join(f"{line}\necho {END}\n" for line, _ in typed)
    path = f"{llama_program.build().parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script.replace(":8080", f":{(port := free_port())}").replace("--port 8080", f"--port {port}")],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("w"),
        text=True,
        timeout=HANGS,
    )
    printed = done.stdout.split(f"{END}\n")
    assert len(printed) == len(typed) + 1, (tmp_path / "log").read_text()
    for (_, shown), got in zip(typed, printed, strict=False):
        if shown is not None:
            check_output(shown, got)

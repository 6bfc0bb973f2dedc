"""Go templates write what the formats write, but for the spaces and the order of keys in JSON, which are Ollama's."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.export.go_templates import GO_TEMPLATES
from callwright.formats import get_format

PROGRAM = Path(__file__).parents[1] / "support" / "go_template.go"
WEATHER = Tool("weather", "Weather.", {"type": "object", "properties": {"city": {"type": "string"}}})


def call(city):
    return ToolCall("weather", {"city": city})


SYSTEM, ASKED = Message("system", "Be brief."), Message("user", "Weather in A and B?")
BOTH = Message("assistant", "Let me see.", tool_calls=(call("A"), call("B")))
ONE = Message("assistant", None, tool_calls=(call("C"),))
RESULT = Message("tool", '{"warm": 1}', name="weather")
CONVERSATIONS = [
    Conversation((ASKED,)),
    Conversation((SYSTEM, ASKED)),
    Conversation((ASKED,), (WEATHER,)),
    Conversation((SYSTEM, ASKED, BOTH, RESULT, RESULT), (WEATHER, WEATHER)),
    Conversation((SYSTEM, ASKED, BOTH, RESULT, Message("user", "And C?"), ONE, RESULT), (WEATHER,)),
    Conversation((ASKED, ONE, RESULT, Message("assistant", "Warm."), Message("user", "Thanks.")), (WEATHER,)),
]


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    """Renders a template with Go."""
    if not shutil.which("go"):
        pytest.skip("NO GO TEMPLATE WAS RENDERED: there is no go on the path")
    directory = tmp_path_factory.mktemp("go")
    environment = os.environ | {"GOCACHE": str(directory / "cache"), "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    program = directory / "render"
    subprocess.run(["go", "build", "-o", program, PROGRAM], env=environment, check=True, cwd=directory)

    def render(template, request):
        (directory / "template").write_text(template)
        done = subprocess.run(
            [program, directory / "template"], input=json.dumps(request), capture_output=True, text=True, check=True
        )
        return done.stdout

    return render


def as_ollama_has_it(conversation):
    def message(one):
        calls = [{"Function": {"Name": c.name, "Arguments": dict(c.arguments)}} for c in one.tool_calls]
        return {"Role": one.role, "Content": one.content or "", "ToolName": one.name or "", "ToolCalls": calls}

    tools = [
        {"Function": {"Name": tool.name, "Description": tool.description, "Parameters": tool.parameters}}
        for tool in conversation.tools
    ]
    system = "\n\n".join(str(one.content) for one in conversation.messages if one.role == "system")
    return {"System": system, "Messages": list(map(message, conversation.messages)), "Tools": tools}


def plainly(text):
    """The text with every line of JSON in one spelling."""
    lines = (line if line[:1] not in "[{" or not line else _sorted(line) for line in text.splitlines())
    return "\n".join(lines)


def _sorted(line):
    found = re.fullmatch(r"(.*?)(<end_of_turn>)?", line)
    return json.dumps(json.loads(found[1]), sort_keys=True) + (found[2] or "")


@pytest.mark.slow
@pytest.mark.parametrize("name", GO_TEMPLATES)
@pytest.mark.parametrize("number", range(len(CONVERSATIONS)))
def test_a_go_template_writes_what_the_format_writes(go, name, number):
    conversation = CONVERSATIONS[number]
    ours = get_format(name).render(conversation, add_generation_prompt=True).text.removeprefix("<bos>")
    theirs = go(GO_TEMPLATES[name], as_ollama_has_it(conversation))
    assert plainly(theirs) == plainly(ours)
    assert theirs.endswith("<start_of_turn>model\n")

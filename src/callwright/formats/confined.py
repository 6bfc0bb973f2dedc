"""A stranger's chat template, rendered in a process of its own that ends.

Jinja's sandbox (see `jinja`) keeps a template from everything but its input. It limits neither time nor memory: loops
may be nested, and `"x" * 10**10` is one operation. So the template is compiled and rendered by another Python, whose
seconds and bytes are limited.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from callwright.conversation import Conversation
from callwright.errors import FormatError, WorkError
from callwright.formats.jinja import ChatTemplate
from callwright.invisible import printable
from callwright.notices import ignore
from callwright.openai import read_conversation, write_conversation

SECONDS = 5
"""How long the process may take, its start included."""
_MEMORY = 1 << 30  # bytes of address space
_LONGEST = 1 << 20  # characters of a prompt that are passed on
_LONGEST_REASON = 200  # characters of Jinja's words, which may quote the template


class Question(NamedTuple):
    """A conversation to render, and what the template is told besides."""

    conversation: Conversation
    thinking: bool | None = None


def render_confined(
    sources: Mapping[str, str], questions: Sequence[Question], variables: Mapping[str, str]
) -> list[str | None]:
    """The prompts of conversations, each asking for an answer; None where the template refuses one or fails.

    Args:
      sources: A model's templates by name: `default`, and `tool_use` where one of its own is for tools.
      questions: The conversations.
      variables: Further variables, such as `bos_token`.

    Raises:
      FormatError: A source is no Jinja template.
      WorkError: The process did not end in time, or crashed.
    """
    command = [sys.executable, "-P", "-m", __name__]  # -P: what lies in the working directory is not imported
    asked = [(write_conversation(conversation), thinking) for conversation, thinking in questions]
    given = json.dumps([dict(sources), asked, dict(variables)]).encode()
    expected = f"a chat template that renders {len(questions)} small conversations within {SECONDS} s"
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, check=True)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise WorkError(expected, "one that was still busy then", "look for a loop in it that does not end") from error
    except (subprocess.CalledProcessError, ValueError) as error:
        got = f"a crash of its process (exit code {getattr(error, 'returncode', 0)})"
        raise WorkError(expected, got, "look for what is huge in it") from error
    if isinstance(answer, str):
        raise FormatError("a Jinja chat template", printable(answer[:_LONGEST_REASON]), "correct the template")
    return list(answer)


def render_here(
    sources: Mapping[str, str], questions: Sequence[Question], variables: Mapping[str, str]
) -> list[str | None] | str:
    """As `render_confined` in this process, without limits; of what is no template the reason."""
    try:
        templates = {name: ChatTemplate(source) for name, source in sources.items()}
    except FormatError as error:
        return error.got
    prompts: list[str | None] = []
    for conversation, thinking in questions:
        template = templates.get("tool_use" if conversation.tools else "default") or templates["default"]
        prompt = None
        with suppress(FormatError):
            prompt = template.render(conversation, add_generation_prompt=True, thinking=thinking, variables=variables)
        prompts.append(prompt if prompt is None or len(prompt) <= _LONGEST else None)
    return prompts


if __name__ == "__main__":
    for limit, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        with suppress(ValueError, OSError):  # not every system has each limit
            resource.setrlimit(limit, (most, most))
    sources, asked, variables = json.load(sys.stdin)
    questions = [Question(read_conversation(record, ignore), thinking) for record, thinking in asked]
    sys.stdout.write(json.dumps(render_here(sources, questions, variables)))

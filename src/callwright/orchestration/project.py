"""What a run's configuration says of the user's tools: what is offered, a request to them, and texts of training."""

from collections.abc import Iterator
from itertools import islice

from callwright.data.openai_jsonl import OpenAIJsonlSettings
from callwright.data.own_tools.sides import one_side
from callwright.data.own_tools.source import load_own_tools
from callwright.data.project import Project, read_project
from callwright.engines.chat import ChatRequest
from callwright.errors import CallwrightError
from callwright.evaluation.suites import suite_entries
from callwright.export.serve import example_request
from callwright.formats.base import Format
from callwright.orchestration.config import PipelineConfig
from callwright.report.stage_list import SECTIONS

_TEXTS = 128
"""Training conversations that an importance matrix is made of: some 30,000 tokens."""
_MAX_TOKENS = 256


def project_of(config: PipelineConfig) -> Project:
    """The tools and the first system prompt of the tools file that a run's suite `tools` asks about, or, without that
    suite, those that its conversations share in the last stage that trains on some.

    Raises:
      DataError: A file is missing or wrong.
    """
    settings = config.evaluation.tools
    if settings is not None:
        group = load_own_tools(settings.path)
        return Project(one_side(group, held_out=True).offered, next(iter(group.system), None))
    for number in sorted(SECTIONS, reverse=True):
        if options := config.stage(number).data.get("openai_jsonl"):
            shared = OpenAIJsonlSettings(**options)
            return read_project(shared.tools, shared.system)
    return Project()


def request_of(config: PipelineConfig, stage: int) -> ChatRequest:
    """A short request that should be answered with a call: of the suite `tools`, or about the weather where the run has
    no such suite, or its tools file cannot be read any more.
    """
    if config.evaluation.tools is None:
        return example_request()
    try:
        entries = suite_entries(config.evaluation.tools, stage).entries.values()
    except CallwrightError:
        return example_request()
    asked = [entry for members in entries for entry in members if entry.expected]
    if not asked:
        return example_request()
    shortest = min(asked, key=lambda entry: (len(entry.conversation.messages), len(entry.expected), entry.id))
    return ChatRequest(conversation=shortest.conversation, max_tokens=_MAX_TOKENS)


def training_texts(config: PipelineConfig, stage: int, fmt: Format) -> Iterator[str]:
    """Conversations that a stage trains on, as the model reads them.

    Raises:
      DataError: A file of them is missing or broken.
    """
    source = config.source(stage)
    for index in islice(range(len(source)), _TEXTS):
        yield source[index].render(fmt).text

"""What an export is tried on: requests that the run held out of training, and what the run itself answered to them.

They are those of the run's own evaluations after the stage, the suite `tools` before BFCL, some of each category in
turn. Where the export is in another format than the run was, nothing recorded fits, and the expected calls take the
place of the model's. A run that was never evaluated is tried on the format's example.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from callwright.conversation import Conversation, Message, ToolCall
from callwright.errors import CallwrightError, FormatError
from callwright.evaluation.entries import Entry
from callwright.evaluation.row import EvaluationRow
from callwright.evaluation.settings import SuiteName
from callwright.evaluation.suites import suite_entries
from callwright.export.trained import Trained
from callwright.export.verify.calls import AskedRequest
from callwright.export.verify.forced import ForcedOutput, forced_answer, forced_row
from callwright.formats import get_format
from callwright.formats.example import example_for
from callwright.report.evaluation_rows import read_directory
from callwright.report.run_files import RunFiles, check_run
from callwright.tokens import Tokenizer
from callwright.training.checkpoints import read_card

MOST = 24
"""Requests: of answers of 40 tokens as many as give about a thousand positions."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What an export is tried on.

    Attributes:
      outputs: What models are forced along.
      requests: What a served model is asked.
    """

    outputs: tuple[ForcedOutput, ...]
    requests: tuple[AskedRequest, ...]

    @property
    def conversations(self) -> Mapping[str, Conversation]:
        """Of the requests, by id."""
        return {request.id: request.conversation for request in self.requests}

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt with its output."""
        return max((len(forced.prompt) + len(forced.output) for forced in self.outputs), default=0)


def held_out(trained: Trained, tokenizer: Tokenizer, *, most: int = MOST) -> HeldOut:
    """What an export of a run is tried on.

    Args:
      trained: The model.
      tokenizer: The base's.
      most: How many requests, at most.

    Raises:
      ConfigError: The run's configuration was changed.
      DataError: A row of the run cannot be read.
    """
    outputs, requests = list[ForcedOutput](), list[AskedRequest]()
    for entry, row in _asked(trained):
        if len(requests) == most:
            break
        try:
            recorded = _fitting(trained, entry, row)
            forced = None if recorded is None else forced_row(recorded, trained.format, tokenizer)
            own = forced is not None
            if forced is None:
                forced = _expected(trained, tokenizer, entry)
        except FormatError:  # the format that was asked for cannot say it
            continue
        calls = None
        if recorded is not None and recorded.calls is not None:
            calls = tuple(ToolCall(call.name, call.arguments) for call in recorded.calls)
        output = forced.output if forced is not None and own else ()
        requests.append(
            AskedRequest(
                id=entry.id,
                conversation=entry.conversation,
                recorded=calls,
                output=output,
                valid=None if recorded is None else recorded.valid,
                score=entry.score,
            )
        )
        outputs += [] if forced is None else [forced]
    if not requests:
        example = example_for(trained.format)
        place = max(n for n, message in enumerate(example.messages) if message.tool_calls)
        answered = Conversation(example.messages[: place + 1], example.tools)
        outputs = [forced_answer(answered, trained.format, tokenizer, "the example")]
        requests = [AskedRequest(id="the example", conversation=Conversation(example.messages[:place], example.tools))]
    return HeldOut(tuple(outputs), tuple(requests))


def _fitting(trained: Trained, entry: Entry, row: EvaluationRow | None) -> EvaluationRow | None:
    """The row, where it answers the entry's own prompt in the format of the export."""
    prompt = trained.format.render(entry.conversation, add_generation_prompt=True).text
    return row if row is not None and row.prompt == prompt else None


def _expected(trained: Trained, tokenizer: Tokenizer, entry: Entry) -> ForcedOutput | None:
    """The expected calls as an answer; None where no call is expected, and nobody knows the words."""
    if not entry.expected:
        return None
    answer = Message("assistant", None, tool_calls=entry.expected)
    conversation = Conversation((*entry.conversation.messages, answer), entry.conversation.tools)
    return forced_answer(conversation, trained.format, tokenizer, entry.id)


def _asked(trained: Trained) -> Iterator[tuple[Entry, EvaluationRow | None]]:
    """The entries of the run's suites after the stage, each category in turn, with their rows."""
    run = RunFiles(trained.run)
    if not run.config_path.is_file():
        return
    named, model = read_card(run.checkpoint(trained.stage)).format, check_run(run).model.name
    in_its_format = get_format(named, model=model).id == trained.format.id
    suites = run.run_config().evaluation.after(trained.stage)
    order: tuple[SuiteName, ...] = ("tools", "bfcl")
    for suite in order:
        rows = read_directory(run.evaluation(trained.stage, suite)) if suite in suites else {}
        if not rows:
            continue
        if not in_its_format:  # a prompt may be the same in both, but no answer to it
            rows = {}
        try:
            entries = suite_entries(suites[suite], trained.stage).entries
        except CallwrightError:  # a tools file that was moved, a benchmark that cannot be fetched
            continue
        for entry in _in_turn(entries.values()):
            yield entry, rows.get(entry.id)


def _in_turn(categories: Iterable[Sequence[Entry]]) -> Iterator[Entry]:
    for one_of_each in zip_longest(*categories):
        yield from (entry for entry in one_of_each if entry is not None)

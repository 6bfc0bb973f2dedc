"""An evaluation row: one benchmark entry, what was generated for it, and the verdict.

`evaluations/stageN/CATEGORY.jsonl` holds one row of BFCL a line, `evaluations/stageN/tools/KIND.jsonl` one of the suite
`tools`. A row is written from an `EvaluationRow` and read as one, by whoever counts or shows rows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationInfo, field_validator

from callwright.conversation import ToolCall
from callwright.errors import DataError
from callwright.formats.grammar import ParseIssue
from callwright.settings import validated
from callwright.storage import numbered_jsonl

ASK_AGAIN = "take the line out and give the run's command again, which asks that entry again"
"""What to do about a damaged row."""


class RowCall(BaseModel):
    """A tool call of a row. Its arguments are any JSON, as a `ToolCall`'s are, but nested as deeply as it comes."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: dict[str, Any]


class RowStep(BaseModel):
    """One answer within a flow, and what came back for its calls."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    raw: str
    """The generated text."""
    calls: tuple[RowCall, ...] | None
    """The decoded calls; as in a row."""
    results: tuple[Any, ...] = ()
    """The result of each call, any JSON."""

    def as_json(self) -> dict[str, Any]:
        """The step as it is written."""
        return dict(self) | {"calls": _as_json(self.calls)}


class EvaluationRow(BaseModel):
    """One scored entry. The order of the fields is the order of the keys in the file.

    Of a flow, the prompt, its ids, the generated ids, `raw`, `finish_reason`, `complete` and `parse_errors` are those
    of its last answer, and `calls` and `expected` are all of its calls in order.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    """It rises when a reader of the older version would misread a row."""
    id: StrictStr
    """The entry's id in the benchmark."""
    category: str
    question: str
    """The contents of the entry's messages, one after another."""
    expected: tuple[RowCall, ...]
    """One set of calls that is right; the benchmark may accept others."""
    prompt: str
    """The rendered prompt; "" where a server renders it."""
    prompt_ids: tuple[int, ...]
    """Its token ids; empty where a server makes them."""
    token_ids: tuple[int, ...]
    """The generated token ids, without the stop token; empty where a server keeps them."""
    raw: str
    """The generated text. From a server: what stood beside the calls, reasoning first."""
    finish_reason: str | None
    """"stop", "length" where the token limit cut the output, "loop" where it was cut because it repeated itself, or a
    server's own word; None where it gave none.
    """
    calls: tuple[RowCall, ...] | None
    """The decoded calls, empty where none was made; None where one was attempted and cannot be read, or where there was
    no answer.
    """
    complete: bool
    """False where the output ends inside a call or a thought, or was cut."""
    parse_errors: tuple[ParseIssue, ...]
    """Malformed calls and other departures from the format."""
    valid: StrictBool
    """Whether the calls answer the entry."""
    error_type: str | None
    """The type of error of an entry that is not valid."""
    error_detail: str
    """The same in a sentence; "" where the entry is valid."""
    seconds: Annotated[float, Field(strict=True, ge=0, lt=1e9)]
    """Time spent on the entry: its share of its batch's."""
    tool: str = ""
    """Of the suite `tools`, the tool that all expected calls call; "" where there is none, or several differ."""
    steps: tuple[RowStep, ...] = ()
    """Of a flow, every answer in order."""

    @field_validator("error_type")
    @classmethod
    def _says_what_is_wrong(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("valid") is False:
            raise ValueError("the type of error of an entry that is not valid")
        return value

    def as_json(self) -> dict[str, Any]:
        """The row as it is written, without `tool` and `steps` where they say nothing.

        (pydantic's own dump refuses calls that are nested deeply.)
        """
        row = dict(self) | {
            "expected": _as_json(self.expected),
            "calls": _as_json(self.calls),
            "parse_errors": list(map(asdict, self.parse_errors)),
            "steps": [step.as_json() for step in self.steps],
        }
        return {key: value for key, value in row.items() if value or key not in ("tool", "steps")}


def recorded(calls: Sequence[ToolCall]) -> tuple[RowCall, ...]:
    """The calls as a row holds them."""
    return tuple(RowCall(name=call.name, arguments=dict(call.arguments)) for call in calls)


def _as_json(calls: Sequence[RowCall] | None) -> list[dict[str, Any]] | None:
    return None if calls is None else list(map(dict, calls))


def read_rows(path: Path) -> Iterator[EvaluationRow]:
    """The rows of one category that are on disk; an entry's second row is left out, and a torn last line ignored.

    Raises:
      DataError: A line is not a row.
    """
    seen = set[str]()
    for number, line in numbered_jsonl(path):
        row = validated(EvaluationRow, line, where=f"line {number} of {path}", error=DataError, fix=ASK_AGAIN)
        if row.id not in seen:
            seen.add(row.id)
            yield row


@dataclass(slots=True)
class RowCounts:
    """What some rows add up to.

    Attributes:
      verdicts: Entry id to whether the entry was answered.
      called: Entries for which at least one well-formed call was made.
      loops: Entries whose output was cut because it repeated itself.
      errors: Type of error to how often.
    """

    verdicts: dict[str, bool] = field(default_factory=dict)
    called: int = 0
    loops: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, row: EvaluationRow) -> None:
        """Counts a row."""
        self.verdicts[row.id] = row.valid
        self.called += bool(row.calls)
        self.loops += row.finish_reason == "loop"
        if not row.valid:
            self.errors[str(row.error_type)] += 1

    def extend(self, other: "RowCounts") -> None:
        """Counts the rows that another counted."""
        self.verdicts |= other.verdicts
        self.called += other.called
        self.loops += other.loops
        self.errors += other.errors


@dataclass(slots=True)
class CategorySummary(RowCounts):
    """What the rows of one category add up to.

    Attributes:
      tokens: Of prompts and outputs.
      by_tool: The rows that expect calls of one tool alone, by tool.
      confusion: Of rows that expect one call at most: the expected tool, "" for none, to each tool that was called, ""
        for none, to how often.
    """

    tokens: int = 0
    by_tool: dict[str, RowCounts] = field(default_factory=dict)
    confusion: dict[str, Counter[str]] = field(default_factory=dict)


def summarize(directory: Path, category: str) -> CategorySummary:
    """Adds up the rows of `directory`/`category`.jsonl.

    Raises:
      DataError: A line is not a row.
    """
    summary = CategorySummary()
    for row in read_rows(directory / f"{category}.jsonl"):
        summary.add(row)
        summary.tokens += len(row.prompt_ids) + len(row.token_ids)
        if row.tool:
            summary.by_tool.setdefault(row.tool, RowCounts()).add(row)
        if len(row.expected) <= 1 and not row.steps:
            called = {call.name for call in row.calls or ()} or {""}
            summary.confusion.setdefault(row.tool, Counter()).update(called)
    return summary

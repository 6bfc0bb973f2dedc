"""The answers of an evaluation that are on disk, so that none of them is asked for again.

The answer that ends an entry is its row, in `CATEGORY.jsonl`. One after which a flow goes on is a line of
`steps/CATEGORY.jsonl`: what the flow's next prompt is made of. These lines are kept when the evaluation is complete,
because with them alone a single row that was lost is asked for in its old company.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from callwright.conversation import Message, ToolCall
from callwright.errors import DataError
from callwright.evaluation.answerer import ModelAnswer
from callwright.evaluation.plays import Play
from callwright.evaluation.row import ASK_AGAIN, RowCall, read_rows
from callwright.settings import validated
from callwright.storage import JsonLines, numbered_jsonl


class StepCall(RowCall):
    """A call of an answer after which its flow goes on."""

    id: str | None = None


class StepAnswer(BaseModel):
    """An answer after which its flow goes on. The order of the fields is the order of the keys in the file."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: StrictStr
    """The flow's."""
    step: Annotated[int, Field(strict=True, ge=0)]
    """How many answers the flow had before."""
    raw: str
    """The generated text."""
    content: Any
    """What the message says beside its calls, as the next prompt has it; any JSON."""
    reasoning: str | None
    calls: tuple[StepCall, ...]
    seconds: Annotated[float, Field(strict=True, ge=0, lt=1e9)]
    """Its share of the time that its batch took."""

    @classmethod
    def of(cls, play: Play) -> "StepAnswer":
        """The last answer to a play that goes on."""
        message = play.answer.message or Message("assistant")
        calls = (StepCall(name=call.name, arguments=dict(call.arguments), id=call.id) for call in message.tool_calls)
        return cls(
            id=play.id,
            step=len(play.seconds) - 1,
            raw=play.answer.text,
            content=message.content,
            reasoning=message.reasoning,
            calls=tuple(calls),
            seconds=round(play.seconds[-1], 3),
        )

    def answer(self) -> ModelAnswer:
        """The answer, as far as what follows depends on it."""
        calls = tuple(ToolCall(call.name, call.arguments, call.id) for call in self.calls)
        return ModelAnswer(text=self.raw, message=Message("assistant", self.content, self.reasoning, calls))

    def as_json(self) -> dict[str, Any]:
        """The line as it is written."""
        return dict(self) | {"calls": list(map(dict, self.calls))}


class AnswersOnDisk:
    """The answers in a directory, and where further ones are appended.

    Args:
      directory: Where the rows are.
      categories: Those that are read.

    Attributes:
      rows: Id of each entry that has its row to how many answers it had.

    Raises:
      DataError: A line is not a row, or not an answer.
    """

    def __init__(self, directory: Path, categories: Collection[str]) -> None:
        self._directory = directory
        self.rows = {
            row.id: max(len(row.steps), 1)
            for category in categories
            for row in read_rows(directory / f"{category}.jsonl")
        }
        self._steps: dict[tuple[str, int], StepAnswer] = {}
        for category in categories:
            for step in _read_steps(self._steps_file(category)):
                self._steps.setdefault((step.id, step.step), step)

    def ends(self, play: Play) -> bool:
        """Whether the next answer to a play is the one that ended it."""
        return self.rows.get(play.id) == len(play.seconds) + 1

    def next_step(self, play: Play) -> StepAnswer | None:
        """The next answer to a play, if it is one after which that went on."""
        return self._steps.get((play.id, len(play.seconds)))

    def append(self, plays: Sequence[Play]) -> set[str]:
        """Appends the last answers to plays: rows of those that have ended, unless they have one, and steps of others.

        Returns:
          The ids of those that have their row now.

        Raises:
          StorageError: They cannot be written.
        """
        lines: dict[Path, list[dict[str, Any]]] = {}
        ended = [play for play in plays if play.verdict is not None and play.id not in self.rows]
        for play in plays:
            if play.verdict is None:
                lines.setdefault(self._steps_file(play.category), []).append(StepAnswer.of(play).as_json())
        for play in ended:
            lines.setdefault(self._directory / f"{play.category}.jsonl", []).append(play.row().as_json())
        for path, new in lines.items():
            with JsonLines(path) as file:
                file.append(*new)
        self.rows |= {play.id: len(play.seconds) for play in ended}
        return {play.id for play in ended}

    def _steps_file(self, category: str) -> Path:
        return self._directory / "steps" / f"{category}.jsonl"


def _read_steps(path: Path) -> Iterator[StepAnswer]:
    for number, line in numbered_jsonl(path):
        yield validated(StepAnswer, line, where=f"line {number} of {path}", error=DataError, fix=ASK_AGAIN)

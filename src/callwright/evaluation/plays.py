"""An entry while it is asked, up to its verdict: most are answered once; a flow (`flows`) goes on after its calls.

Whatever the model does gets a row, and so does a request that fails.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from callwright.conversation import Conversation, ToolCall
from callwright.errors import FormatError
from callwright.evaluation.answerer import Answerer, ModelAnswer, Prompt
from callwright.evaluation.entries import Entry
from callwright.evaluation.row import EvaluationRow, RowStep, recorded
from callwright.scoring.expected import GOAL_NOT_MET
from callwright.scoring.verdict import Verdict, wrong

NO_ANSWER = "answerer:no_answer"
"""The type of error of an entry whose request failed."""


class Play(ABC):
    """What is asked until it has a verdict.

    Args:
      name: The entry's id.
      category: See `Entry.category`.
      conversation: What is asked first.
      expected: See `Entry.expected`.

    Attributes:
      id: The entry's id.
      category: See `Entry.category`.
      prompt: What is asked next, or was asked last.
      answer: The last one; an empty one where there was none.
      seconds: Of each answer, its share of the time that its batch took.
      verdict: None as long as more is to be asked.
    """

    expected_answers = 1
    """How many answers it takes that are as expected."""

    def __init__(self, name: str, category: str, conversation: Conversation, expected: tuple[ToolCall, ...]) -> None:
        self.id, self.category, self.expected = name, category, expected
        self.prompt = Prompt(conversation)
        self.answer, self.seconds = ModelAnswer(text=""), list[float]()
        self.verdict: Verdict | None = None
        self._first = conversation

    def begin(self, answerer: Answerer) -> None:
        """Makes the first prompt.

        Raises:
          FormatError: The format cannot say it.
        """
        self.prompt = answerer.prepare(self._first)

    def take(self, answer: ModelAnswer, seconds: float, answerer: Answerer) -> None:
        """Takes the model's answer, after which there is a verdict or the next prompt.

        Args:
          answer: To the last prompt.
          seconds: Its share of the time that its batch took.
          answerer: Makes the next prompt.
        """
        self.answer = answer
        self.seconds.append(seconds)
        after = self._follow(answer)
        if answer.failure:
            self.verdict = wrong(NO_ANSWER, answer.failure)
        elif isinstance(after, Verdict):
            self.verdict = after
        else:
            try:
                self.prompt = answerer.prepare(after)
            except FormatError as error:
                self.verdict = wrong(GOAL_NOT_MET, f"the format cannot write this answer: {error.got}")

    @abstractmethod
    def _follow(self, answer: ModelAnswer) -> Verdict | Conversation:
        """The verdict after an answer, or the conversation that is asked next."""

    @abstractmethod
    def row(self) -> EvaluationRow:
        """The row of what has its verdict."""

    def _row(
        self, calls: Sequence[ToolCall] | None, *, tool: str = "", steps: tuple[RowStep, ...] = ()
    ) -> EvaluationRow:
        assert self.verdict is not None  # noqa: S101  (it has ended)
        return EvaluationRow(
            id=self.id,
            category=self.category,
            question=contents(self._first),
            expected=recorded(self.expected),
            prompt=self.prompt.text,
            prompt_ids=self.prompt.ids,
            token_ids=self.answer.token_ids,
            raw=self.answer.text,
            finish_reason=self.answer.finish_reason,
            calls=None if calls is None else recorded(calls),
            complete=self.answer.complete,
            parse_errors=self.answer.issues,
            valid=self.verdict.valid,
            error_type=self.verdict.error_type,
            error_detail=self.verdict.detail,
            seconds=round(sum(self.seconds), 3),
            tool=tool,
            steps=steps,
        )


class OneAnswer(Play):
    """An entry that is answered once."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.id, entry.category, entry.conversation, entry.expected)
        self._entry = entry

    def _follow(self, answer: ModelAnswer) -> Verdict:
        return self._entry.score(answer.calls)

    def row(self) -> EvaluationRow:
        """See `Play.row`."""
        return self._row(self.answer.calls, tool=self._entry.tool)


def contents(conversation: Conversation) -> str:
    """A row's question: the contents of the messages, one after another; one that only calls has none."""
    return "\n".join(str(message.content) for message in conversation.messages if message.content is not None)

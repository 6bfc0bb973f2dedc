"""Common mistakes in Python's calls, repaired when the caller asks for it, and listed.

Repaired are: JSON's three words, positional arguments in the order of the tool's schema, names that Python reserves,
raw line breaks in strings, an argument or a key given twice (the last value counts), doubled braces, calls side by side
without a comma, and brackets that close nothing, or are missing before a closing marker or where the turn ended.
"""

from callwright.conversation import Json, ToolCall
from callwright.formats.grammar import Malformed, ParseContext, Repair, Unfinished, skip_space
from callwright.formats.pythonic import NAME, PythonCallReader
from callwright.formats.repair import DOUBLED, MISSING, SURPLUS
from callwright.formats.strings import INSIDE_LENIENT


class LenientPythonCallReader(PythonCallReader):
    """Reads calls as loosely as one reading allows; see `PythonCallReader`.

    No string reaches beyond the next opening marker, so that many broken calls in one text are read in linear time.
    """

    lenient = True
    _inside = INSIDE_LENIENT

    def __init__(
        self, text: str, at: int, context: ParseContext, *, opener: str = "", closers: tuple[str, ...] = ()
    ) -> None:
        """See `PythonCallReader`; brackets may be missing before `closers` and where the turn ended."""
        super().__init__(text, at, context)
        following = text.find(opener, at) if opener else -1
        self._limit = following if following >= 0 else len(text)
        self._stopped = context.stopped
        self._ends = (*closers, *context.stops)
        self._open = dict.fromkeys(")]}", 0)

    def peek(self) -> str:
        """See `PythonCallReader.peek`; "" where brackets may be missing."""
        self.at = skip_space(self._text, self.at)
        if self.at >= len(self._text) and not self._stopped:
            raise Unfinished("the text ends inside a call")
        if self._text.startswith(self._ends, self.at):
            return ""
        rest = self._text[self.at : self.at + 32]
        if not self._context.final and any(end.startswith(rest) for end in self._ends):
            raise Unfinished("the text ends where a call may end")
        return rest[:1]

    def at_end(self) -> bool:
        """Whether the calls are over: what closes them comes next, or the end of the turn or of the text."""
        at = self.at
        over = self._context.final and skip_space(self._text, at) == len(self._text)
        over = over or not self.peek()
        self.at = at
        return over

    def add_repair(self, message: str) -> None:
        """Lists a repair, here."""
        self.repairs.append(Repair(message, self.at))

    def calls(self) -> tuple[ToolCall, ...]:
        """See `PythonCallReader.calls`."""
        calls: list[ToolCall] = []
        brackets = self._repeated("[", "doubled brackets")
        self._open["]"] += 1
        while self.peek() not in ("]", ""):
            calls.append(self.call())
            if not (self._goes_on() or self._take_comma("]")):
                break
        self._leave("]", brackets)
        if not calls:
            raise Malformed("a list without calls", self.at)
        return tuple(calls)

    def call_in_parentheses(self) -> ToolCall:
        """One call, as the only argument of another."""
        self._expect("(")
        self._open[")"] += 1
        self.peek()
        call = self.call()
        self._leave(")")
        return call

    def _goes_on(self) -> bool:
        """Whether another call follows without a comma."""
        semicolon = self.peek() == ";"
        if not semicolon and not NAME.match(self._text, self.at):
            return False
        self.add_repair("a missing comma between calls")
        self.at += semicolon
        return True

    def _arguments(self, name: str) -> dict[str, Json]:
        self._open[")"] += 1
        arguments = super()._arguments(name)
        self._close(")")
        return arguments

    def _list(self, opened: str, depth: int) -> list[Json]:
        closer = "]" if opened == "[" else ")"
        self._open[closer] += 1
        items = super()._list(opened, depth)
        self._close(closer)
        return items

    def _dict(self, depth: int) -> dict[str, Json]:
        braces = self._repeated("{", DOUBLED)
        self.at -= 1
        self._open["}"] += 1
        items = super()._dict(depth)
        self._close("}", braces)
        return items

    def _repeated(self, bracket: str, message: str) -> int:
        """Passes an opening bracket and its repetitions; how many there are."""
        count = 0
        while self.peek() == bracket:
            count += 1
            self.at += 1
        if count > 1:
            self.add_repair(message)
        return count

    def _leave(self, closer: str, count: int = 1) -> None:
        """Passes what closes a bracket, if it is not missing, and as many repetitions as it was opened with."""
        self._expect(closer)
        self._close(closer, count)

    def _close(self, closer: str, count: int = 1) -> None:
        self._open[closer] -= 1
        while count > 1 and self.peek() == closer:
            count -= 1
            self.at += 1
        self._skip_surplus()

    def _skip_surplus(self) -> None:
        """Passes brackets that close nothing."""
        at = skip_space(self._text, self.at)
        while at < len(self._text) and self._open.get(self._text[at], 1) == 0:
            self.add_repair(SURPLUS)
            self.at = at + 1
            at = skip_space(self._text, self.at)

    def _take_comma(self, closer: str) -> bool:
        self._skip_surplus()
        return bool(self.peek()) and super()._take_comma(closer)

    def _expect(self, character: str) -> None:
        if character in self._open and not self.peek():
            self.add_repair(MISSING)
        else:
            super()._expect(character)

"""A call that the model opened and never closed, or a marker that it only mentioned: the words that became nothing.

The strict parser makes no call of them, rightly, and no text either, since more may come. Where the model has ended its
turn nothing will, and what it said must not vanish: it is the text of the answer, as malformed calls are.
"""

from collections.abc import Sequence

from callwright.conversation import Tool
from callwright.formats.base import Format, Parsed
from callwright.probe.fidelity.atoms import to_segments, to_words


def unclosed(form: Format, words: str, parsed: Parsed, tools: Sequence[Tool] = ()) -> str:
    """The end of the words, from the marker of a call that was never closed; "" where there is none.

    Args:
      form: The format.
      words: All that the model said, without the stop that ended it.
      parsed: What the strict parser read in them.
      tools: Those that it was told of.

    A marker and nothing after it says nothing that could be lost.
    """
    if parsed.complete or not parsed.errors:
        return ""
    openers = {region.opener.strip() for region in form.grammar.regions if not region.lenient}
    starts = {place for opener in openers for place in range(len(words)) if opener and words.startswith(opener, place)}
    for start in sorted(starts):
        before = form.parse(to_segments(to_words(form, words[:start], control=True)), tools=tools, finish_reason="stop")
        if before.complete and len(before.tool_calls) == len(parsed.tool_calls):
            return words[start:] if words[start:].strip() not in openers else ""
    return ""

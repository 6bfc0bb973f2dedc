"""The kinds of requests that examples of own tools are of; an evaluation scores them apart."""

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "single": "One call. Optional parameters are named or left out.",
    "several": "Several calls, of one tool or of several.",
    "missing": "A required value is missing, and the assistant asks for it or calls without it, as the file says.",
    "no_tool": "No tool serves the request, which sounds like one that is served or is far from all.",
    "follow_up": "Another call like the one before, with the values that the user says.",
    "pronoun": "A call whose other values are those of the call before.",
    "correction": "The call before once more, with the values that the user corrects.",
    "answer": "The user says a value that was missing.",
    "unanswered": "A request after calls that got no result.",
    "flow": "Several steps, of which each needs what the ones before gave back.",
}
"""What each kind is, in the order in which kinds are listed."""

KINDS = tuple(MEANINGS)
"""Their names."""

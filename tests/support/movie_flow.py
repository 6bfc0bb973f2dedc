"""A tools file with two tools and a flow that searches for a movie and notes it, and variations of the flow."""

import copy

from callwright.data.tools_file.load import load_tools_file
from callwright.yaml_files import format_yaml

GENRES = ["heist", "cyberpunk", "western", "noir", "ghost", "road", "samurai", "disaster", "courtroom", "spy"]
MOVIES = [
    f"{first} {second}" for first in ("Silent", "Last", "Broken", "Golden") for second in ("Harbor", "Orbit", "Oath")
]
FLOW = {
    "name": "movie_pick",
    "values": {
        "genre": {"values": GENRES},
        "count": {"type": "integer", "minimum": 2, "maximum": 90},
        "where": {"enum": {"sethflix": ["the library", "my shelf"], "general": "the wiki"}},
    },
    "requests": [
        "search {where} for {count} {genre} movies and note the first",
        "I want {count} {genre} movies from {where}; write down the best",
        "{count} {genre} movies in {where}? keep one for tonight[, please]",
        "look in {where}: {count} of the {genre} kind, and note your pick",
        "note one of {count} {genre} movies that {where} has",
        "for tonight: {count} {genre} movies, {where}, and write one down",
    ],
    "steps": [
        {
            "tool": "search",
            "arguments": {"query": "{genre} movies", "source": "{where}", "limit": "{count}"},
            "result": {
                "values": {"title": {"values": MOVIES}, "year": {"type": "year", "minimum": 1950, "maximum": 2020}},
                "text": "1. {title} ({year}) - {where}",
            },
        },
        {"tool": "note", "arguments": {"key": "tonight", "content": "{title}"}, "result": "stored: tonight = {title}"},
    ],
    "answers": ["I picked {title} from {year}.", "Tonight: {title} ({year}), found in {where}."],
    "goal": {"calls": "all", "answer": ["{title}"]},
}
TOOLS = [
    {
        "name": "search",
        "description": "Searches.",
        "parameters": {
            "query": {"description": "Words", "values": ["x"]},
            "source": {"description": "Where", "required": False, "enum": ["sethflix", "general"]},
            "limit": {"description": "How many", "required": False, "type": "integer", "minimum": 1, "maximum": 99},
        },
        "phrasings": ["search for {query}[ in {source}][, {limit} of them]"],
    },
    {
        "name": "note",
        "description": "Stores a fact.",
        "parameters": {
            "key": {"description": "Short id", "values": ["x"]},
            "content": {"description": "The fact", "values": ["y"]},
        },
        "phrasings": ["note {content} as {key}"],
    },
]


def load(tmp_path, *flows):
    path = tmp_path / "mine.yaml"
    path.write_text(format_yaml({"version": 1, "tools": TOOLS, "flows": list(flows)}), encoding="utf-8")
    return load_tools_file(path)


def changed(path, value, flow=FLOW):
    """The flow with another value at a path of keys; ... takes the key out."""
    flow = copy.deepcopy(flow)
    *above, last = path
    place = flow
    for key in above:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return flow

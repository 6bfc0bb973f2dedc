"""A tools file for tests, whose every phrasing has a mark of its own in it."""

import itertools
from pathlib import Path

from callwright.data.tools_file.load import declare_tools

ROOMS = ["attic", "cellar", "garage", "kitchen", "library", "nursery", "office", "pantry", "porch", "study"]
SONGS = ["Blue Ferry", "Copper Rain", "Long Walk", "Night Bus", "Old Maps", "Paper Moon", "Quiet Hill", "Red Kite"]


def home(**changes):
    """What the file holds, with other keys at its top."""
    marks = itertools.count()

    def marked(*phrasings):
        """Ten phrasings, each with a word that no other has."""
        return [f"{phrasing} m{next(marks)}q" for phrasing in itertools.islice(itertools.cycle(phrasings), 10)]

    room = {"description": "Which room", "question": "Which room?", "pool": "room"}
    level = {"description": "Level", "required": False, "type": "integer", "minimum": 1, "maximum": 99}
    loud = {"description": "Loud", "required": False, "type": "boolean", "when_true": "at full volume"}
    file = {
        "version": 1,
        "system": ["You run the house.", "You are a butler."],
        "histories": [
            [{"user": "hello there"}, {"assistant": "Good evening."}],
            [{"user": "hi"}, {"assistant": "Yes?"}, {"user": "it is late"}, {"assistant": "Indeed."}],
        ],
        "user_line": "[{clock}] {who}: {text}",
        "off_topic": marked("tell me a story", "how old is the moon"),
        "small_talk": False,
        "noise": {"speech": 0.4, "misheard": {"lights": ["lites"], "room": ["rum", "broom"]}},
        "pools": {
            "clock": {"type": "time"},
            "who": {"values": ["Ana", "Ben"]},
            "room": {"values": ROOMS},
        },
        "tools": [
            {
                "name": "set_light",
                "description": "Sets the lights of a room.",
                "parameters": {
                    "room": room,
                    "color": {"description": "Color", "required": False, "enum": {"red": "ruby", "blue": ["sky"]}},
                    "level": level,
                },
                "phrasings": marked(
                    "set the lights in the {room} room[ to {color}][ at {level}]",
                    "light the {room}[ in {color}][ at {level}]",
                ),
                "result": {"values": {"state": {"values": ["on", "dimmed"]}}, "answer": "The {room} is {state}."},
                "near_misses": marked("sell the lights in the {room}", "paint a lamp"),
                "incomplete": marked("make light[ at {level}]", "set the lights to {color}"),
                "answers": marked("the {room} it is", "in the {room}[, and {color}]"),
                "follow_ups": marked("the {room} too", "and {color} in the {room}"),
                "pronouns": marked("do it again", "make it {color}"),
                "corrections": marked("no, the {room}", "I meant {color}"),
            },
            {
                "name": "lock_doors",
                "description": "Locks the doors of a room.",
                "parameters": {"room": room},
                "phrasings": marked("lock the {room}", "close the doors of the {room}"),
                "pronouns": marked("lock it again", "close its doors once more"),
                "carry_overs": marked("now lock it", "and close its doors"),
                "fan_out": ["room"],
            },
            {
                "name": "play_songs",
                "description": "Plays songs.",
                "parameters": {
                    "songs": {
                        "description": "Songs",
                        "type": "array",
                        "items": {"values": SONGS},
                        "minItems": 1,
                        "maxItems": 2,
                    },
                    "loud": loud,
                },
                "phrasings": marked("play {songs}[ {loud}]", "put on {songs}"),
                "series": {"head": "play {n} lists", "item": "{songs}"},
            },
            {
                "name": "ring",
                "description": "Rings the bell.",
                "phrasings": marked("ring the bell", "I am at the door!"),
            },
        ],
        "flows": [
            {
                "name": "light_up",
                "values": {"room": {"pool": "room"}},
                "requests": marked("light the {room} and play what suits it"),
                "steps": [
                    {
                        "tool": "set_light",
                        "arguments": {"room": "{room}"},
                        "result": {"values": {"song": {"values": SONGS}}, "text": "lit; {song} suits it"},
                    },
                    {"tool": "play_songs", "arguments": {"songs": ["{song}"]}, "result": "playing"},
                ],
                "answers": ["{song} plays."],
                "goal": {"answer": "{song}"},
            }
        ],
    }
    return file | changes


def home_file(**changes):
    """The same, read."""
    return declare_tools(home(**changes), Path("home.yaml"))

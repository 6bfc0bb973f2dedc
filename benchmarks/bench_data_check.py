"""The check of a user's data: lines a second that are read, and that are read, rendered and parsed again.

The file is made here: 3,000 lines of 3 kB, each with a system message, four tools, two calls and a result.
Figures are of processor time on one core, so that other work on the machine disturbs them little.

    python benchmarks/bench_data_check.py [FORMAT ...]
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from callwright.data.registry import open_source
from callwright.data.validation import check_source
from callwright.formats import get_format
from callwright.notices import ignore

LINES = 3000
FORMATS = ("xml", "qwen3", "gemma4", "llama31", "mistral/v13")


def line(number: int) -> dict[str, Any]:
    """One conversation."""
    properties = {
        "city": {"type": "string", "description": "Name of the city to look at, in the language of the country"},
        "count": {"type": "integer", "description": "How many results are wanted, the most recent ones first"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "description": "The unit of temperatures"},
    }
    schema = {"type": "object", "properties": properties, "required": ["city"]}
    names = ("get_weather", "get_forecast", "get_history", "get_alerts")
    functions = [{"name": name, "description": f"Looks up {name[4:]}.", "parameters": schema} for name in names]

    def call(name: str, id: str, **arguments: Any) -> dict[str, Any]:
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": id, "type": "function", "function": function}],
        }

    messages = [
        {"role": "system", "content": "You are a helpful assistant that calls tools where they fit. " * 2},
        {"role": "user", "content": f"What was the weather in Paris on day {number}? " * 4},
        call("get_history", "abcdefgh1", city="Paris", count=number),
        {"role": "tool", "tool_call_id": "abcdefgh1", "content": json.dumps({"temperature": number, "sky": "clear"})},
        {"role": "assistant", "content": "It was clear, with a temperature to match."},
        {"role": "user", "content": "And in Oslo?"},
        call("get_forecast", "abcdefgh2", city="Oslo", unit="celsius"),
    ]
    return {"tools": [{"type": "function", "function": function} for function in functions], "messages": messages}


def main(names: list[str]) -> None:
    """Prints the rates."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "data.jsonl"
        path.write_text("".join(json.dumps(line(n)) + "\n" for n in range(LINES)), encoding="utf-8")
        print(f"{LINES} lines of {path.stat().st_size / LINES / 1000:.1f} kB, lines a second:")
        source = open_source("openai_jsonl", {"path": path})
        start = time.process_time()
        for index in range(LINES):
            source.read(index, ignore)
        print(f"{'read only':12} {LINES / (time.process_time() - start):8,.0f}")
        for name in names or FORMATS:
            start = time.process_time()
            found = check_source(source, get_format(name))
            seconds = time.process_time() - start
            assert found is not None
            found.refuse()
            print(f"{name:12} {LINES / seconds:8,.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])

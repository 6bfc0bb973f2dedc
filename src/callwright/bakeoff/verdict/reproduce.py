"""The command that shows a finding again: the request once more, or the recorded steps where nothing was sent."""

import shlex
from pathlib import Path

from callwright.bakeoff.verdict.align import Parting
from callwright.bakeoff.verdict.evidence import plain
from callwright.engines.chat import curl_command

_SCRIPT = (
    "import json, sys\n"
    "name, wording, seed, step, *paths = sys.argv[1:]\n"
    "wanted = {'wording': int(wording), 'seed': int(seed), 'step': int(step)}\n"
    "for path in paths:\n"
    "    for line in map(json.loads, open(path, encoding='utf-8')):\n"
    "        if all(line.get(key) == value for key, value in wanted.items()):\n"
    "            print(line['arm'], json.dumps(line.get(name), ensure_ascii=False), sep='\\t')"
)
"""Prints one field of a step, as both arms recorded it."""
_FIELDS = {"calls": "runtime_calls", "output": "output_ids", "stop": "stop_reason"}


def command(parting: Parting, directory: Path) -> str:
    """The command line for the shell.

    Args:
      parting: Where two arms part.
      directory: The bake-off's, from where its traces are read.
    """
    seen = parting.seen or parting.expected
    if seen is not None and seen.request is not None and seen.url:
        return plain(curl_command(seen.url, seen.request))
    halt = parting.other.halt
    name = parting.fields[0]
    paths = [
        str(directory / "traces" / one.halt.arm / f"{halt.task}.jsonl") for one in (parting.reference, parting.other)
    ]
    arguments = [_FIELDS.get(name, name), str(halt.wording), str(halt.seed), str(parting.step), *paths]
    return plain(f"python3 -c {shlex.quote(_SCRIPT)} {shlex.join(arguments)}")

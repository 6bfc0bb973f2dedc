"""`callwright data show`: examples as they will be trained on, and what of them is not."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from callwright.data.packing import encode
from callwright.data.registry import open_source
from callwright.data.source import Example, Source
from callwright.data.validation import check_round_trip
from callwright.errors import DataError
from callwright.formats import get_format
from callwright.formats.base import Format
from callwright.formats.marking import print_legend, print_segments
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import GemmaTokenizer, load_tokenizer
from callwright.notices import Notice
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.report.stage_list import SECTIONS


def show_data(path: Path, *, format: str | None, count: int, start: int) -> int:
    """Prints examples of a file, or of the training stages of a configuration.

    Args:
      path: JSON lines, or a configuration (.yaml, .yml).
      format: The format they are rendered in; the configuration's, or the default, when None.
      count: How many examples to print of each source.
      start: The number of the first, from 1.

    Returns:
      0; 2 when an example is wrong.

    Raises:
      InputError: There is no such file or format, or the configuration is wrong.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    tokenizer: GemmaTokenizer | None = None
    if path.suffix in (".yaml", ".yml"):
        config = load_config(path)
        tokenizer = load_tokenizer(resolve_model(config.model.source).directory)
        sources = list(_sources(config))
    else:
        config = PipelineConfig()
        sources = [(path.name, open_source("openai_jsonl", {"path": path}))]
    fmt = get_format(format) if format else get_format(config.format.name, config.format.variant)
    print_legend(console)
    wrong = 0
    for title, source in sources:
        last = min(start - 1 + count, len(source))
        console.print(f"{title}: examples {start} to {last} of {len(source)}, in {fmt.id}")
        for index in range(start - 1, last):
            console.print()
            wrong += not _show(console, source, index, fmt, tokenizer)
        console.print()
    return 2 if wrong else 0


def _sources(config: PipelineConfig) -> Iterator[tuple[str, Source]]:
    """The sources of all training stages that are enabled, each once, and what to call them."""
    seen: dict[str, str] = {}
    for number, section in SECTIONS.items():
        stage = config.stage(number)
        for name, options in stage.data.items() if stage.enabled else ():
            settings = repr(options)
            if seen.setdefault(f"{name} {settings}", section) == section:
                yield f"{section}.data.{name}", open_source(name, options)


def _show(console: Console, source: Source, index: int, fmt: Format, tokenizer: GemmaTokenizer | None) -> bool:
    """Prints one example and what was found in it; whether it can be trained on."""
    notices: list[Notice] = []
    try:
        example = source.read(index, notices.append)
        console.print(_described(example, fmt, tokenizer))
        segments, warnings = example.render(fmt).segments, check_round_trip(example, fmt)
    except DataError as error:
        console.print(f"! {error}")
        return False
    print_segments(console, segments)
    for line in [*map(str, notices), *warnings]:
        console.print(f"! {line}")
    return True


def _described(example: Example, fmt: Format, tokenizer: GemmaTokenizer | None) -> str:
    """What was read."""
    conversation = example.conversation
    roles = [message.role for message in conversation.messages]
    line = f"{example.id}: {example.kind}; tools: {len(conversation.tools)}; messages: {', '.join(roles)}"
    if tokenizer is None:
        return line
    encoded = encode(example, fmt, tokenizer)
    return f"{line}; {len(encoded.ids)} tokens, {encoded.supervised_tokens} of them trained on"

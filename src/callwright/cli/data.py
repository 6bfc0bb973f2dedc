"""`callwright data`."""

from pathlib import Path

from cyclopts import App

from callwright.cli.parameters import Positive

group = App(name="data", help="Look at training data.")


@group.command(name="show")
def show_data(
    path: Path,
    *,
    format: str | None = None,
    count: Positive = 3,
    start: Positive = 1,
) -> int:
    """Print examples as they will be trained on: control tokens and what is trained on marked, and what is not read.

    Exits with 2 when one of them is wrong.

    Args:
      path: A file of conversations, one JSON object a line, or a configuration, e.g. config/quickstart.yaml.
      format: The format, or format/variant, e.g. qwen3; the configuration's when absent.
      count: How many examples of each source.
      start: The number of the first.
    """
    from callwright.orchestration.data_show import show_data as print_examples

    return print_examples(path, format=format, count=count, start=start)

"""`callwright formats`."""

from pathlib import Path

from cyclopts import App

from callwright.cli.parameters import Switch

group = App(
    name="formats",
    usage="callwright formats [show NAME | detect FILE | --json]",
    help="List the formats with the models that speak them and what ends the model's turn, show one format, or detect "
    "which one a model's files are of.",
)


@group.default
def list_formats(*, json: Switch = False) -> None:
    """List the formats: NAME or NAME/VARIANT, the default variant marked.

    Args:
      json: Print a JSON list instead of the table.
    """
    from callwright.formats.example import print_list

    print_list(as_json=json)


@group.command
def show(name: str) -> None:
    """Print the complete example in a format, control tokens apart from text, and what is supervised.

    Args:
      name: The format, or format/variant, e.g. xml/arguments.
    """
    from callwright.formats.example import print_example

    print_example(name)


@group.command(name="detect")
def detect_format(path: Path, *, json: Switch = False) -> int:
    """Detect the format of a chat template: by its bytes, or by what it writes for small conversations with tools.

    Prints the formats that it may be of, the surest first, each with how sure that is. Exits with 1 where it is none.

    Args:
      path: A Jinja file, a tokenizer_config.json or chat_template.json, a GGUF, or a model's directory.
      json: Print a JSON list: format, same_bytes_as (whose template it is, or null), same_prompts (or null).
    """
    from callwright.detect import print_detected

    return print_detected(path, as_json=json)

"""A command line that cannot be read, as one of our errors: the option, what was expected there, and what came."""

from typing import Any, Literal, get_args, get_origin

from cyclopts import CycloptsError
from cyclopts.argument import Argument
from cyclopts.exceptions import (
    CoercionError,
    ConsumeMultipleError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

from callwright.errors import ConfigError, suggest

_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "no value, or true or false,"}


def misuse(error: CycloptsError) -> ConfigError:
    """The error to raise for a command line that cyclopts refuses."""
    command = " ".join(["callwright", *(error.command_chain or ())])
    see = f"see {command} --help"
    if isinstance(error, UnknownOptionError):
        names = [name for argument in error.argument_collection if argument.parse for name in argument.names]
        option = (error.token.keyword or error.token.value).partition("=")[0]
        return ConfigError(f"an option of {command}", option, suggest(option, [*names, "--help"], see))
    if isinstance(error, UnknownCommandError | UnusedCliTokensError) and error.unused_tokens:
        commands = [name for name in error.app or () if not name.startswith("-")]
        if commands:
            first = error.unused_tokens[0]
            return ConfigError(f"a command of {command}", first, suggest(first, commands, see))
        return ConfigError(f"no further argument of {command}", " ".join(error.unused_tokens), see)
    if isinstance(error, ConsumeMultipleError | MissingArgumentError) and error.argument is not None:
        if error.keyword is not None:
            return ConfigError(f"a value after {error.keyword}", "none", see)
        name = _name(error.argument)
        if unknown := [word for word in error.unused_tokens or () if word.startswith("--")]:
            return ConfigError(f"{name} for {command}", unknown[0], suggest(unknown[0], [name], see))
        before = "write it before options that take several values, which take all that follows; "
        after_options = error.argument.index is not None and "--" in " ".join(error.root_input_tokens or ())
        return ConfigError(f"{name} for {command}", "none", f"{before if after_options else ''}{see}")
    if isinstance(error, CoercionError) and error.token is not None:
        name = error.token.keyword or (_name(error.argument) if error.argument else command)
        value = error.token.value
        if get_origin(error.target_type) is Literal:
            choices = get_args(error.target_type)
            return ConfigError(f"one of {', '.join(choices)} for {name}", repr(value), suggest(value, choices, see))
        kind = _KINDS.get(error.target_type, "another value")
        if error.argument is not None and len(error.argument.tokens) > 1:
            see = f"write arguments before {name}, which takes all that follows; {see}"
        return ConfigError(f"{kind} for {name}", repr(value), see)
    if isinstance(error, ValidationError) and error.argument is not None and error.argument.tokens:
        token = error.argument.tokens[-1]
        kind = error.exception_message.removeprefix("Must be ").rstrip(".")
        return ConfigError(f"a number {kind} for {token.keyword or _name(error.argument)}", token.value, see)
    if isinstance(error, RepeatArgumentError):
        return ConfigError(f"{error.token.keyword} once", "it several times", "leave all but one out")
    return ConfigError(f"the arguments of {command}", str(error), see)


def _name(argument: Argument) -> str:
    """How help names an argument: CONFIG, --output."""
    return argument.name if argument.index is None else argument.name.lstrip("-").upper()

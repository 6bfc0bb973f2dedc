"""A user's own Python functions as tools: declared by signature and docstring, run with checked arguments.

The file is hers, and importing it runs it, as `python my_tools.py` would. Every public function that it defines is a
tool: its annotations are the schema, the first paragraph of its docstring the description, and what stands under
`Args:` describes parameters. A model's arguments are checked against the annotations, strictly: "5" is no number. What
goes wrong in a call is the call's result, so that the model sees it.
"""

import importlib.util
import inspect
import json
import re
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import pydantic_core
from pydantic import PydanticUserError, TypeAdapter, ValidationError

from callwright.conversation import Json, Tool
from callwright.errors import DataError

_ARGUMENT = re.compile(r"^\s+\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.+)$")
_HEADING = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$")


@dataclass(frozen=True, slots=True)
class PythonTool:
    """A function that a model may call.

    Attributes:
      tool: How it is declared.
      function: The function.
      arguments: Checks the value of each parameter.
      required: The parameters without a default.
    """

    tool: Tool
    function: Callable[..., Any]
    arguments: Mapping[str, TypeAdapter[Any]]
    required: frozenset[str]

    def run(self, arguments: Mapping[str, Json]) -> Json:
        """What the function returns, as JSON; an object with `error` where it cannot be called, or fails."""
        try:
            values = self._checked(arguments)
        except ValueError as error:
            return {"error": " ".join(str(error).split())}
        try:
            return _as_json(self.function(**values))
        except (Exception, SystemExit) as error:  # whatever it is, the conversation goes on
            return {"error": " ".join(f"{type(error).__name__}: {error}".split())}

    def _checked(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """The arguments as the function wants them; raises ValueError where one is missing, unknown or wrong."""
        unknown = [name for name in arguments if name not in self.arguments]
        missing = sorted(self.required - arguments.keys())
        if unknown or missing:
            what = [f"no parameter {name}" for name in unknown] + [f"{name} is missing" for name in missing]
            raise ValueError(f"{self.tool.name}: {', '.join(what)}")
        values = {}
        for name, value in arguments.items():
            try:
                values[name] = self.arguments[name].validate_json(json.dumps(value), strict=True)
            except ValidationError as error:
                raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None
        return values


def load_functions(path: Path) -> dict[str, PythonTool]:
    """The tools of a Python file by name, in the order in which it defines them. The file is run.

    Raises:
      DataError: It is no Python file, it fails, or defines no function that can be a tool.
    """
    module = _imported(path)
    functions = [
        value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    if not functions:
        raise DataError(f"functions in {path}", "none whose name is public", "define the tools as functions there")
    return {function.__name__: _python_tool(function, path) for function in functions}


def _imported(path: Path) -> ModuleType:
    expected, fix = f"a Python file with functions at {path}", "name a file such as my_tools.py"
    if path.suffix != ".py" or not path.is_file():
        raise DataError(expected, "another kind of file" if path.exists() else "no such file", fix)
    name = f"callwright_tools_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DataError(expected, "one that cannot be imported", fix)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise DataError(f"{path} to be imported", f"{type(error).__name__}: {error}", "correct the file") from error
    return module


def _python_tool(function: FunctionType, path: Path) -> PythonTool:
    where = f"{path}: {function.__name__}"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        _refuse(where, "a plain function", "an asynchronous one", "make it wait for its result itself")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        _refuse(where, "annotations that name types", str(error), "import them, or correct the annotation")
    description, described = _docstring(inspect.getdoc(function) or "")
    adapters: dict[str, TypeAdapter[Any]] = {}
    properties: dict[str, Json] = {}
    definitions: dict[str, Json] = {}
    required = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            _refuse(where, "parameters with names of their own", str(parameter), "give each argument a name")
        try:
            adapters[name] = TypeAdapter(hints.get(name, Any))
            schema = adapters[name].json_schema()
        except PydanticUserError as error:
            fix = "take text, numbers, lists or the like"
            _refuse(where, f"a type of {name} that JSON can say", str(error).splitlines()[0], fix)
        definitions |= schema.pop("$defs", {})
        schema.pop("title", None)
        text = {"description": described[name]} if name in described else {}
        properties[name] = {**schema, **text}
        if parameter.default is parameter.empty:
            required.append(name)
    parameters: dict[str, Json] = {"type": "object", "properties": properties, "required": list(required)}
    if definitions:
        parameters["$defs"] = definitions
    tool = Tool(function.__name__, description or None, parameters)
    return PythonTool(tool, function, adapters, frozenset(required))


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and what it says of each parameter under `Args:`."""
    description = " ".join(text.split("\n\n")[0].split())
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            inside = heading[1] in ("Args", "Arguments", "Parameters")
        elif inside and (argument := _ARGUMENT.match(line)):
            name = argument[1]
            found[name] = argument[2].strip()
        elif inside and name and line.startswith("    ") and line.strip():
            found[name] += f" {line.strip()}"
    return description, found


def _as_json(value: Any) -> Json:
    """A function's result as JSON; what JSON does not have is its text."""
    made = pydantic_core.to_jsonable_python(value, fallback=str, serialize_unknown=True)
    try:
        json.dumps(made, allow_nan=False)
    except ValueError:
        return str(value)
    result: Json = made
    return result


def _refuse(where: str, expected: str, got: str, fix: str) -> NoReturn:
    raise DataError(f"{expected} in {where}", got, fix)

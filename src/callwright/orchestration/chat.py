"""`callwright chat`: who answers, and what is offered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callwright.data.project import Project
from callwright.engines.llama_program import installed_program
from callwright.engines.openai_chat import OpenAIChat
from callwright.errors import DataError
from callwright.evaluation.answerer import Answerer, ServedAnswerer
from callwright.export.chat import TerminalChat, offered_tools
from callwright.export.in_process import engine_answerer
from callwright.export.serve import ServeOptions, find_gguf, served
from callwright.export.trained import read_trained
from callwright.orchestration.project import project_of
from callwright.orchestration.rundir import RunDirectory
from callwright.report.run_files import split_run


def chat(path: Path, *, tools: Path | None, system: str | None, yes: bool) -> None:
    """Holds a chat in the terminal until the user ends it.

    Args:
      path: A run or a stage of one, or a GGUF.
      tools: A Python file with functions.
      system: The system prompt; that of the run's tools file if None.
      yes: Whether functions are run without asking.

    Raises:
      CallwrightError: There is no such model, the file of functions is wrong, or the server does not become ready.
    """
    project = _project(path)
    offered = offered_tools(project.tools, tools)
    with _answerer(path) as answerer:
        TerminalChat(answerer, offered, system=project.system if system is None else system, yes=yes).run()


@contextmanager
def _answerer(path: Path) -> Iterator[Answerer]:
    """A llama.cpp server where there is one and a GGUF for it, else the engine in this process."""
    program = installed_program()
    try:
        gguf = find_gguf(path)
    except DataError:
        if split_run(path)[0].created() is None:
            raise
        gguf = None
    if program is None or gguf is None:
        trained = read_trained(path)
        print(f"{trained.run}/stage{trained.stage} answers in this process: {_reason(program, gguf)}")
        yield engine_answerer(trained, RunDirectory(trained.run).read_config().model.precision)
        return
    with served(gguf, program, ServeOptions(port=0)) as server, OpenAIChat(server.url) as client:
        print(f"{gguf} answers through llama.cpp")
        yield ServedAnswerer(client)


def _reason(program: Path | None, gguf: Path | None) -> str:
    return "llama.cpp is not installed" if gguf is not None else "it was not exported as a GGUF"


def _project(path: Path) -> Project:
    """The tools of the run; none of a file."""
    run, _ = split_run(path)
    return Project() if run.created() is None else project_of(RunDirectory(run.path).read_config())

"""`callwright serve`: an exported GGUF, and a request to the run's own tools to try it with."""

from pathlib import Path

from callwright.engines.chat import ChatRequest
from callwright.errors import CallwrightError
from callwright.export.serve import ServeOptions, find_gguf, find_program, serve_export
from callwright.orchestration.project import request_of
from callwright.orchestration.rundir import RunDirectory
from callwright.report.run_files import find_stage


def serve(path: Path, options: ServeOptions, *, yes: bool) -> None:
    """Serves what RUN on a command line names until Ctrl-C.

    Args:
      path: A run or a stage of one, an export, or a GGUF.
      options: How the server is started.
      yes: Whether llama.cpp may be built without a question.

    Raises:
      CallwrightError: There is no GGUF or no llama.cpp, or the server does not become ready or ends by itself.
    """
    gguf = find_gguf(path)
    program = find_program(None, yes=yes, ask=input)
    serve_export(gguf, program, options, request=_request(path))


def _request(path: Path) -> ChatRequest | None:
    """A request to the tools of the run; None of a file, or where the run is not to be read any more."""
    try:
        run, stage = find_stage(path)
        return request_of(RunDirectory(run.path).read_config(), stage)
    except CallwrightError:
        return None

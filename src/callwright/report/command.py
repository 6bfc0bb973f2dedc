"""`callwright report`: a run's results and report made again from its files, and its table printed."""

from pathlib import Path

from callwright.invisible import printable
from callwright.report.html import write_report
from callwright.report.results import build_results
from callwright.report.run_files import RunFiles, split_run
from callwright.report.schema import Results
from callwright.report.table import print_table


def report(path: Path) -> None:
    """Writes and prints the report of the run that a path names; see `split_run`.

    Raises:
      InputError: There is no run, or its files are damaged.
      StorageError: They cannot be read or written.
    """
    run, _ = split_run(path)
    print_report(run, write_results(run))


def write_results(run: RunFiles) -> Results:
    """Writes `results.json` and `report.html`, and returns the results.

    Raises:
      InputError: The run's files are damaged.
      StorageError: They cannot be read or written.
    """
    results = build_results(run)
    results.write(run.results_path)
    write_report(run.path)
    return results


def print_report(run: RunFiles, results: Results) -> None:
    """Prints the table, what has to be known of the run and of finished stages, and where the report is."""
    print_table(results)
    for note in (results.run.note, *(stage.message for stage in results.stages if stage.status == "done")):
        if note:
            print(f"\n{printable(note)}")
    print(f"\nReport: {run.report_path}")

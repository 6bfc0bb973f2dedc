"""What an export says of itself to programs: `export.json`, beside the card for people."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from callwright.errors import DataError
from callwright.export.card import ExportedFiles
from callwright.export.verify.check import Check
from callwright.settings import validated
from callwright.storage import write_json

FILE = "export.json"


class ExportRecord(BaseModel):
    """One export. The order of the fields is the order of the keys in the file."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    """It rises when a reader of the older version would misread a record."""
    run: str
    """The name of the run."""
    stage: int
    """The training stage that made the model."""
    format: str
    """The format's id."""
    files: ExportedFiles
    """What was written."""
    checks: tuple[Check, ...]
    """What was checked, all passed; empty where nothing was."""

    def write(self, directory: Path) -> None:
        """Writes it into the directory of the export."""
        write_json(directory / FILE, self.model_dump(mode="json"))

    @classmethod
    def read(cls, directory: Path) -> "ExportRecord":
        """The record of an export.

        Raises:
          DataError: There is none, or not one of this version.
        """
        path, fix = directory / FILE, "export again with --force"
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(f"the record of an export in {path}", str(error), fix) from error
        return validated(cls, data, where=str(path), error=DataError, fix=fix)

    def number(self, name: str) -> float | None:
        """What a check measured under a name, such as `mean_kl`, of the file as it is served; None if it did not."""
        found = (check.numbers[name] for check in reversed(self.checks) if name in check.numbers)
        return next(found, None)

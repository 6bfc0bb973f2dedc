"""Types of parameters that several commands have."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Positive = Annotated[int, Parameter(validator=Number(gte=1))]
"""A number of at least 1."""
Switch = Annotated[bool, Parameter(negative="")]
"""An option without a value, which is off where it is not named."""

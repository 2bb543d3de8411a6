"""Questions about events: logs, bytes, dicts and tables of columns, grouped and measured on all cores."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Final, Literal, Protocol, TypeAlias, TypedDict, final, type_check_only

import pandas
import polars
import pyarrow

__all__ = [
    "process_large_dataset",
    "Counts",
    "Place",
    "Report",
    "__version__",
    "Error",
    "ConfigurationError",
    "InputError",
    "MalformedError",
]

__version__: Final[str]

_Path: TypeAlias = str | PathLike[str]
_Row: TypeAlias = Mapping[str, Any]

@type_check_only
class _Table(Protocol):
    """Whatever is a table of Arrow: those of pandas, Polars, PyArrow, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@type_check_only
class _Config(TypedDict, total=False):
    by: Sequence[str]
    """Fields whose values make the groups; [] for one group of everything. Left out: ["user_id"]."""
    measure: Sequence[str]
    """count, count(F), sum(F), min(F), max(F), mean(F), median(F), p99.9(F), histogram(F), distinct(F), top5(F)."""
    where: str | None
    """Which rows count: "status >= 500 and route = 'orders'"."""
    every: str | None
    """Periods that divide the groups by time: 30s, 5m, 1h, 1d."""
    time_field: str
    """The field that says when a row happened. Left out: "ts"."""
    strict: bool
    """Whether the first malformed line raises MalformedError."""

def process_large_dataset(
    data: _Path | Iterable[_Path] | bytes | bytearray | memoryview | _Table | Iterable[_Row],
    config: _Config | Mapping[str, Any] | None = None,
    *,
    format: Literal["ndjson", "csv", "combined", "segment"] | None = None,
    progress: Callable[[int, int | None], object] | None = None,
    threads: int | None = None,
) -> Report:
    """Answers a question about data.

    data: a path (of a file, a folder, a data directory, or a pattern such as 'logs/**/*.gz') or several of them; bytes; anything that is a
    table of Arrow, as those of pandas, Polars and PyArrow are; dicts, one for each row.

    config: the question, a dict with any of by, measure, where, every, time_field, strict; without it, usage per user.

    format: what files and bytes are, where it is not found out.

    progress: called with what has been read so far and with how much there is (or None), at most ten times a second: bytes of files and of
    bytes, rows of tables and of dicts. What it raises ends the reading.

    threads: how many read, 1 to 1024; one for each core if it is left out.
    """

@final
class Report:
    """The answer to a question: a table of named columns, one row for each group.

    It is a table of Arrow to whatever reads those: pyarrow.table(report), polars.DataFrame(report).
    """

    @property
    def columns(self) -> list[str]:
        """Names of the columns: the period if there is one, the fields grouped by, the measures."""
    @property
    def counts(self) -> Counts:
        """What has been read."""
    @property
    def malformed(self) -> list[Place]:
        """The first ten lines that could not be read."""
    def __len__(self) -> int: ...
    def to_dicts(self) -> list[dict[str, Any]]:
        """The report as dicts, one for each row."""
    def to_json(self) -> str:
        """The report as one JSON array, an object for each row: numbers are exact, moments are texts."""
    def to_csv(self) -> str:
        """The report as comma-separated values with a line of names."""
    def to_arrow(self) -> pyarrow.Table:
        """The report as a pyarrow.Table."""
    def to_polars(self) -> polars.DataFrame:
        """The report as a polars.DataFrame."""
    def to_pandas(self) -> pandas.DataFrame:
        """The report as a pandas.DataFrame; needs pyarrow, too."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The report as a stream of Arrow (the PyCapsule interface). No other schema than its own can be had."""
    def _repr_html_(self) -> str: ...

@final
class Counts:
    """What has been read."""

    @property
    def lines(self) -> int:
        """Lines, records or rows, the malformed ones among them."""
    @property
    def rows(self) -> int:
        """Rows, whether the condition admitted them or not."""
    @property
    def malformed(self) -> int:
        """Lines that could not be read."""
    @property
    def timeless(self) -> int:
        """Rows without a moment where the question is about time: they are in no period."""
    @property
    def bytes(self) -> int:
        """Bytes of content, decompressed; 0 for tables and dicts."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class Place:
    """A line that could not be read."""

    @property
    def input(self) -> str:
        """Name of the input."""
    @property
    def line(self) -> int:
        """Number of the line, from 1."""
    @property
    def what(self) -> str:
        """What is wrong."""
    def __eq__(self, other: object, /) -> bool: ...

class Error(Exception):
    """What Lockgate raises, unless an argument is of a wrong type or too large to copy."""

class ConfigurationError(Error, ValueError):
    """The question says something it cannot."""

class InputError(Error, OSError):
    """Something cannot be found, or not be read to its end, or is of no known format."""

class MalformedError(Error, ValueError):
    """A line is malformed, and the question is strict: `input`, `line` and `what` say which and why."""

    input: str
    line: int
    what: str

"""Reads in their quick form: statements that are compiled once, rows that become plain objects.

`Query` stands in the store files. `Database.all` and `Database.first` run one: inside of a unit of work in its
transaction, else on SQLite by `QuickReader`, and on PostgreSQL, or wherever the quick way is not open, on a pooled
connection. docs/decisions/0007 says why and within which bounds.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from resource import RUSAGE_THREAD, getrusage
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import structlog
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import InstrumentedAttribute

from rostrum.kit.clock import monotonic

log = structlog.get_logger(__name__)

T = TypeVar("T")

Row = Sequence[Any]

STEPS_A_LOOK: Final = 2_000
MOST_LOOKS: Final = 40
"""A statement of more than 80,000 steps of SQLite's machine, about 4 ms, is interrupted and done again in a thread.
Steps are counted and not time, which also passes while another process has the core."""
SLOW_SECONDS: Final = 0.02
REST_SECONDS: Final = 5.0
"""After a read that took longer than SLOW_SECONDS and had to go to the disk, all reads go to threads for so long."""
ESCAPE: Final = "\\"


def like_part(text: str) -> str:
    """A pattern of LIKE for texts with this part in them; what has a meaning in patterns has none here."""
    for char in (ESCAPE, "%", "_"):
        text = text.replace(char, ESCAPE + char)
    return f"%{text}%"


def columns(table: Any, kind: type) -> list[InstrumentedAttribute[Any]]:
    """The table's columns that are named like the fields of a msgspec Struct, in their order."""
    return [getattr(table, name) for name in kind.__struct_fields__]  # type: ignore[attr-defined]


class Query(Generic[T]):
    """A SELECT and what becomes of its rows. Values are bound by `bindparam`; it is made once and used often."""

    def __init__(self, statement: Select[*tuple[Any, ...]], into: Callable[..., T]) -> None:
        self.statement = statement
        self.into = into
        self._compiled: _Compiled | None = None

    def objects(self, rows: Sequence[Row]) -> list[T]:
        """The objects of rows whose values are converted already."""
        return [self.into(*row) for row in rows]

    def for_sqlite(self, dialect: Dialect) -> "_Compiled":
        """Its form for the bare driver."""
        if self._compiled is None:
            self._compiled = _Compiled(self.statement, dialect)
        return self._compiled


class _Compiled:
    """SQL with question marks, where its values come from, and which columns need a conversion."""

    def __init__(self, statement: Select[*tuple[Any, ...]], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        kinds = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        processors = [kind.result_processor(dialect, None) for kind in kinds]
        self._conversions = [(place, convert) for place, convert in enumerate(processors) if convert is not None]

    def bound(self, values: Mapping[str, object]) -> list[Any]:
        """The values in the order of the question marks. Raises KeyError for one that is missing."""
        return [values[name] if name in values else self._constants[name] for name in self._names]

    def converted(self, rows: list[Row]) -> list[Row]:
        """The rows with the values that Python code expects."""
        if not self._conversions:
            return rows
        made: list[Row] = []
        for row in rows:
            values = list(row)
            for place, convert in self._conversions:
                values[place] = convert(values[place])
            made.append(values)
        return made


class QuickReader:
    """Reads of a SQLite file in WAL mode on the event loop's own thread, by one connection that cannot write.

    Such a read takes microseconds, less than a tenth of what handing it to a thread costs; readers neither wait for
    writers nor make them wait. It never stalls the loop for long: it waits for no lock, it is interrupted when it
    computes for too long, and once a slow disk holds reads up they all go to threads for a while.
    """

    def __init__(self, path: str, json_loads: Callable[[str], Any]) -> None:
        self._path = path
        self._dialect = sqlite.dialect(json_deserializer=json_loads)
        self._connection: sqlite3.Connection | None = None
        self._looks = 0
        self._blocks_read = 0
        self._rest_until = float("-inf")

    def rows(self, query: Query[Any], values: Mapping[str, object]) -> list[Row] | None:
        """All rows, or None when this is not the moment for the quick way."""
        compiled = query.for_sqlite(self._dialect)
        began = monotonic()
        if began < self._rest_until:
            return None
        self._looks = 0
        try:
            found = self._opened().execute(compiled.sql, compiled.bound(values)).fetchall()
        except (sqlite3.Error, ValueError, OverflowError) as error:
            # Busy, interrupted, broken, or a value without a form: the ordinary way waits, finishes, or tells of it.
            log.info("database.quick_read_failed", error=str(error))
            self._watch(began)
            return None
        self._watch(began)
        return compiled.converted(found)

    def close(self) -> None:
        """Close the connection; the next read opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _watch(self, began: float) -> None:
        now = monotonic()
        if now - began > SLOW_SECONDS:
            # It was the disk's fault if the kernel has read blocks for this thread, and else somebody had the core.
            before, self._blocks_read = self._blocks_read, getrusage(RUSAGE_THREAD).ru_inblock
            if self._blocks_read > before:
                self._rest_until = now + REST_SECONDS
                log.warning("database.slow_disk", seconds=round(now - began, 3))

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            place = f"file:{quote(self._path)}?mode=rw"  # Never made here: the migrations do that.
            connection = sqlite3.connect(place, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA query_only=ON")
            connection.set_progress_handler(self._too_long, STEPS_A_LOOK)
            self._connection = connection
            self._blocks_read = getrusage(RUSAGE_THREAD).ru_inblock
        return self._connection

    def _too_long(self) -> bool:
        self._looks += 1
        return self._looks > MOST_LOOKS

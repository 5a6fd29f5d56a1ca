"""How big a table may be, and what is said when it is bigger."""

from __future__ import annotations

#: Rows of one file: what is more is two files.
MAX_ROWS = 100_000
#: Columns with something in them.
MAX_COLUMNS = 100
#: Characters of a cell that is used.
MAX_CELL = 1000
#: Lines in which the head is looked for: a letterhead stands above some tables.
HEAD_LINES = 40


class SheetFault(Exception):
    """Why a file cannot be read at all; `code` with its details after colons ("long_cell:B12")."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

"""Tables of what was computed, as text in a terminal and as HTML on a page."""

from __future__ import annotations

import html
from collections.abc import Mapping
from numbers import Real

import numpy as np

from . import _checks


class Table:
    """Named columns of equal length; made by :func:`table`.

    Attributes
    ----------
    header : tuple of str
    rows : tuple of tuple of str
        As they are shown.

    Examples
    --------
    >>> table({"h": [8, 16], "error": [0.5, 0.25]}).rows
    (('8', '0.5'), ('16', '0.25'))
    """

    def __init__(self, header, rows, numeric):
        self.header, self.rows, self._numeric = header, rows, numeric

    def __repr__(self):
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = []
        for row in (self.header, *self.rows):
            cells = [
                cell.rjust(width) if numeric else cell.ljust(width)
                for cell, width, numeric in zip(row, widths, self._numeric, strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _repr_html_(self):
        def cells(row, tag):
            sides = ["right" if numeric else "left" for numeric in self._numeric]
            return "".join(
                f'<{tag} style="text-align: {side}">{html.escape(cell)}</{tag.split()[0]}>'
                for cell, side in zip(row, sides, strict=True)
            )

        body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in self.rows)
        head = f"<thead><tr>{cells(self.header, 'th scope=col')}</tr></thead>"
        return f'<table class="dataframe">{head}<tbody>{body}</tbody></table>'


def table(columns, formats=None, digits=3):
    """Set columns side by side.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of equal length by their headings. Whatever has a format of its own, such as a
        :class:`~ncl_lib.Summary`, is shown by it.
    formats : mapping of str to str, optional
        Format specifications by heading, in place of `digits`.
    digits : int, optional
        Significant digits of numbers that are not whole, >= 1.

    Returns
    -------
    Table
        Text where it is printed, HTML where a notebook shows it.

    Raises
    ------
    TypeError, ValueError
        If `columns` is not a mapping, is empty, its columns differ in length, or a format has no column.

    Examples
    --------
    >>> table({"h": [8, 512], "off": [0.0312, 0.5]}, {"off": ".1%"})
      h    off
      8   3.1%
    512  50.0%
    """
    _checks.instance("columns", columns, Mapping)
    formats = {} if formats is None else dict(_checks.instance("formats", formats, Mapping))
    digits = _checks.integer("digits", digits, minimum=1)
    if not columns:
        raise ValueError("columns: is empty; at least one is needed")
    columns = {str(name): list(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns: have lengths {lengths}; all must be equal")
    unknown = set(formats) - set(columns)
    if unknown:
        raise ValueError(f"formats: {sorted(map(str, unknown))} are no columns; there are {list(columns)}")
    shown, numeric = [], []
    for name, values in columns.items():
        shown.append([_shown(value, formats.get(name), digits) for value in values])
        numeric.append(all(not isinstance(value, (str, bool, np.bool_)) for value in values))
    return Table(tuple(columns), tuple(zip(*shown, strict=True)), tuple(numeric))


def _shown(value, specification, digits):
    """One cell."""
    if isinstance(value, (str, bool, np.bool_)) or value is None:
        return str(value)
    if specification is None:
        whole = isinstance(value, (int, np.integer))
        # 300 to two digits is 300, and not 3e+02.
        large = isinstance(value, Real) and 10**digits <= abs(value) < 1e7
        specification = "" if whole else ".0f" if large else f".{digits}g"
    try:
        return format(value, specification)
    except (TypeError, ValueError):
        if isinstance(value, Real):
            raise
        return str(value)

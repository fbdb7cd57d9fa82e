"""What all figures share: colours, type, and axes of their own."""

from __future__ import annotations

import functools
import sys

import matplotlib.pyplot as plt

from ..regimes import Regime

# Colours of Okabe and Ito: told apart by readers with any colour vision, and on light and dark grounds.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#777777"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, "#56B4E9", GREY)
STROKES = ("-", "--", "-.", ":")  # so that curves can be told apart without colour
# Dark enough beside each other to be told apart in grey: collapse darkest.
REGIME_COLOURS = {Regime.COLLAPSE: BLUE, Regime.ACUTE: ORANGE, Regime.STABLE: GREEN}


def use_book_style():
    """Set matplotlib's defaults to the book's: open axes, readable type, colours safe for any eye; SVG in notebooks.

    Examples
    --------
    >>> use_book_style()
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=CYCLE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "figure.figsize": (6.4, 3.9),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.size": 10.5,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "svg.hashsalt": "ncl_lib",
        }
    )
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        # Sharp at any zoom, and the same bytes for the same figure.
        shell.run_line_magic("config", "InlineBackend.figure_formats = ['svg']")
        shell.run_line_magic("config", "InlineBackend.print_figure_kwargs = {'metadata': {'Date': None}}")


def tidy(draw):
    """Close the figures that `draw` has opened if it raises: nobody would ever see them."""

    @functools.wraps(draw)
    def drawn(*args, **options):
        before = plt.get_fignums()
        try:
            return draw(*args, **options)
        except BaseException:
            for number in set(plt.get_fignums()).difference(before):
                plt.close(number)
            raise

    return drawn


def own_axes(ax):
    """Return `ax`, or axes of a new figure if it is None."""
    return plt.subplots()[1] if ax is None else ax

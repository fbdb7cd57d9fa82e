"""What the flows on a line share: their equilibria, their trajectories, and the calls they answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _checks
from ._solve import RELATIVE_TOLERANCE, Status, integrate


@dataclass(frozen=True)
class Equilibrium:
    """A zero of a flow on a line.

    Attributes
    ----------
    w : float
        Where it is (dimensionless).
    kind : str
        ``"stable"`` (attracts from both sides), ``"unstable"`` (repels on both), or ``"half-stable"`` (one of each).

    Examples
    --------
    >>> Equilibrium(0.0, "stable").kind
    'stable'
    """

    w: float
    kind: str


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Solutions of a flow on a line.

    Attributes
    ----------
    t : array of shape (T,)
        Gradient-flow times.
    w : array of shape (T, n)
        Solutions, one column a start (dimensionless).
    status : Status
        ``"ok"``, or ``"blow-up"`` with its time, where the arrays end.

    Examples
    --------
    >>> from ncl_lib import Setting, ThirdOrderFlow
    >>> run = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.3)).solve(0.5, [0.0, 100.0])
    >>> str(run.status), run.status.collapsed_at.round(2)
    ('ok', array([49.67]))
    """

    t: np.ndarray
    w: np.ndarray
    status: Status


class LineFlow:
    """What the flows on a line share."""

    def velocity(self, w):
        """Velocity dw/dt at `w`, elementwise.

        Parameters
        ----------
        w : float or array
            Head eigenvalue (dimensionless).

        Returns
        -------
        float or array
            Same shape as `w`.

        Raises
        ------
        TypeError, ValueError
            If `w` is not made of finite real numbers.

        Examples
        --------
        >>> from ncl_lib import Setting, ThirdOrderFlow
        >>> ThirdOrderFlow(Setting(sigma2=0.5, rho=0.125)).velocity(0.5)
        0.0
        """
        return _checks.plain(self._velocity(_checks.array("w", w)))

    def jacobian(self, w):
        """Slope of the velocity, elementwise.

        Negative at an equilibrium means stable; its size is the rate of return (one over time).

        Parameters
        ----------
        w : float or array
            Head eigenvalue (dimensionless).

        Returns
        -------
        float or array
            Same shape as `w`.

        Raises
        ------
        TypeError, ValueError
            If `w` is not made of finite real numbers.

        Examples
        --------
        >>> from ncl_lib import Setting, ThirdOrderFlow
        >>> ThirdOrderFlow(Setting(sigma2=0.5, rho=0.1)).jacobian(0.0)
        -0.1
        """
        return _checks.plain(self._jacobian(_checks.array("w", w)))

    def regime(self, w):
        """Regime of a mode at `w`, elementwise.

        Collapse above the critical decay; up to it Stable for `w` above the unstable equilibrium, else Acute.

        Parameters
        ----------
        w : float or array
            Head eigenvalue (dimensionless).

        Returns
        -------
        Regime or array of Regime
            Same shape as `w`.

        Raises
        ------
        TypeError, ValueError
            If `w` is not made of finite real numbers.

        Examples
        --------
        >>> from ncl_lib import Setting, ThirdOrderFlow
        >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
        >>> [r.name for r in flow.regime([0.01, 0.1])]
        ['ACUTE', 'STABLE']
        """
        return _checks.plain_object(np.asarray(self._regime(_checks.array("w", w))))

    def solve(self, w0, times, collapse_below=1e-6, tolerance=RELATIVE_TOLERANCE):
        r"""Integrate the flow from one or many starts.

        Parameters
        ----------
        w0 : float or array of shape (n,)
            Starts (dimensionless).
        times : array of shape (T,)
            Strictly increasing gradient-flow times; ``times[0]`` is the time of `w0`.
        collapse_below : float, optional
            A start counts as collapsed from the moment that \\|w\\| is below this.
        tolerance : float, optional
            Relative error of a step, between 1e-12 and 1e-2.

        Returns
        -------
        Trajectory
            ``.status.collapsed_at`` holds the time of collapse of each start, inf for survivors.

        Raises
        ------
        TypeError, ValueError
            If `w0` is not finite, `times` are not sorted, `collapse_below` is not positive, or `tolerance` is out of
            bounds.

        Examples
        --------
        >>> from ncl_lib import Setting, ThirdOrderFlow
        >>> flow = ThirdOrderFlow(Setting(sigma2=0.5, rho=0.05))
        >>> flow.solve([0.05, 0.06], [0.0, 1000.0]).w[-1].round(4) + 0.0
        array([0.    , 0.6122])
        """
        return solve_line(self._velocity, w0, times, collapse_below, tolerance)


def solve_line(velocity, w0, times, collapse_below, tolerance):
    """Integrate independent copies of one flow on a line."""
    w0 = np.atleast_1d(_checks.array("w0", w0))
    if w0.ndim != 1:
        raise ValueError(f"w0: has shape {w0.shape}; expected one number or shape (n,)")
    collapse_below = _checks.number("collapse_below", collapse_below, above=0)
    # Copies do not act on each other: the matrix of slopes is diagonal.
    options = dict(stiff=True, lband=0, uband=0, tolerance=_checks.tolerance(tolerance))
    return Trajectory(*integrate(lambda t, w: velocity(w), w0, times, collapse_below=collapse_below, **options))

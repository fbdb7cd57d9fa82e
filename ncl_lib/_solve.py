"""Integration in time, written once for every rung."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from . import _checks

RELATIVE_TOLERANCE = 1e-10
BLOW_UP_SIZE = 1e8


class Status(str):
    """How a run ended: a string, ``"ok"``, ``"blow-up"``, ``"singular"`` or ``"interrupted"``, that remembers when.

    Attributes
    ----------
    time : float or None
        Gradient-flow time at which the run broke off; None if it did not.
    collapsed_at : array or None
        For flows on a line: time at which each component fell below the collapse level, inf where it never did.

    Examples
    --------
    >>> status = Status("blow-up", time=2.0)
    >>> status == "blow-up", status.time
    (True, 2.0)
    """

    time: float | None
    collapsed_at: np.ndarray | None

    def __new__(cls, verdict, time=None, collapsed_at=None):
        self = super().__new__(cls, verdict)
        self.time = time
        self.collapsed_at = collapsed_at
        return self


def integrate(
    velocity, y0, times, *, collapse_below=None, method="DOP853", vanishing=None, tolerance=RELATIVE_TOLERANCE
):
    """Integrate ``dy/dt = velocity(t, y)`` and return ``(t, y, status)``, `y` of shape (T, n).

    By default with the eighth-order Runge-Kutta pair of SciPy and tight tolerances, as most flows of the book are
    smooth and not stiff. A solution that leaves the ball of radius 1e8 has blown up, one for which `vanishing(y)` falls
    to 0 is singular; what was reached before that is returned.
    """
    times = _checks.times(times)
    if len(times) == 1:
        collapsed = None if collapse_below is None else _crossings(None, times, y0[None], collapse_below)
        return times, y0[None].copy(), Status("ok", collapsed_at=collapsed)

    reached = times[0]

    def escape(t, y):
        nonlocal reached  # evaluated at the end of every step that was taken
        reached = max(reached, t)
        return BLOW_UP_SIZE - np.max(np.abs(y))

    def vanish(t, y):
        return vanishing(y)

    escape.terminal = vanish.terminal = True
    with np.errstate(over="ignore", invalid="ignore"):  # trial stages may overflow; the step is then rejected
        result = solve_ivp(
            velocity,
            (times[0], times[-1]),
            y0,
            method=method,
            t_eval=times,
            events=[escape] if vanishing is None else [escape, vanish],
            dense_output=collapse_below is not None,
            rtol=tolerance,
            atol=1e-3 * tolerance,
        )
    collapsed = None
    if collapse_below is not None:
        steps = result.sol.ts
        collapsed = _crossings(result.sol, steps, result.sol(steps).T, collapse_below)
    if result.status == 0:
        status = Status("ok", collapsed_at=collapsed)
    else:
        # An event seen, or step size driven to nothing on the way there.
        seen = [float(found[0]) for found in result.t_events if len(found)]
        singular = vanishing is not None and not len(result.t_events[0])
        status = Status("singular" if singular else "blow-up", time=min(seen, default=reached), collapsed_at=collapsed)
    return result.t, result.y.T, status


def _crossings(solution, steps, values, level):
    """First time at which each |component| is below `level`; inf where it never is."""
    below = np.abs(values) < level
    times = np.full(values.shape[1], np.inf)
    for j in np.flatnonzero(below.any(axis=0)):
        k = int(np.argmax(below[:, j]))
        if k == 0:
            times[j] = steps[0]
        else:
            times[j] = brentq(lambda t, j=j: abs(solution(t)[j]) - level, steps[k - 1], steps[k])
    return times

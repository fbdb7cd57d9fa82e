"""Integration in time, written once for every rung."""

from __future__ import annotations

import math
import warnings

import numpy as np
from scipy.integrate import DOP853, LSODA
from scipy.optimize import brentq

from . import _checks

RELATIVE_TOLERANCE = 1e-10
BLOW_UP_FACTOR = 1e8


class Status(str):
    """How a run ended: a string that remembers when.

    ``"ok"``; ``"blow-up"``, weights beyond 1e8 times the start; ``"singular"``, predictions or features gone under a
    loss that divides by them; ``"stalled"``, no step small enough for the tolerance, or too many steps;
    ``"interrupted"``, by Ctrl-C.

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
    velocity,
    y0,
    times,
    *,
    name="w0",
    collapse_below=None,
    stiff=False,
    vanishing=None,
    tolerance=RELATIVE_TOLERANCE,
    least=1e-3,
    most=math.inf,
    **options,
):
    """Integrate ``dy/dt = velocity(t, y)``, t counted from ``times[0]``; return ``(times, y, status)``, `y` (T, n).

    With SciPy's steppers: the eighth-order Runge-Kutta pair, or where `stiff` LSODA, which changes to implicit steps
    once they pay, so that time spent at rest costs nothing. Entries are followed to `tolerance` of themselves, down to
    the size `least`. A solution that grows by 1e8 has blown up, one for which `vanishing(y)` falls to 0 is singular;
    after `most` steps it has stalled; whatever ends a run early, what was reached before that is returned. `name` is
    what the caller calls its start.
    """
    times = _checks.times(times)
    elapsed = times - times[0]  # so that a late start costs no digits
    start = np.array(y0, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.all(np.isfinite(velocity(0.0, start))):
            raise ValueError(f"{name}: the velocity overflows there; take weights that are not so large")
    rows, verdict, ended, steps = [start], "ok", None, 0
    collapsed = None if collapse_below is None else np.where(np.abs(start) < collapse_below, 0.0, np.inf)
    limit = BLOW_UP_FACTOR * max(1.0, np.max(np.abs(start)))
    ends = {"blow-up": lambda y: limit - np.max(np.abs(y)), "singular": vanishing}
    stepper = (LSODA if stiff else DOP853)(
        velocity, 0.0, start, elapsed[-1] or 1.0, rtol=tolerance, atol=least * tolerance, **options
    )
    try:
        # Trial stages may overflow; the step is then rejected. A step that fails is a status, not a warning.
        with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            while len(rows) < len(times) and ended is None:
                stepper.step()
                steps += 1
                if stepper.status == "failed" or steps > most:
                    verdict, ended = _why(stepper.y, start, limit, vanishing), stepper.t
                    break
                over = [end for end, height in ends.items() if height is not None and height(stepper.y) < 0]
                low = () if collapsed is None else (np.abs(stepper.y) < collapse_below) & np.isinf(collapsed)
                fallen = np.flatnonzero(low)
                if not over and len(fallen) == 0 and elapsed[len(rows)] > stepper.t:
                    continue  # nothing to look up within this step, and its interpolant costs evaluations
                path = stepper.dense_output()
                if over:
                    verdict, ended = over[0], _crossing(path, ends[over[0]], stepper)
                for j in fallen:
                    collapsed[j] = _crossing(path, lambda y, j=j: abs(y[j]) - collapse_below, stepper)
                here = stepper.t if ended is None else min(stepper.t, ended)
                while len(rows) < len(times) and elapsed[len(rows)] <= here:
                    rows.append(path(elapsed[len(rows)]))
    except KeyboardInterrupt:
        verdict, ended = "interrupted", stepper.t
    time = None if ended is None else float(times[0] + ended)
    if collapsed is not None:
        collapsed = times[0] + collapsed
    return times[: len(rows)], np.array(rows), Status(verdict, time=time, collapsed_at=collapsed)


def _why(y, start, limit, vanishing):
    """Verdict on a run that goes no further: steps are driven to nothing on the way to a singularity, too."""
    if np.max(np.abs(y)) > 1e-4 * limit:
        return "blow-up"
    return "singular" if vanishing is not None and vanishing(y) < 0.01 * vanishing(start) else "stalled"


def _crossing(path, height, step):
    """Time within the last step at which `height` changes sign."""
    if height(path(step.t_old)) * height(path(step.t)) >= 0:
        return step.t  # the interpolant of a step to a singularity need not show the change
    return brentq(lambda t: height(path(t)), step.t_old, step.t)

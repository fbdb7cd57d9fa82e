"""Weight decay is a clock: the one mechanism by which a flow that is blind to the size of weights is integrated."""

from __future__ import annotations

import numpy as np

from . import _checks
from ._solve import Status, integrate

# A closure may let predictions die in finite time, as the square root of what is left of it: this far down, in units of
# the start, the time is known to as many digits, and rounding in the features of dead modes is not yet felt.
VANISHED = 5e-7
LONGEST = 30.0  # logarithm of the clock, in units of |w|^2, after which a shape has settled


def clock(times, rho):
    r"""Time of the shape, :math:`\tau = (e^{2 \rho t} - 1) / (2 \rho)`, counted from the first of `times`.

    Parameters
    ----------
    times : array of shape (T,)
        Strictly increasing gradient-flow times.
    rho : float
        Weight decay.

    Returns
    -------
    array of shape (T,)

    Raises
    ------
    TypeError, ValueError
        If `times` are not sorted, `rho` is negative, or the clock exceeds the largest number.

    Notes
    -----
    Ours. On the cosine loss, :math:`e^{\rho t} (W, \Phi)` follows in this time the flow without decay.

    Examples
    --------
    >>> clock([0.0, 1.0], rho=0.0)
    array([0., 1.])
    """
    times, rho = _checks.times(times), _checks.number("rho", rho, minimum=0)
    elapsed = times - times[0]
    if rho == 0:
        return elapsed
    if 2 * rho * elapsed[-1] > 700:
        raise ValueError(f"times: last is {times[-1]}; with rho={rho} the clock exceeds e^700, take 2 rho t <= 700")
    return np.expm1(2 * rho * elapsed) / (2 * rho)


def time_of(tau, rho):
    r"""Gradient-flow time, from the first, at which the clock shows `tau`: the inverse of :func:`clock`.

    .. math:: t = \frac{\ln(1 + 2 \rho \tau)}{2 \rho}

    Parameters
    ----------
    tau : float or array
        Times of the shape, >= 0.
    rho : float
        Weight decay.

    Returns
    -------
    float or array
        Same shape as `tau`.

    Raises
    ------
    TypeError, ValueError
        If `tau` is not made of finite real numbers >= 0, or `rho` is negative.

    Notes
    -----
    Ours.

    Examples
    --------
    >>> time_of(clock([1.0, 3.0], rho=0.4), rho=0.4).round(9)
    array([0., 2.])
    """
    tau, rho = _checks.array("tau", tau, nonnegative=True), _checks.number("rho", rho, minimum=0)
    return _checks.plain(np.log1p(2 * rho * tau) / (2 * rho) if rho else tau)


def above_noise(value, noise):
    """`value`, faded out where it is no larger than `noise`.

    At rest two terms cancel, and what is left is rounding or the error of a quadrature: on a long clock it would be all
    there is.
    """
    share = np.divide(noise, value, out=np.zeros_like(value), where=value != 0)
    with np.errstate(over="ignore"):
        return value / (1 + share**2)


def fade(times, rho):
    """What decay has left of the weights at `times`, counted from the first."""
    return np.exp(-rho * (times - times[0]))


def on_clock(velocity, y0, times, rho, size, *, longest=LONGEST, vanishing=None, **options):
    """Integrate a shape on the clock of weight decay; return ``(times, tau, y, status)``, `y` of shape (T, n).

    `velocity(y)` is that of the shape without decay, in a time whose unit is the square of `size`, the size of the
    weights at the start: then no size over- or underflows. Once a shape has settled, the logarithm of the clock and an
    implicit method take long steps, and beyond `longest` the shape is held. It is singular where `vanishing(y)`, such
    as the length of predictions, has vanished. `options` are those of :func:`integrate`.
    """
    tau, times = clock(times, rho), np.array(times, dtype=float)
    x = np.minimum(np.log1p(tau / size / size), longest)
    steps, places = np.unique(x, return_inverse=True)
    if vanishing is not None:
        least = VANISHED * vanishing(y0)
        options["vanishing"] = lambda y: vanishing(y) - least
    reached, y, status = integrate(lambda x, y: np.exp(x) * velocity(y), y0, steps, **options)
    if status.time is not None:
        end = size * np.expm1(status.time) * size
        status = Status(str(status), time=times[0] + time_of(end, rho))
    places = places[places < len(reached)]
    return times[: len(places)], tau[: len(places)], y[places], status

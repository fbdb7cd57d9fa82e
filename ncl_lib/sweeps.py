"""The same computation over many parameters or seeds, in this process or on any executor."""

from __future__ import annotations

import itertools
import math
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from . import _checks, _progress


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one point of a sweep.

    Attributes
    ----------
    point : dict
        Its keyword arguments.
    value : object
        What the function returned; None if it failed or was not reached.
    error : Exception or None
        What it raised; None if it returned. A point that an interruption left undone has an InterruptedError.

    Examples
    --------
    >>> Outcome({"seed": 1}, 0.5).error is None
    True
    """

    point: dict
    value: object = None
    error: BaseException | None = None


def grid(**values):
    """All combinations of values, as points of a :func:`sweep`; the last name runs fastest.

    Parameters
    ----------
    **values
        For each name its values, an iterable that is not empty.

    Returns
    -------
    list of dict

    Raises
    ------
    TypeError, ValueError
        If the values of a name are not an iterable, are text, or are none.

    Examples
    --------
    >>> grid(loss=["l2", "cosine"], seed=range(2))[1:3]
    [{'loss': 'l2', 'seed': 1}, {'loss': 'cosine', 'seed': 0}]
    """
    if not values:
        raise ValueError("grid: has no names; give the values of at least one")
    lists = {}
    for name, given in values.items():
        if isinstance(given, (str, bytes)) or not np.iterable(given):
            raise TypeError(f"{name}={given!r}: expected a sequence of values, such as [{given!r}]")
        lists[name] = list(given)
        if not lists[name]:
            raise ValueError(f"{name}: is empty; at least one value is needed")
    return [dict(zip(lists, point, strict=True)) for point in itertools.product(*lists.values())]


class Summary(NamedTuple):
    """Mean and standard error of what a group of points gave.

    Attributes
    ----------
    mean, error : float or array
        The error is the sample deviation over the root of the count; nan if there is one value only.
    count : int

    Examples
    --------
    >>> f"{Summary(0.5, 0.03, 5):.2f}"
    '0.50 ± 0.03'
    """

    mean: float | np.ndarray
    error: float | np.ndarray
    count: int

    def __format__(self, specification):
        return f"{self.mean:{specification}} ± {self.error:{specification}}"


def summarise(outcomes, by=(), value=None):
    """Mean and standard error of the values of a sweep, over all points that agree in some of their arguments.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What :func:`sweep` returned.
    by : str or sequence of str, optional
        Names of arguments that tell groups apart; by default all points are one group.
    value : callable, optional
        Makes a number or an array of what a point gave; by default that is one.

    Returns
    -------
    dict of Summary, or Summary
        By the value of `by` if that is one name, by tuples of values if it is several, in the order of their first
        points. One Summary if `by` is empty.

    Raises
    ------
    TypeError, ValueError
        If there are no outcomes, `by` names no argument of theirs, or its values cannot be told apart by a dict.
    Exception
        What a point raised: a mean over the others would hide it.

    Examples
    --------
    >>> outcomes = sweep(lambda scale, seed: scale * seed, grid(scale=[1.0, 10.0], seed=[1, 2, 3]))
    >>> {scale: f"{found:.2f}" for scale, found in summarise(outcomes, by="scale").items()}
    {1.0: '2.00 ± 0.58', 10.0: '20.00 ± 5.77'}
    """
    outcomes = [_checks.instance("outcomes", outcome, Outcome) for outcome in outcomes]
    if not outcomes:
        raise ValueError("outcomes: is empty; at least one is needed")
    names = (by,) if isinstance(by, str) else tuple(by)
    if value is not None and not callable(value):
        raise TypeError(f"value={value!r}: expected a callable")
    groups = {}
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
        missing = [name for name in names if name not in outcome.point]
        if missing:
            raise ValueError(f"by={by!r}: {missing[0]!r} is no argument of the point {outcome.point!r}")
        key = outcome.point[by] if isinstance(by, str) else tuple(outcome.point[name] for name in names)
        found = np.asarray(outcome.value if value is None else value(outcome.value), float)
        try:
            groups.setdefault(key, []).append(found)
        except TypeError as error:
            raise TypeError(f"by={by!r}: {key!r} cannot tell groups apart ({error}); take another name") from error
    found = {key: _summary(values) for key, values in groups.items()}
    return found if names else found[()]


def _summary(values):
    """Mean and standard error of numbers, or of arrays entry by entry."""
    values, count = np.array(values), len(values)
    error = values.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.full(values.shape[1:], np.nan)
    return Summary(_checks.plain(values.mean(axis=0)), _checks.plain(error), count)


def processes(count=None):
    """Make a pool of processes for :func:`sweep`, each with one thread of linear algebra.

    Left alone, every process would start as many threads as there are cores, and they would get in each other's way:
    for the matrices of this book that is several times slower than one thread each.

    Parameters
    ----------
    count : int, optional
        How many, >= 1; by default as many as there are cores.

    Returns
    -------
    concurrent.futures.ProcessPoolExecutor
        Started afresh ("spawn"), so that it behaves the same on every system; use it in a ``with`` statement.

    Raises
    ------
    TypeError, ValueError
        If `count` is not a whole number >= 1.

    Examples
    --------
    >>> from ncl_lib import CosineModes, Setting
    >>> points = [{"w0": [0.5, w], "f0": [0.3, 0.2], "times": [0.0, 1.0]} for w in (0.1, 0.2)]
    >>> with processes(2) as pool:
    ...     outcomes = sweep(CosineModes(Setting(sigma2=0.5, rho=0.1)).solve, points, executor=pool)
    >>> [outcome.error for outcome in outcomes]
    [None, None]
    """
    count = (os.cpu_count() or 1) if count is None else _checks.integer("count", count, minimum=1)
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_one_thread)


def _one_thread():
    # By now this module has been imported in the new process, and with it NumPy, whose threads there are to limit.
    threadpool_limits(1)


def sweep(function, points, executor=None, progress=None):
    """Call `function(**point)` for every point; failures are reported beside the results that the others gave.

    Parameters
    ----------
    function : callable
        For processes and clusters it must be importable there: a function of a module, not a lambda.
    points : sequence of dict
        Keyword arguments, one dict a call. Give each its own seed.
    executor : concurrent.futures.Executor, optional
        Anything with its `submit`: a pool of :func:`processes`, Dask's ``client.get_executor()``, or an MPI
        pool. None: one point after the other, in this process.
    progress : bool, optional
        Show a progress bar; by default only when the sweep lasts more than two seconds.

    Returns
    -------
    list of Outcome
        In the order of `points`. Ctrl-C returns what is there; the rest carries an error that says so.

    Raises
    ------
    TypeError, ValueError
        If `function` is not callable, `points` are not dicts or none, or `executor` has no submit.

    Examples
    --------
    >>> from ncl_lib import Setting
    >>> outcomes = sweep(Setting, [{"sigma2": 0.5, "rho": 0.1}, {"sigma2": -1.0, "rho": 0.1}])
    >>> outcomes[0].value.s, type(outcomes[1].error).__name__, outcomes[1].point["sigma2"]
    (1.5, 'ValueError', -1.0)
    """
    if not callable(function):
        raise TypeError(f"function={function!r}: expected a callable")
    points = [dict(_checks.instance("points", point, dict)) for point in points]
    if not points:
        raise ValueError("points: is empty; at least one dict of arguments is needed")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor={executor!r}: expected an object with a submit method, or None")
    undone = InterruptedError("the sweep was interrupted before this point was done")
    outcomes = [Outcome(point, error=undone) for point in points]
    with _progress.bar(len(points), "point", progress) as bar:
        if executor is None:
            futures = {}
            arriving = ((k, lambda k=k: function(**points[k])) for k in range(len(points)))
        else:
            futures = {executor.submit(function, **point): k for k, point in enumerate(points)}
            arriving = ((futures[future], future.result) for future in as_completed(futures))
        try:
            for k, result in arriving:
                try:
                    outcomes[k] = Outcome(points[k], value=result())
                except (Exception, SystemExit) as error:  # one bad point must not cost the others; it is not hidden
                    outcomes[k] = Outcome(points[k], error=error)
                bar.update()
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
    return outcomes

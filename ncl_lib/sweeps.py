"""The same computation over many parameters or seeds, in this process or on any executor."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

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

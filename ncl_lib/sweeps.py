"""The same computation over many parameters or seeds, in this process or on any executor."""

from __future__ import annotations

from concurrent.futures import as_completed
from dataclasses import dataclass

from tqdm import tqdm

from . import _checks


@dataclass(frozen=True)
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


def sweep(function, points, executor=None, progress=None):
    """Call `function(**point)` for every point; failures are reported beside the results that the others gave.

    Parameters
    ----------
    function : callable
        For processes and clusters it must be importable there: a function of a module, not a lambda.
    points : sequence of dict
        Keyword arguments, one dict a call. Give each its own seed.
    executor : concurrent.futures.Executor, optional
        Anything with its `submit`: a pool of processes, Dask's ``client.get_executor()``, an MPI pool. None: one point
        after the other, in this process.
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
    hidden = {} if progress is None else {"disable": not progress}
    undone = InterruptedError("the sweep was interrupted before this point was done")
    outcomes = [Outcome(point, error=undone) for point in points]
    with tqdm(total=len(points), delay=2 if progress is None else 0, unit="point", leave=False, **hidden) as bar:
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
                except Exception as error:  # one bad point must not cost the others; it is returned, not hidden
                    outcomes[k] = Outcome(points[k], error=error)
                bar.update()
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
    return outcomes

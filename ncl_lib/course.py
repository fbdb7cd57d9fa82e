"""Checks that tell a student in words what is wrong; the assignments of the course are graded with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["check_function", "check_value"]


def check_value(found, expected, name, *, mistakes=None, tolerance=1e-6):
    """Compare an answer with what is right, and say in words what is wrong with it.

    Parameters
    ----------
    found : object
        What the student has.
    expected : float or array
        What is right; any real array-like of the same shape and within `tolerance` of it passes.
    name : str
        What to call the answer in messages.
    mistakes : mapping of str to float or array, optional
        What a known mistake leads to, by the words that name it.
    tolerance : float, optional
        Largest difference, relative to the largest entry of `expected` or absolute, whichever allows more.

    Raises
    ------
    AssertionError
        If the answer is wrong; the message names the fault if it is a known one.

    Examples
    --------
    >>> check_value(0.25, 0.25, "the threshold")
    >>> check_value(0.5, 0.25, "the threshold", mistakes={"a factor 2 is missing": 0.5})
    Traceback (most recent call last):
    ...
    AssertionError: the threshold: a factor 2 is missing (you have 0.5)
    """
    expected = np.asarray(expected, dtype=float)
    if found is None or found is Ellipsis:
        raise AssertionError(f"{name}: there is no answer yet")
    try:
        value = np.asarray(found)
        if value.dtype.kind not in "fiub":
            raise TypeError
        value = value.astype(float)
    except (TypeError, ValueError):
        raise AssertionError(f"{name}: expected real numbers, got {_short(found)}") from None
    if value.shape != expected.shape:
        needed = f"{expected.shape} is needed" if expected.shape else "a single number is needed"
        raise AssertionError(f"{name}: wrong shape, {value.shape} where {needed}")
    if not np.all(np.isfinite(value)):
        raise AssertionError(f"{name}: contains nan or infinity, {_short(value)}")
    if _close(value, expected, tolerance):
        return
    for words, wrong in (mistakes or {}).items():
        if np.shape(wrong) == value.shape and _close(value, np.asarray(wrong, dtype=float), tolerance):
            raise AssertionError(f"{name}: {words} (you have {_short(value)})")
    if _close(value, expected, 1000 * tolerance):
        raise AssertionError(f"{name}: you have {_short(value)}, nearly right, but not to the accuracy asked for")
    raise AssertionError(f"{name}: you have {_short(value)}, which is not right")


def check_function(function, expected, cases, name, *, mistakes=None, tolerance=1e-6):
    """Compare a function with what is right on several cases, and say in words what is wrong with it.

    Parameters
    ----------
    function : callable
        What the student wrote.
    expected : callable
        What is right, of the same arguments.
    cases : list of tuple
        Arguments to try.
    name : str
        What to call the function in messages.
    mistakes : mapping of str to callable, optional
        What a known mistake computes, by the words that name it. A mistake is named if it explains every case.
    tolerance : float, optional
        As for :func:`check_value`.

    Raises
    ------
    AssertionError
        If an answer is wrong; the message names the arguments, and the fault if it is a known one.

    Examples
    --------
    >>> check_function(lambda x: x * x, np.square, [(1.0,), (2.0,)], "square")
    >>> check_function(lambda x: 4.0, np.square, [(2.0,), (3.0,)], "square")
    Traceback (most recent call last):
    ...
    AssertionError: square: gives 4.0 whatever its arguments; it seems to be hard-coded
    """
    mistakes = {} if mistakes is None else mistakes
    if not isinstance(mistakes, Mapping):
        raise TypeError(f"mistakes={mistakes!r}: expected a mapping of words to functions")
    if function is None or function is Ellipsis:
        raise AssertionError(f"{name}: there is no such function yet; has its cell been run?")
    if not isinstance(function, Callable):
        raise AssertionError(f"{name}: is {_short(function)}, not a function")
    answers = []
    for case in cases:
        try:
            answers.append(function(*(x.copy() if isinstance(x, np.ndarray) else x for x in case)))
        except AssertionError:
            raise  # a check inside, which has its own words
        except Exception as error:
            raise AssertionError(f"{name}{_arguments(case)}: stops with {type(error).__name__}: {error}") from error
    if all(answer is None or answer is Ellipsis for answer in answers):
        raise AssertionError(f"{name}: returns nothing yet")
    right = [np.asarray(expected(*case), dtype=float) for case in cases]
    wrong = None
    for case, answer, truth in zip(cases, answers, right, strict=True):
        try:
            check_value(answer, truth, f"{name}{_arguments(case)}", tolerance=tolerance)
        except AssertionError as error:
            wrong = error
            break
    if wrong is None:
        return
    if len(cases) > 1 and not all(np.array_equal(truth, right[0]) for truth in right):
        first = answers[0]
        if first is not None and all(type(a) is type(first) and np.array_equal(a, first) for a in answers):
            raise AssertionError(f"{name}: gives {_short(first)} whatever its arguments; it seems to be hard-coded")
    for words, mistake in mistakes.items():
        if all(_explains(mistake, case, answer, tolerance) for case, answer in zip(cases, answers, strict=True)):
            raise AssertionError(f"{name}: {words}")
    raise wrong


def _explains(mistake, case, answer, tolerance):
    """Whether this mistake leads to this answer."""
    try:
        found, made = np.asarray(answer, dtype=float), np.asarray(mistake(*case), dtype=float)
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return False
    return found.shape == made.shape and bool(np.all(np.isfinite(found))) and _close(found, made, tolerance)


def _close(value, expected, tolerance):
    allowed = tolerance * max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    return bool(np.max(np.abs(value - expected), initial=0.0) <= allowed)


def _short(value):
    words = repr(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _arguments(case):
    return "(" + ", ".join(_short(x) for x in case) + ")"

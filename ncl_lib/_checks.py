"""Checks of arguments and the form of results, written once.

Every message names the argument, says what it was, and says what is allowed: a student should be able to mend the call
from the message alone.
"""

from __future__ import annotations

import numbers

import numpy as np
from scipy.sparse import issparse


def instance(name, value, kind, hint=""):
    """Return `value` if it is of one of the classes `kind`, or raise."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise TypeError(f"{name}={value!r}: expected {' or '.join(k.__name__ for k in kinds)}{hint}")
    return value


def same_length(**sequences):
    """Raise unless the named sequences are equally long."""
    (first, a), *rest = sequences.items()
    for other, b in rest:
        if len(a) != len(b):
            raise ValueError(f"{first} has {len(a)} entries and {other} has {len(b)}; they must be equally many")


def number(name, value, *, minimum=None, above=None, hint=""):
    """Return `value` as a float, or raise: it must be one finite real number inside the bound."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and not np.ma.isMaskedArray(value):
        value = value.item()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}={value!r}: expected one real number{hint}")
    try:
        value = float(value)
    except OverflowError as error:
        raise ValueError(f"{name}: is a whole number of {len(str(abs(value)))} digits; must be finite{hint}") from error
    if not np.isfinite(value):
        raise ValueError(f"{name}={value!r}: must be finite{hint}")
    if minimum is not None and value < minimum:
        raise ValueError(f"{name}={value!r}: must be >= {minimum}{hint}")
    if above is not None and value <= above:
        raise ValueError(f"{name}={value!r}: must be > {above}{hint}")
    return value


def integer(name, value, *, minimum):
    """Return `value` as an int, or raise: it must be a whole number, at least `minimum`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}={value!r}: expected a whole number >= {minimum}")
    if value < minimum:
        raise ValueError(f"{name}={value!r}: must be >= {minimum}")
    return int(value)


def array(name, value, *, ndim=None, nonnegative=False):
    """Return `value` as a float64 array, or raise: it must be real, finite and not empty.

    Whatever NumPy reads as an array of numbers will do, such as a column of a data frame; but not a mask, whose meaning
    would be lost, nor booleans, which are more often a slip than numbers.
    """
    result = _read(name, value)
    if result.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got {result.dtype}")
    result = result.astype(float)
    if result.size == 0:
        raise ValueError(f"{name}: is empty, shape {result.shape}; at least one entry is needed")
    if ndim is not None and result.ndim != ndim:
        raise ValueError(f"{name}: has shape {result.shape}; expected {ndim} dimension{'s' * (ndim != 1)}")
    if not np.all(np.isfinite(result)):
        raise ValueError(f"{name}: has entries that are nan or infinite; all must be finite")
    if nonnegative and np.any(result < 0):
        raise ValueError(f"{name}: smallest entry is {result.min():.6g}; all must be >= 0")
    return result


def _read(name, value):
    """Return `value` as NumPy reads it, or raise where that loses something or fails."""
    if np.ma.isMaskedArray(value):
        raise TypeError(f"{name}: is a masked array; fill its gaps or leave them out, such as by .compressed()")
    if issparse(value):
        raise TypeError(f"{name}: is a sparse matrix; pass {name}.toarray()")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: rows of different lengths do not make an array") from error
    except OverflowError as error:
        raise ValueError(f"{name}: has entries too large for a float; all must be finite") from error


def booleans(name, value, shape):
    """Return `value` as an array of booleans of this shape, or raise."""
    result = _read(name, value)
    if result.dtype != bool or result.shape != shape:
        raise ValueError(f"{name}: has shape {result.shape} of {result.dtype}; expected booleans of shape {shape}")
    return result


def labels(name, value):
    """Return `value` as a one-dimensional array of labels of any kind that can be told apart, or raise."""
    result = _read(name, value)
    if result.ndim != 1:
        raise ValueError(f"{name}: has shape {result.shape}; expected shape (n,)")
    if np.any(result != result):  # nan is like no label, not even itself
        raise ValueError(f"{name}: has entries that are nan; each must be a label")
    return result


def same_shape(**arrays):
    """Raise unless the named arrays have one shape."""
    (first, a), *rest = arrays.items()
    for other, b in rest:
        if a.shape != b.shape:
            raise ValueError(f"{first} has shape {a.shape} and {other} has shape {b.shape}; they must be equal")


def matrix(name, value):
    """Return `value` as a square matrix, or a stack of them, or raise."""
    result = array(name, value)
    if result.ndim < 2 or result.shape[-1] != result.shape[-2]:
        raise ValueError(f"{name}: has shape {result.shape}; expected a square matrix, shape (h, h)")
    return result


def feature_matrix(name, value):
    """Return `value` as a symmetric positive semi-definite matrix, or a stack of them, or raise."""
    result = matrix(name, value)
    size = np.max(np.abs(result), axis=(-2, -1), keepdims=True)
    # Features come out of sums of products, and long integrations: allow rounding, not more.
    if np.any(np.abs(result - np.swapaxes(result, -1, -2)) > 1e-8 * size):
        raise ValueError(f"{name}: is not symmetric; {name} = Phi Phi^T must be")
    smallest = np.linalg.eigvalsh(result)[..., 0]
    if np.any(smallest < -1e-8 * size[..., 0, 0]):
        raise ValueError(
            f"{name}: smallest eigenvalue is {np.min(smallest):.6g}; {name} = Phi Phi^T must have none below 0"
        )
    return result


def one_matrix(name, M):
    """Return `M` if it is one matrix and not a stack of them, or raise."""
    if M.ndim != 2:
        raise ValueError(f"{name}: has shape {M.shape}; expected one matrix, shape (h, h)")
    return M


def times(value):
    """Return `value` as a strictly increasing one-dimensional array, or raise."""
    result = array("times", value, ndim=1)
    if np.any(np.diff(result) <= 0):
        raise ValueError("times: must increase strictly; sort them and drop repeats")
    return result


def tolerance(value):
    """Return the relative error of an integration step, or raise."""
    value = number("tolerance", value, minimum=1e-12)
    if value > 1e-2:
        raise ValueError(f"tolerance={value!r}: must be <= 0.01")
    return value


def generator(rng):
    """Return `rng` if it is a numpy Generator, or raise: a bare seed would hide which stream is used."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng={rng!r}: expected a numpy.random.Generator, such as numpy.random.default_rng(0)")
    return rng


def choice(name, value, allowed):
    """Return `value` if it is one of `allowed`, or raise."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: must be one of {', '.join(map(repr, allowed))}")
    return value


def plain(value):
    """Return a 0-d result as a float, any other array as it is."""
    return value if np.ndim(value) else float(value)


def plain_object(values):
    """Return a 0-d array of objects as the object, any other array as it is."""
    return values if values.ndim else values.item()

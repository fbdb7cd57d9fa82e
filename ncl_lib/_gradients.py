"""Gradients of losses that depend on the feature matrix alone; functions of a module, so that laws can be pickled."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


def vicreg_gradient(setting, invariance, variance, covariance, hinge, rounding, F):
    """Gradient of VICReg in the feature matrix, its hinge rounded."""
    deviations = np.sqrt(setting.s * np.maximum(np.diag(F), 0.0))
    short = expit((hinge - deviations) / rounding)
    pull = np.divide(short, 2 * deviations, out=np.zeros_like(short), where=deviations > 0)
    diagonal = 2 * setting.sigma2 * invariance - variance * setting.s * pull
    return np.diag(diagonal) + 2 * covariance * setting.s**2 * (F - np.diag(np.diag(F)))


def barlow_twins_gradient(setting, weight, F):
    """Gradient of Barlow Twins in the feature matrix."""
    strength = 2 * weight * (setting.spectrum / setting.s) ** 2
    f = np.diag(F)
    if np.any(f <= 0):
        raise ValueError(f"F: a feature has variance {f.min():.3g}; Barlow Twins needs all > 0")
    shares = F / np.outer(f, f)
    np.fill_diagonal(shares, 0.0)
    return strength * (shares - np.diag(np.sum(shares * F, axis=1) / f))

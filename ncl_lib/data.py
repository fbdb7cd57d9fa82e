"""Data that are not Gaussian, with the covariance of the theory, and classes whose Bayes accuracy is known.

Each is a callable ``data(n, rng)`` that draws n data as an array of shape (n, d); :func:`~ncl_lib.train` adds the noise
of the views. Any function of that form will do in their place.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from . import _checks


@dataclass(frozen=True)
class Mixture:
    r"""Equally likely Gaussian clusters, whitened: mean 0, covariance the identity.

    The centres :math:`\pm e_k` times ``sqrt(share * d)`` lie on the axes, so that they carry the
    given share of the variance; within a cluster the variance is ``1 - share`` in every direction.

    Parameters
    ----------
    d : int
        Dimension; there are 2 d clusters.
    share : float
        Share of the variance that lies between clusters, 0 <= share <= 1.

    Raises
    ------
    TypeError, ValueError
        If `d` is not a whole number >= 1 or `share` not between 0 and 1.

    Examples
    --------
    >>> x = Mixture(4, 0.9)(20_000, np.random.default_rng(0))
    >>> bool(np.abs(np.cov(x.T) - np.eye(4)).max() < 0.05)
    True
    """

    d: int
    share: float

    def __post_init__(self):
        _checks.integer("d", self.d, minimum=1)
        if _checks.number("share", self.share, minimum=0) > 1:
            raise ValueError(f"share={self.share!r}: must be <= 1")

    def __call__(self, n, rng):
        """Draw `n` data, shape (n, d).

        Examples
        --------
        >>> Mixture(3, 0.5)(2, np.random.default_rng(0)).shape
        (2, 3)
        """
        n, rng = _checks.integer("n", n, minimum=1), _checks.generator(rng)
        x = math.sqrt(1 - self.share) * rng.standard_normal((n, self.d))
        signs = rng.choice([-1.0, 1.0], n)
        x[np.arange(n), rng.integers(self.d, size=n)] += signs * math.sqrt(self.share * self.d)
        return x


@dataclass(frozen=True)
class HeavyTails:
    r"""Student's t, scaled to covariance the identity.

    Parameters
    ----------
    d : int
        Dimension.
    degrees : float
        Degrees of freedom, > 2; the smaller, the heavier the tails.
    elliptical : bool, optional
        True: one heavy-tailed length for all coordinates of a datum, which no width averages out. False: independent
        coordinates.

    Raises
    ------
    TypeError, ValueError
        If `d` is not a whole number >= 1 or `degrees` not a number > 2.

    Examples
    --------
    >>> x = HeavyTails(2, 5.0)(50_000, np.random.default_rng(0))
    >>> bool(np.abs(np.cov(x.T) - np.eye(2)).max() < 0.06)
    True
    """

    d: int
    degrees: float
    elliptical: bool = True

    def __post_init__(self):
        _checks.integer("d", self.d, minimum=1)
        _checks.number("degrees", self.degrees, above=2, hint="; with fewer the variance is infinite")
        _checks.instance("elliptical", self.elliptical, bool)

    def __call__(self, n, rng):
        """Draw `n` data, shape (n, d).

        Examples
        --------
        >>> HeavyTails(3, 4.0, elliptical=False)(2, np.random.default_rng(0)).shape
        (2, 3)
        """
        n, rng = _checks.integer("n", n, minimum=1), _checks.generator(rng)
        x = rng.standard_normal((n, self.d))
        lengths = rng.chisquare(self.degrees, (n, 1 if self.elliptical else self.d))
        return x * np.sqrt((self.degrees - 2) / lengths)


@dataclass(frozen=True, eq=False)
class LatentClasses:
    r"""Data with hidden attributes :math:`y_k = \pm 1`, one a direction.

    .. math:: x_k = \bar x_k y_k + \sqrt{\lambda_k - \bar x_k^2}\, \xi_k , \qquad \xi_k \sim N(0, 1)

    Attributes are independent and fair, :math:`\xi \sim N(0, I)`. Directions are uncorrelated, with variances
    :math:`\lambda_k`, and where :math:`\bar x_k = 0` there is nothing to find. Classes are the combinations of
    attributes.

    Parameters
    ----------
    means : array of shape (d,)
        The :math:`\bar x_k \ge 0` (dimensionless), at most twelve of them positive.
    residual : array of shape (d,)
        Variances :math:`\lambda_k - \bar x_k^2 > 0` within a class.

    Raises
    ------
    TypeError, ValueError
        If an array is not finite, shapes differ, a mean is negative, more than twelve are positive, or a variance is
        not positive.

    Examples
    --------
    >>> data = LatentClasses([1.0, 0.0], [1.0, 1.0])
    >>> data.spectrum, data.bayes_accuracy.round(4)
    (array([2., 1.]), array([0.8413, 0.5   ]))
    """

    means: np.ndarray
    residual: np.ndarray

    def __post_init__(self):
        means = _checks.array("means", self.means, ndim=1, nonnegative=True)
        residual = _checks.array("residual", self.residual, ndim=1, nonnegative=True)
        _checks.same_shape(means=means, residual=residual)
        if np.any(residual == 0):
            raise ValueError("residual: smallest entry is 0; all must be > 0")
        if np.count_nonzero(means) > 12:
            raise ValueError(
                f"means: {np.count_nonzero(means)} are positive; at most 12 may be, there is a class for each"
            )
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "residual", residual)

    @property
    def spectrum(self):
        r"""Variances :math:`\lambda_k` of a datum, squared means plus residuals, shape (d,).

        Examples
        --------
        >>> LatentClasses([2.0], [1.0]).spectrum
        array([5.])
        """
        return self.means**2 + self.residual

    @property
    def bayes_accuracy(self):
        r"""How often the best classifier of each attribute is right, shape (d,).

        .. math:: \operatorname{ndtr} \bigl( \bar x_k / \sqrt{\lambda_k - \bar x_k^2} \bigr)

        Examples
        --------
        >>> LatentClasses([0.0], [1.0]).bayes_accuracy
        array([0.5])
        """
        return ndtr(self.means / np.sqrt(self.residual))

    def labelled(self, n, rng):
        """Draw `n` data with their attributes, two arrays of shape (n, d).

        Examples
        --------
        >>> x, y = LatentClasses([5.0], [0.1]).labelled(4, np.random.default_rng(0))
        >>> bool(np.all(np.sign(x) == y))
        True
        """
        n, rng = _checks.integer("n", n, minimum=1), _checks.generator(rng)
        y = rng.choice([-1.0, 1.0], (n, len(self.means)))
        return y * self.means + np.sqrt(self.residual) * rng.standard_normal(y.shape), y

    def __call__(self, n, rng):
        """Draw `n` data, shape (n, d).

        Examples
        --------
        >>> LatentClasses([1.0, 0.0], [1.0, 1.0])(3, np.random.default_rng(0)).shape
        (3, 2)
        """
        return self.labelled(n, rng)[0]

    def probe_accuracy(self, Phi, ridge=0.0):
        r"""Exact accuracy of linear probes on features :math:`u = \Phi x`.

        Each is trained on infinitely many data by ridge regression. The probe of attribute k is
        :math:`\Theta_k = (E[u u^\top] + \nu I)^{-1} E[u y_k]`, and it is right with the probability

        .. math::
            E_y\, \operatorname{ndtr} \Bigl(
            \frac{y_k\, \Theta_k^\top \Phi\, (\bar x \circ y)}{\sqrt{\Theta_k^\top \Phi R \Phi^\top \Theta_k}} \Bigr),

        R the diagonal matrix of the variances within classes; the mean over y is taken over all classes.

        Parameters
        ----------
        Phi : array of shape (h, d)
            Encoder.
        ridge : float, optional
            Penalty :math:`\nu \ge 0`, in units of a variance of features. Directions of feature space with less than
            1e-12 of the largest variance (penalty included) are left out.

        Returns
        -------
        array of shape (d,)
            One half where the features say nothing.

        Raises
        ------
        TypeError, ValueError
            If `Phi` is not a finite array of shape (h, d), or `ridge` not a number >= 0.

        Examples
        --------
        >>> data = LatentClasses([1.0, 1.0], [1.0, 1.0])
        >>> data.probe_accuracy([[1.0, 0.0], [0.0, 0.0]]).round(4)
        array([0.8413, 0.5   ])
        """
        Phi, ridge = self._encoder(Phi), _checks.number("ridge", ridge, minimum=0)
        # Scaled first, so that features of size 1e-200 do not square to 0.
        size = np.abs(Phi).max() or 1.0
        Phi, ridge = Phi / size, ridge / size / size
        values, Q = np.linalg.eigh((Phi * self.spectrum) @ Phi.T + ridge * np.eye(len(Phi)))
        kept = values > 1e-12 * values[-1]
        solve = (Q[:, kept] / values[kept]) @ Q[:, kept].T
        informative = np.flatnonzero(self.means)
        classes = np.array(list(itertools.product((-1.0, 1.0), repeat=len(informative))))
        found = np.full(len(self.means), 0.5)
        for place, k in enumerate(informative):
            read = (solve @ Phi[:, k] * self.means[k]) @ Phi
            spread = math.sqrt(np.sum(read**2 * self.residual))
            if spread > 0:
                margin = classes[:, place] * (classes @ (read * self.means)[informative])
                found[k] = ndtr(margin / spread).mean()
        return found

    def _encoder(self, Phi):
        Phi = _checks.array("Phi", Phi, ndim=2)
        if Phi.shape[1] != len(self.means):
            raise ValueError(f"Phi: has shape {Phi.shape}; expected (h, {len(self.means)})")
        return Phi

    def fitted_accuracy(self, Phi, rng, resolution=0.0, relative=True, train=4000, test=10_000):
        r"""Accuracy of linear probes that are fitted to finitely many, noisy features, on others.

        Parameters
        ----------
        Phi : array of shape (h, d)
            Encoder.
        rng : numpy.random.Generator
        resolution : float, optional
            Variance >= 0 of the noise on every feature when it is read.
        relative : bool, optional
            Whether it is in units of the mean variance of the features.
        train, test : int, optional
            Data to fit to, and to be tested on.

        Returns
        -------
        array of shape (d,)
            Shares of right answers, with standard errors up to ``0.5 / sqrt(test)``.

        Raises
        ------
        TypeError, ValueError
            If `Phi` is not a finite array of shape (h, d), or a number is out of bounds.

        Notes
        -----
        Least squares on the signs, by :func:`numpy.linalg.lstsq`.

        Examples
        --------
        >>> data = LatentClasses([1.0, 1.0], [1.0, 1.0])
        >>> found = data.fitted_accuracy([[1.0, 0.0], [0.0, 0.0]], np.random.default_rng(0))
        >>> bool(np.all(np.abs(found - [0.8413, 0.5]) < 0.02))
        True
        """
        Phi, rng = self._encoder(Phi), _checks.generator(rng)
        resolution = _checks.number("resolution", resolution, minimum=0)
        _checks.instance("relative", relative, bool)
        train, test = _checks.integer("train", train, minimum=1), _checks.integer("test", test, minimum=1)
        x, y = self.labelled(train + test, rng)
        # Scaled first, so that features of size 1e-200 do not square to 0.
        size = np.abs(Phi).max() or 1.0
        u = x @ (Phi / size).T
        noise = math.sqrt(resolution * u.var(axis=0).mean()) if relative else math.sqrt(resolution) / size
        # Noise far above the features would make them vanish in rounding, which is what it does to a reader too.
        u += noise * rng.standard_normal(u.shape)
        probe = np.linalg.lstsq(u[:train], y[:train], rcond=None)[0]
        return np.mean((u[train:] @ probe > 0) == (y[train:] > 0), axis=0)

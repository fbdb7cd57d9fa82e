"""Explorables: figures that answer the reader's hand, live in Jupyter and, without a kernel, on a static page.

Each figure is one front-end module, with shared ones for controls, drawing and the model; both hosts run the same code.
Parameters are traits: set one, and the figure moves; move the figure, and the trait follows.
"""

from __future__ import annotations

import html
import json

import anywidget
import matplotlib.pyplot as plt
import numpy as np

from .. import plots
from ..flows import SixthOrderFlow, ThirdOrderFlow
from ..modes import CosineModes
from ..norms import Norms
from ..setting import Setting
from ..survival import surviving_modes
from ._image import image, pictures_wanted
from .parameters import declared, described, page_name, traits
from .scripts import figure_script
from .stored import runs_at_rest


class _Explorable(anywidget.AnyWidget):
    """What all explorables share: their code, and what a page without a kernel shows."""

    _figure = ""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "_figure" in cls.__dict__:  # traits added to an instance make further subclasses
            cls._esm = figure_script(cls._figure)
            cls.__doc__ = described(cls.__doc__, cls._figure)

    def __init__(self, **values):
        if unknown := set(values) - set(self.trait_names()):
            known = ", ".join(declared(self._figure))
            raise TypeError(f"{sorted(unknown)[0]}: no such parameter; there are {known}")
        super().__init__(**values)

    def _draw(self):
        """Draw what stands in where scripts are off."""
        raise NotImplementedError

    def _words(self):
        """What that shows, in words."""
        raise NotImplementedError

    def _image(self):
        with plt.rc_context():
            plots.use_book_style()
            self._draw()
            picture = image(plt.gcf(), self._words(), "svg")
            plt.close()
        return picture

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        shown = self._image() if pictures_wanted() else f"<p>{html.escape(self._words())}</p>"
        state = {name: getattr(self, name) for name in declared(self._figure)}
        data["text/html"] = (
            f'<div class="explorable" data-explorable="{page_name(self._figure)}" '
            f'data-state="{html.escape(json.dumps(state))}">{shown}</div>'
        )
        return data, metadata


class PhaseLine(_Explorable):
    """Velocity of one mode beside its bifurcation diagram, for both losses.

    Parameters
    ----------
    loss : one of {loss}, optional
    sigma2, rho : float, optional
        Noise of the views, {sigma2}; weight decay, {rho} (dimensionless).
    w : float, optional
        Head eigenvalue at the start, {w} (dimensionless).
    size : float, optional
        Size of all weights, for the cosine loss with the norms of eight equal modes of that size, {size}.
    time : float, optional
        Time at which the mode is shown on its way, {time} (dimensionless).

    Raises
    ------
    traitlets.TraitError
        If a value is of the wrong kind or out of its range.

    Examples
    --------
    >>> PhaseLine(rho=0.1).rho
    0.1
    """

    _figure = "phase_line"
    loss, sigma2, rho, w, size, time = traits(_figure)

    def _draw(self):
        flow = ThirdOrderFlow(setting := Setting(self.sigma2, self.rho))
        if self.loss == "cosine":
            w = np.full(8, self.size)
            flow = SixthOrderFlow(setting, Norms.of_modes(w, w**2, setting))
        plots.velocity_curves([flow])

    def _words(self):
        return (
            f"Velocity of a mode under the {self.loss} loss against its head eigenvalue, with its equilibria marked on "
            "the axis."
        )


class PhaseDiagram(_Explorable):
    """Universal diagram of the sixth-order flow: which equilibria exist, and where a mode of scaled size goes.

    Parameters
    ----------
    beta : float, optional
        Coupling to the other modes, {beta} (dimensionless).
    ratio : float, optional
        Decay ratio r, {ratio} (dimensionless).
    scaled : float, optional
        The mode in units of the flow's own scale, {scaled} (dimensionless).

    Raises
    ------
    traitlets.TraitError
        If a value is of the wrong kind or out of its range.

    Examples
    --------
    >>> PhaseDiagram(beta=2.0).beta
    2.0
    """

    _figure = "phase_diagram"
    beta, ratio, scaled = traits(_figure)

    def _draw(self):
        trait = self.traits()["ratio"]
        plots.phase_diagram({"the mode": ([self.beta], [self.ratio])}, ratio=(trait.min, trait.max))

    def _words(self):
        return (
            "Universal diagram: a border that falls as the coupling grows; above it a mode collapses, below it a "
            "positive stable equilibrium exists."
        )


class RegimeShift(_Explorable):
    """Sixteen modes over time, with norms frozen, coupled and exact, and the regimes of one of them.

    Parameters
    ----------
    rho, sigma2 : float, optional
        Weight decay, {rho}; noise of the views, {sigma2} (dimensionless).
    size, spread : float, optional
        Heads start between ``size * (1 - spread)`` and ``size * (1 + spread)``, on the parabola; {size}, {spread}.
    mode : int, optional
        The mode whose regimes are shown, {mode}, by the head at the start.
    moment : float, optional
        The moment that the words describe, as a share of the time shown, 3 / rho; {moment}.

    Raises
    ------
    traitlets.TraitError
        If a value is of the wrong kind or out of its range.

    Examples
    --------
    >>> RegimeShift(rho=1.0).start().round(2)[[0, -1]]
    array([0.12, 1.08])
    """

    _figure = "regime_shift"
    rho, sigma2, size, spread, mode, moment = traits(_figure)

    def start(self):
        """Heads of the sixteen modes at the start, ascending (dimensionless).

        Returns
        -------
        array of shape (16,)

        Examples
        --------
        >>> len(RegimeShift().start())
        16
        """
        return self.size * (1 + self.spread * np.linspace(-1, 1, self.traits()["mode"].max))

    def _draw(self):
        w = self.start()
        times = np.linspace(0, 3 / self.rho, 81)
        run = CosineModes(Setting(self.sigma2, self.rho)).solve(w, w**2, times, tolerance=1e-6)
        plots.regime_shift(run, self.mode - 1)

    def _words(self):
        return (
            "One mode of sixteen over time, exact dynamics, with the saddle and the stable equilibrium of each moment, "
            "and a ribbon that names its regime."
        )


class Clock(_Explorable):
    """One mode of eight under three weight decays, over time, and as a shape over the clock that they share.

    Parameters
    ----------
    rho1, rho2, rho3 : float, optional
        The three decays, {rho1} (dimensionless).
    sigma2 : float, optional
        Noise of the views, {sigma2} (dimensionless).
    spread : float, optional
        Heads start between ``0.4 * (1 - spread)`` and ``0.4 * (1 + spread)``, {spread}.
    mode : int, optional
        The mode that is shown, {mode}, by the head at the start.
    time : float, optional
        Time that the words describe, {time} (dimensionless).

    Raises
    ------
    traitlets.TraitError
        If a value is of the wrong kind or out of its range.

    Examples
    --------
    >>> w, f = Clock(spread=1.0).start()
    >>> w[[0, -1]], f[0]
    (array([0. , 0.8]), np.float64(0.3))
    """

    _figure = "clock"
    rho1, rho2, rho3, sigma2, spread, mode, time = traits(_figure)

    def start(self):
        """Heads and features of the eight modes at the start (dimensionless).

        Returns
        -------
        w, f : arrays of shape (8,)
            Heads ascending; features with ``f = w**2 + 0.3``.

        Examples
        --------
        >>> Clock().start()[0].shape
        (8,)
        """
        w = 0.4 * (1 + self.spread * np.linspace(-1, 1, self.traits()["mode"].max))
        return w, w**2 + 0.3

    def _draw(self):
        _, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4))
        over_time, over_clock = {}, {}
        times = np.linspace(0, self.traits()["time"].max, 65)
        for rho in sorted({self.rho1, self.rho2, self.rho3}):
            run = CosineModes(Setting(self.sigma2, rho)).solve(*self.start(), times, tolerance=1e-6)
            over_time[f"ρ = {rho:g}"] = run.t, run.w[:, self.mode - 1]
            over_clock[f"ρ = {rho:g}"] = run.tau[1:], run.shape_w[1:, self.mode - 1]
        plots.curves(over_time, "time t", "head w", ax=left)
        plots.curves(over_clock, "clock τ", "shape, head with the decay taken out", logx=True, ax=right)

    def _words(self):
        return (
            "One mode under several decays: over time the heads differ, over the clock their shapes lie on one another."
        )


class Survival(_Explorable):
    """Starts of six modes in the plane of head and features, which of them live, and the water that decides.

    Parameters
    ----------
    w, f : list of 6 floats, optional
        Heads and features at the start, {w} and {f} (dimensionless).
    mode : int, optional
        The mode that the sliders move, {mode}.
    sigma2 : float, optional
        Noise of the views, {sigma2} (dimensionless).
    moment : float, optional
        Clock at which modes are shown on their way, as a power of ten, {moment}.

    Raises
    ------
    traitlets.TraitError
        If a value is of the wrong kind or out of its range.

    Examples
    --------
    >>> Survival(mode=3).w[2]
    0.35
    """

    _figure = "survival"
    mode, w, f, sigma2, moment = traits(_figure)

    def _draw(self):
        alive = np.zeros(len(self.w), dtype=bool)
        if any(self.f):
            alive = surviving_modes(self.w, self.f, Setting(self.sigma2, 0.0))
        plots.fates(self.w, self.f, alive)

    def _words(self):
        return (
            "Starts of six modes in the plane of head and features with the parabola of balance; modes that live, by "
            "the water level, are told from those that die."
        )


class SGDAtRest(_Explorable):
    """Where finite steps and batches leave the features under the cosine loss: the law, and stored runs beside it.

    Parameters
    ----------
    turn : float, optional
        Learning rate times weight decay, as a power of ten, {turn}.
    batch : float, optional
        Pairs in a batch, as a power of two, {batch}; the nearest whole number is meant.
    inputs : int, optional
        Inputs for each feature, d / h, {inputs}.
    h : int, optional
        Features, {h}.
    sigma2 : float, optional
        Noise of the views, {sigma2} (dimensionless).

    Raises
    ------
    traitlets.TraitError
        If a value is of the wrong kind or out of its range.

    Examples
    --------
    >>> SGDAtRest(batch=6.0).pairs()
    64
    """

    _figure = "sgd_at_rest"
    turn, batch, inputs, h, sigma2 = traits(_figure)

    def pairs(self):
        """Pairs in a batch.

        Returns
        -------
        int

        Examples
        --------
        >>> SGDAtRest().pairs()
        16
        """
        return round(2**self.batch)

    def _draw(self):
        setting, d = Setting(self.sigma2, 1.0), self.h * self.inputs
        stored = runs_at_rest().get((self.h, d, self.sigma2))
        ax = plots.rest_map(setting, self.h, d, stored and np.array(stored)[:, :3])
        ax.plot(10**self.turn, self.pairs() / self.h, "D", color=plots.RED, ms=8, label="this state")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")

    def _words(self):
        return (
            "Plane of learning rate times decay and of batch over features: the border below which directions of the "
            "features die, a line of equal effective rank, and what stored runs of this shape have seen."
        )

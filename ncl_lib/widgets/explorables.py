"""Explorables: figures that answer the reader's hand, live in Jupyter and, without a kernel, on a static page.

Each figure is one front-end module, with a shared module for drawing and one for the model; both hosts run the same
code. Parameters are traits: set one, and the figure moves; move the figure, and the trait follows.
"""

from __future__ import annotations

import html
import json
import re
from importlib.resources import files

import anywidget
import matplotlib.pyplot as plt
import numpy as np
import traitlets

from .. import plots
from ..flows import Norms, SixthOrderFlow, ThirdOrderFlow
from ..modes import CosineModes
from ..setting import Setting
from ..survival import surviving_modes
from ._image import image

_FIGURES = ("phase_line", "phase_diagram", "regime_shift", "clock", "survival")

_IMPORT = re.compile(r"^import .*?;\n", re.M | re.S)
_EXPORT = re.compile(r"^export (?=const|function|class)", re.M)


def _source(name):
    return (files(__package__) / "front" / f"{name}.js").read_text(encoding="utf-8")


def _joined(*names):
    """Modules as one piece of code: their names are distinct, so that imports and exports can be dropped."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _source(name))) for name in names)


def model_script():
    """Code of the model alone, as a classic script; what the tests compare with the library.

    Returns
    -------
    str

    Examples
    --------
    >>> "function cubic" in model_script()
    True
    """
    return _joined("model")


def page_script():
    """Code of all explorables as one classic script, which unlike a module also loads from disk.

    Returns
    -------
    str

    Examples
    --------
    >>> "import" in page_script().split("PARTS")[0]
    False
    """
    figures = "".join(f"{{\n{_joined(figure)}\nfigures[name] = {{ render }};\n}}\n" for figure in _FIGURES)
    shared = _joined("model", "draw")
    return f'(() => {{\n"use strict";\n{shared}\nconst figures = {{}};\n{figures}{_source("page")}}})();\n'


class _Number(traitlets.Float):
    """A float that is a number; the bounds of traitlets let nan pass."""

    def validate(self, obj, value):
        value = super().validate(obj, value)
        if value != value:
            self.error(obj, value)
        return value


class _Explorable(anywidget.AnyWidget):
    """What all explorables share: their code, and what a page without a kernel shows."""

    _figure = ""

    def __init__(self, **values):
        if unknown := set(values) - set(self.trait_names()):
            owner = next(cls for cls in type(self).__mro__ if "_figure" in cls.__dict__)
            known = ", ".join(owner.class_own_traits(sync=True))
            raise TypeError(f"{sorted(unknown)[0]}: no such parameter; there are {known}")
        super().__init__(**values)

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "_figure" in cls.__dict__:  # traits added to an instance make further subclasses
            code = _joined("model", "draw", cls._figure)
            cls._esm = f"{code}\nexport default {{ render }};\n"

    def _picture(self):
        """Draw what stands in where scripts are off, and return what it shows, in words."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        with plt.rc_context():
            plots.use_book_style()
            alt = self._picture()
            picture = image(plt.gcf(), alt, "svg")
            plt.close()
        # The class that names a figure holds its parameters; the instance's own class may come after it.
        owner = next(cls for cls in type(self).__mro__ if "_figure" in cls.__dict__)
        state = {name: getattr(self, name) for name in owner.class_own_traits(sync=True)}
        name = self._figure.replace("_", "-")
        words = html.escape(json.dumps(state))
        data["text/html"] = f'<div class="explorable" data-explorable="{name}" data-state="{words}">{picture}</div>'
        return data, metadata


class PhaseLine(_Explorable):
    """Velocity of one mode beside its bifurcation diagram, for both losses.

    Parameters
    ----------
    loss : {"L2", "cosine"}, optional
    sigma2, rho : float, optional
        Noise of the views, 0 to 2; weight decay, 0 to 0.4 (dimensionless).
    w : float, optional
        Head eigenvalue at the start, -0.3 to 1.2 (dimensionless).
    size : float, optional
        Size of all weights, for the cosine loss with the norms of eight equal modes of that size, 0.2 to 1.5.
    time : float, optional
        Time at which the mode is shown on its way, 0 to 60 (dimensionless).

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
    loss = traitlets.Enum(["L2", "cosine"], "L2").tag(sync=True)
    sigma2 = _Number(0.5, min=0, max=2).tag(sync=True)
    rho = _Number(0.05, min=0, max=0.4).tag(sync=True)
    w = _Number(0.2, min=-0.3, max=1.2).tag(sync=True)
    size = _Number(0.7, min=0.2, max=1.5).tag(sync=True)
    time = _Number(0.0, min=0, max=60).tag(sync=True)

    def _picture(self):
        flow = ThirdOrderFlow(setting := Setting(self.sigma2, self.rho))
        if self.loss == "cosine":
            w = np.full(8, self.size)
            flow = SixthOrderFlow(setting, Norms.of_modes(w, w**2, setting))
        plots.velocity_curves([flow])
        return (
            f"Velocity of a mode under the {self.loss} loss against its head eigenvalue, with its equilibria marked on "
            "the axis."
        )


class PhaseDiagram(_Explorable):
    """Universal diagram of the sixth-order flow: which equilibria exist, and where a mode of scaled size goes.

    Parameters
    ----------
    beta : float, optional
        Coupling to the other modes, -1 to 4 (dimensionless).
    ratio : float, optional
        Decay ratio r, 0.01 to 3 (dimensionless).
    scaled : float, optional
        The mode in units of the flow's own scale, 0 to 1.5 (dimensionless).

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
    beta = _Number(1.0, min=-1, max=4).tag(sync=True)
    ratio = _Number(0.15, min=0.01, max=3).tag(sync=True)
    scaled = _Number(0.5, min=0, max=1.5).tag(sync=True)

    def _picture(self):
        plots.phase_diagram({"the mode": ([self.beta], [self.ratio])}, ratio=(1e-2, 3.0))
        return (
            "Universal diagram: a border that falls as the coupling grows; above it a mode collapses, below it a "
            "positive stable equilibrium exists."
        )


class RegimeShift(_Explorable):
    """Sixteen modes over time, with norms frozen, coupled and exact, and the regimes of one of them.

    Parameters
    ----------
    rho, sigma2 : float, optional
        Weight decay, 0.05 to 3; noise of the views, 0 to 2 (dimensionless).
    size, spread : float, optional
        Heads start between ``size * (1 - spread)`` and ``size * (1 + spread)``, on the parabola; 0.1 to 1.5, 0 to 1.5.
    mode : int, optional
        The mode whose regimes are shown, 1 to 16, by the head at the start.
    moment : float, optional
        The moment that the words describe, as a share of the time shown, 3 / rho; 0 to 1.

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
    rho = _Number(0.5, min=0.05, max=3).tag(sync=True)
    sigma2 = _Number(0.5, min=0, max=2).tag(sync=True)
    size = _Number(0.6, min=0.1, max=1.5).tag(sync=True)
    spread = _Number(0.8, min=0, max=1.5).tag(sync=True)
    mode = traitlets.Int(10, min=1, max=16).tag(sync=True)
    moment = _Number(0.5, min=0, max=1).tag(sync=True)

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
        return self.size * (1 + self.spread * np.linspace(-1, 1, 16))

    def _picture(self):
        w = self.start()
        times = np.linspace(0, 3 / self.rho, 81)
        run = CosineModes(Setting(self.sigma2, self.rho)).solve(w, w**2, times, tolerance=1e-6)
        plots.regime_shift(run, self.mode - 1)
        return (
            "One mode of sixteen over time, exact dynamics, with the saddle and the stable equilibrium of each moment, "
            "and a ribbon that names its regime."
        )


class Clock(_Explorable):
    """One mode of eight under three weight decays, over time, and as a shape over the clock that they share.

    Parameters
    ----------
    rho1, rho2, rho3 : float, optional
        The three decays, 0 to 0.5 (dimensionless).
    sigma2 : float, optional
        Noise of the views, 0 to 2 (dimensionless).
    spread : float, optional
        Heads start between ``0.4 * (1 - spread)`` and ``0.4 * (1 + spread)``, 0 to 2.
    mode : int, optional
        The mode that is shown, 1 to 8, by the head at the start.
    time : float, optional
        Time that the words describe, 0 to 8 (dimensionless).

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
    rho1 = _Number(0.0, min=0, max=0.5).tag(sync=True)
    rho2 = _Number(0.15, min=0, max=0.5).tag(sync=True)
    rho3 = _Number(0.5, min=0, max=0.5).tag(sync=True)
    sigma2 = _Number(0.5, min=0, max=2).tag(sync=True)
    spread = _Number(1.4, min=0, max=2).tag(sync=True)
    mode = traitlets.Int(2, min=1, max=8).tag(sync=True)
    time = _Number(3.0, min=0, max=8).tag(sync=True)

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
        w = 0.4 * (1 + self.spread * np.linspace(-1, 1, 8))
        return w, w**2 + 0.3

    def _picture(self):
        _, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4))
        over_time, over_clock = {}, {}
        times = np.linspace(0, 8, 65)
        for rho in sorted({self.rho1, self.rho2, self.rho3}):
            run = CosineModes(Setting(self.sigma2, rho)).solve(*self.start(), times, tolerance=1e-6)
            over_time[f"ρ = {rho:g}"] = run.t, run.w[:, self.mode - 1]
            over_clock[f"ρ = {rho:g}"] = run.tau[1:], run.shape_w[1:, self.mode - 1]
        plots.curves(over_time, "time t", "head w", ax=left)
        plots.curves(over_clock, "clock τ", "shape, head with the decay taken out", logx=True, ax=right)
        return (
            "One mode under several decays: over time the heads differ, over the clock their shapes lie on one another."
        )


class Survival(_Explorable):
    """Starts of six modes in the plane of head and features, which of them live, and the water that decides.

    Parameters
    ----------
    w, f : list of 6 floats, optional
        Heads and features at the start, -1.2 to 1.2 and 0 to 1.2 (dimensionless).
    mode : int, optional
        The mode that the sliders move, 1 to 6.
    sigma2 : float, optional
        Noise of the views, 0 to 2 (dimensionless).
    moment : float, optional
        Clock at which modes are shown on their way, as a power of ten, -1 to 4.

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
    mode = traitlets.Int(1, min=1, max=6).tag(sync=True)
    w = traitlets.List(_Number(min=-1.2, max=1.2), [0.9, 0.6, 0.35, 0.1, -0.3, -0.7], minlen=6, maxlen=6).tag(sync=True)
    f = traitlets.List(_Number(min=0, max=1.2), [0.2, 0.6, 0.1, 0.4, 0.3, 0.2], minlen=6, maxlen=6).tag(sync=True)
    sigma2 = _Number(0.5, min=0, max=2).tag(sync=True)
    moment = _Number(4.0, min=-1, max=4).tag(sync=True)

    def _picture(self):
        alive = np.zeros(6, dtype=bool)
        if any(self.f):
            alive = surviving_modes(self.w, self.f, Setting(self.sigma2, 0.0))
        plots.fates(self.w, self.f, alive)
        return (
            "Starts of six modes in the plane of head and features with the parabola of balance; modes that live, by "
            "the water level, are told from those that die."
        )

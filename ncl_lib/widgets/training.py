"""A panel that trains a network while its reader watches, built with ipywidgets; it needs a live kernel."""

from __future__ import annotations

import dataclasses
import html
import threading
import time

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from .. import plots
from .._solve import Status
from ..network import LinearNetwork, train
from ..setting import Setting
from ._image import image, pictures_wanted

__all__ = ["TrainingPanel"]

_PARTS = 50  # of a run; after each the figure grows, and a stop is heeded
_PAUSE = 0.6  # seconds between two figures, so that drawing does not take the time from training

_CONTROLS = {
    "loss": lambda value: ipywidgets.Dropdown(
        options=[("cosine", "cosine"), ("L2", "l2")], value=value, description="loss"
    ),
    "rho": lambda value: ipywidgets.FloatText(value, description="decay ρ", step=0.01),
    "sigma2": lambda value: ipywidgets.FloatText(value, description="noise σ²", step=0.1),
    "d": lambda value: ipywidgets.IntText(value, description="inputs d"),
    "h": lambda value: ipywidgets.IntText(value, description="features h"),
    "learning_rate": lambda value: ipywidgets.FloatText(value, description="learning rate", step=0.01),
    "batch": lambda value: ipywidgets.IntText(value, description="batch"),
    "steps": lambda value: ipywidgets.IntText(value, description="steps"),
    "seed": lambda value: ipywidgets.IntText(value, description="seed"),
}
_LARGEST = {"d": 2048, "h": 128, "batch": 4096, "steps": 10**6}


class TrainingPanel(ipywidgets.VBox):
    """Train a linear network from a form: eigenmodes, norms, regimes and effective rank grow while you watch.

    Parameters
    ----------
    loss : {"cosine", "l2"}, optional
    rho, sigma2 : float, optional
        Weight decay; noise of the views (dimensionless).
    d, h : int, optional
        Inputs, up to 2048; features, up to 128.
    learning_rate : float, optional
        Step size, in units of gradient-flow time.
    batch, steps, seed : int, optional

    Attributes
    ----------
    controls : dict of str to ipywidgets.Widget
        One for each parameter; their values may be set from Python too.
    start_button, stop_button : ipywidgets.Button
    progress : ipywidgets.IntProgress
        Parts of the run that are done.
    message : ipywidgets.HTML
        What is going on, or what is wrong with a value.
    picture : ipywidgets.HTML
        The figure, see :func:`ncl_lib.plots.training`.
    run : Run or None
        The record of the current run so far, or of the last one; a stopped run keeps what it has.

    Raises
    ------
    TypeError
        If a parameter has another name.

    Examples
    --------
    >>> panel = TrainingPanel(loss="l2", d=8, h=3, batch=16, steps=100)
    >>> panel.start()
    >>> panel.wait()
    >>> str(panel.run.status), panel.run.W.shape[1:]
    ('ok', (3, 3))
    """

    def __init__(self, **values):
        first = dict(loss="cosine", rho=0.2, sigma2=0.5, d=32, h=8, learning_rate=0.02, batch=128, steps=3000, seed=0)
        if unknown := set(values) - set(first):
            raise TypeError(f"{sorted(unknown)[0]}: no such parameter; there are {', '.join(first)}")
        self.controls = {name: _CONTROLS[name](value) for name, value in (first | values).items()}
        self.start_button = ipywidgets.Button(description="Start", button_style="primary")
        self.stop_button = ipywidgets.Button(description="Stop", disabled=True)
        self.progress = ipywidgets.IntProgress(0, 0, _PARTS)
        self.message, self.picture = ipywidgets.HTML(), ipywidgets.HTML()
        self.run = None
        self._asked_to_stop, self._thread = threading.Event(), None
        self.start_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        for control in self.controls.values():
            control.style = {"description_width": "7rem"}
            control.layout.width = "16rem"
        form = ipywidgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        buttons = ipywidgets.HBox([self.start_button, self.stop_button, self.progress])
        super().__init__([form, buttons, self.message, self.picture])

    def start(self):
        """Train with the values of the controls, in the background; a run that goes on is left to itself.

        A value that is not allowed is reported in `message`, and nothing starts.

        Examples
        --------
        >>> panel = TrainingPanel(rho=-1.0)
        >>> panel.start()
        >>> "rho" in panel.message.value, panel.run is None
        (True, True)
        """
        if self._thread is not None and self._thread.is_alive():
            return
        values = {name: control.value for name, control in self.controls.items()}
        try:
            network, step = self._prepare(values)
        except (TypeError, ValueError) as error:
            self.message.value = f'<p role="alert"><b>Not started.</b> {html.escape(str(error))}</p>'
            return
        self.run, self.progress.value = None, 0
        self._asked_to_stop.clear()
        self._lock(True)
        self._thread = threading.Thread(target=self._train, args=(network, step, values["loss"]), daemon=True)
        self._thread.start()

    def stop(self):
        """Ask the run to end after the part it is in; what it has is kept.

        Examples
        --------
        >>> panel = TrainingPanel()
        >>> panel.stop()  # nothing runs, nothing happens
        """
        self._asked_to_stop.set()

    def wait(self, timeout=None):
        """Wait until the run has ended.

        Parameters
        ----------
        timeout : float, optional
            In seconds.

        Examples
        --------
        >>> TrainingPanel().wait()  # nothing runs
        """
        if self._thread is not None:
            self._thread.join(timeout)

    def _prepare(self, values):
        """The start, and a function that trains a network for one part of the run; raises for values not allowed."""
        for name, largest in _LARGEST.items():
            if values[name] > largest:
                raise ValueError(f"{name}={values[name]}: must be <= {largest} in this panel")
        if values["seed"] < 0:
            raise ValueError(f"seed={values['seed']}: must be >= 0")
        if values["steps"] < _PARTS:
            raise ValueError(f"steps={values['steps']}: must be >= {_PARTS} in this panel")
        rng, setting = np.random.default_rng(values["seed"]), Setting(values["sigma2"], values["rho"])
        network = LinearNetwork.random(values["d"], values["h"], rng)
        options = {name: values[name] for name in ("loss", "learning_rate", "batch")}
        # One step on a copy of everything, to hear of values that are not allowed before anything starts.
        train(network, setting, steps=1, rng=np.random.default_rng(0), progress=False, **options)
        size = values["steps"] // _PARTS

        def step(part, network):
            steps = size if part < _PARTS - 1 else values["steps"] - size * (_PARTS - 1)
            every = max(1, values["steps"] // 200)
            return train(network, setting, steps=steps, rng=rng, record_every=every, progress=False, **options)

        return network, step

    def _train(self, network, step, loss):
        drawn = 0.0
        try:
            for part in range(_PARTS):
                run = step(part, network)
                self.run = run if self.run is None else _joined(self.run, run)
                network = run.network
                self.progress.value = part + 1
                if part == _PARTS - 1 or run.status != "ok":
                    break
                if self._asked_to_stop.is_set():
                    self.run = dataclasses.replace(self.run, status=Status("interrupted", time=self.run.t[-1]))
                    break
                if time.monotonic() > drawn + _PAUSE:
                    self._draw(loss)
                    drawn = time.monotonic()
            self._draw(loss)
        except Exception as error:  # nobody else would hear of it, in a thread
            words = html.escape(f"{type(error).__name__}: {error}")
            self.message.value = (
                f'<p role="alert"><b>Ended.</b> {words}. What was recorded is in <code>.run</code>.</p>'
            )
        finally:
            self._lock(False)

    def _lock(self, running):
        self.start_button.disabled, self.stop_button.disabled = running, not running
        for control in self.controls.values():
            control.disabled = running

    def _draw(self, loss):
        figure = Figure(figsize=(9.0, 6.0), layout="constrained")
        plots.training(self.run, figure.subplots(2, 2))
        words = _words(self.run, loss)
        alt = f"Head eigenvalues, norms, regimes and relative effective rank over time. {words}"
        self.picture.value = image(figure, alt, "png")
        self.message.value = f'<p aria-live="polite">{words}</p>'

    def _repr_mimebundle_(self, **options):
        """Add what a page without a kernel shows: where such a page is built, the figure of a short run."""
        data = super()._repr_mimebundle_(**options)
        words = "With a kernel, in Binder or on your own machine, this is a form that trains while you watch."
        shown = f"{words} A short run:</p>{self._short_run()}" if pictures_wanted() else f"{words}</p>"
        data["text/html"] = f'<div class="training-panel"><p>{shown}</div>'
        return data

    def _short_run(self):
        """The figure of a run that is small whatever the form says, and its words."""
        settings = {name: self.controls[name].value for name in ("loss", "rho", "sigma2")}
        shown = TrainingPanel(**settings, learning_rate=0.05, steps=600)
        shown.start()
        shown.wait()
        return f"{shown.picture.value}{shown.message.value}"


def _joined(before, after):
    """Two runs as one: the second goes on where the first ended."""
    later = slice(1, None)  # its start is the end of the first
    together = {
        name: np.concatenate([getattr(before, name), getattr(after, name)[later]])
        for name in ("W", "F", "loss", "target_ratio")
    }
    status = after.status
    if status.time is not None:
        status = Status(str(status), time=before.t[-1] + status.time)
    t = np.concatenate([before.t, before.t[-1] + after.t[later]])
    return dataclasses.replace(after, t=t, status=status, **together)


def _words(run, loss):
    name = "L2" if loss == "l2" else "cosine"
    ended = "" if run.status == "ok" else f" The run ended early: {run.status}."
    return (
        f"{name} loss at time {run.t[-1]:.2f}: loss {run.loss[-1]:.4g}, effective rank {run.effective_rank[-1]:.2f} of "
        f"{run.W.shape[1]}, size of the features {np.trace(run.F[-1]):.3g}.{ended}"
    )

"""Figures that answer the reader's hand, and a panel that trains.

Explorables are live in Jupyter and, without a kernel, on a static page; the training panel needs a kernel.
"""

from .explorables import Clock, PhaseDiagram, PhaseLine, RegimeShift, SGDAtRest, Survival
from .scripts import model_script, page_script
from .training import TrainingPanel

__all__ = [
    "Clock",
    "PhaseDiagram",
    "PhaseLine",
    "RegimeShift",
    "SGDAtRest",
    "Survival",
    "TrainingPanel",
    "model_script",
    "page_script",
]

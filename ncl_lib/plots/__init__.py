"""The figures of the book. Each function takes objects of the ladder and an optional `ax`, and returns the `ax`."""

import matplotlib.pyplot as plt

from .lines import basins, bifurcation_diagram, line_trajectories, phase_diagram, phase_plane, velocity_curves
from .measured import (
    alignment_of_matrices,
    collapse_probability,
    curves,
    loss_fields,
    matrices,
    norm_histograms,
    scaling,
)
from .modes import feature_sizes, features_before_and_after, mode_trajectories, regime_map, regime_shift
from .rest import rest_map
from .style import BLUE, CYCLE, GREEN, GREY, ORANGE, PURPLE, RED, REGIME_COLOURS, STROKES, use_book_style
from .survival import fates, water
from .training import training

__all__ = [
    "BLUE",
    "CYCLE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "RED",
    "REGIME_COLOURS",
    "STROKES",
    "alignment_of_matrices",
    "basins",
    "bifurcation_diagram",
    "collapse_probability",
    "curves",
    "fates",
    "feature_sizes",
    "features_before_and_after",
    "line_trajectories",
    "loss_fields",
    "matrices",
    "mode_trajectories",
    "norm_histograms",
    "phase_diagram",
    "phase_plane",
    "plt",
    "regime_map",
    "regime_shift",
    "rest_map",
    "scaling",
    "training",
    "use_book_style",
    "velocity_curves",
    "water",
]

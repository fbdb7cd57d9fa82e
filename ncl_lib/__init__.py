"""Learning dynamics of non-contrastive self-supervised learning, one module a rung of the ladder.

Rung 4 :mod:`~ncl_lib.network`, rung 3 :mod:`~ncl_lib.matrices`, rung 2 :mod:`~ncl_lib.modes`, rung 1
:mod:`~ncl_lib.flows`. Each makes one more assumption than the one above it. Beside them :mod:`~ncl_lib.expectations`
holds the exact averages of the cosine loss. Live figures are in :mod:`~ncl_lib.widgets`. What lies off the ladder:
:mod:`~ncl_lib.losses`, :mod:`~ncl_lib.features`, :mod:`~ncl_lib.data`, :mod:`~ncl_lib.images`, and, one rung above it
and with packages of its own, :mod:`ncl_lib.deep`.
"""

import importlib

from . import data, features, images, losses, noise
from ._line import Equilibrium, Trajectory
from ._solve import Status
from .clock import clock, time_of
from .diagnostics import (
    CollapseKind,
    asymmetry,
    balance,
    collapse,
    commutator,
    eigenmodes,
    norm_spread,
    participation_ratio,
    relative_error,
    violations,
)
from .encoders import EncoderTrajectory, L2Encoders
from .expectations import Expectation, alignment, cosine_matrices, cosine_modes
from .flows import SixthOrderFlow, ThirdOrderFlow, travel_time
from .matrices import CosineMatrices, CosineMatrixTrajectory, L2Matrices, MatrixTrajectory
from .modes import CosineModes, CosineModeTrajectory, L2Modes, ModeTrajectory
from .network import LinearNetwork, train
from .norms import Norms
from .regimes import Regime, classify, critical_ratio, regimes_of, universal_coordinates
from .runs import Run
from .sampled import gradient_error, sampled_matrices, sampled_modes, sampled_pushes
from .setting import Setting
from .survival import invasion_threshold, settled_modes, surviving_modes
from .sweeps import Outcome, Summary, grid, processes, summarise, sweep
from .tables import table
from .unequal import UnequalDecays

__version__ = "0.1.0"


def __getattr__(name):
    # Matplotlib's pyplot is a large part of the time that an import takes, and a run on a cluster draws nothing.
    if name == "plots":
        return importlib.import_module(".plots", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "CollapseKind",
    "CosineMatrices",
    "CosineMatrixTrajectory",
    "CosineModeTrajectory",
    "CosineModes",
    "EncoderTrajectory",
    "Equilibrium",
    "Expectation",
    "L2Encoders",
    "L2Matrices",
    "L2Modes",
    "LinearNetwork",
    "MatrixTrajectory",
    "ModeTrajectory",
    "Norms",
    "Outcome",
    "Regime",
    "Run",
    "Setting",
    "SixthOrderFlow",
    "Status",
    "Summary",
    "ThirdOrderFlow",
    "Trajectory",
    "UnequalDecays",
    "alignment",
    "asymmetry",
    "balance",
    "classify",
    "clock",
    "collapse",
    "commutator",
    "cosine_matrices",
    "cosine_modes",
    "critical_ratio",
    "data",
    "eigenmodes",
    "features",
    "gradient_error",
    "grid",
    "images",
    "invasion_threshold",
    "losses",
    "noise",
    "norm_spread",
    "participation_ratio",
    "plots",
    "processes",
    "regimes_of",
    "relative_error",
    "sampled_matrices",
    "sampled_modes",
    "sampled_pushes",
    "settled_modes",
    "summarise",
    "surviving_modes",
    "sweep",
    "table",
    "time_of",
    "train",
    "travel_time",
    "universal_coordinates",
    "violations",
]

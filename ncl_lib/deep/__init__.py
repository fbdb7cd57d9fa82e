r"""One rung above the ladder: encoders that need not be linear, watched with the instruments of the theory.

The encoder is a trunk, which may be anything, and a last linear layer without bias. JAX differentiates, Equinox holds
the layers, Optax steps; the three are optional to install (``pip install 'ncl-lib[images]'``).
"""

from .augment import Augmentation, images_source, view_moments
from .encoders import Encoder, conv_encoder, linear_encoder, mlp_encoder
from .record import DeepRun
from .train import train_deep

__all__ = [
    "Augmentation",
    "DeepRun",
    "Encoder",
    "conv_encoder",
    "images_source",
    "linear_encoder",
    "mlp_encoder",
    "train_deep",
    "view_moments",
]

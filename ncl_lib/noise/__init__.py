r"""Finite steps: what the noise of batches adds to gradient flow.

Under the L2 loss noise feeds the features of an encoder that has more inputs than outputs, and so works against decay.
Under a loss that is blind to scale it lengthens the weights until they come to rest. Laws are at leading order in
learning rate over batch, and say so.
"""

from .features import FeaturesAtRest, features_at_rest, networks_at_rest
from .l2 import NoiseRest, l2_rest
from .rest import RestLevels, RestNorms, angle, cosine_rest, freezing_time, rest_norms

__all__ = [
    "FeaturesAtRest",
    "NoiseRest",
    "RestLevels",
    "RestNorms",
    "angle",
    "cosine_rest",
    "features_at_rest",
    "freezing_time",
    "l2_rest",
    "networks_at_rest",
    "rest_norms",
]

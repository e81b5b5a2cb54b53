"""How the network learns: losses, optimizer, checkpoints, training, gradients."""

from .checkpoint import CheckpointError
from .gradients import drive_gradients
from .loss import Loss, ReachLoss
from .loss_terms import (
    HiddenActivity,
    HiddenRate,
    MuscleActivation,
    PositionError,
    SquaredDistance,
    Term,
    WeightPenalty,
)
from .mean_squares import mean_square
from .nonfinite import NonFiniteError
from .progress import Progress
from .training import train

__all__ = [
    "CheckpointError",
    "HiddenActivity",
    "HiddenRate",
    "Loss",
    "MuscleActivation",
    "NonFiniteError",
    "PositionError",
    "Progress",
    "ReachLoss",
    "SquaredDistance",
    "Term",
    "WeightPenalty",
    "drive_gradients",
    "mean_square",
    "train",
]


def __dir__() -> list[str]:
    return __all__

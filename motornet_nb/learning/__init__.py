"""How the network learns: losses, optimizer, checkpoints, training, gradients."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily
from .checkpoint import CheckpointError
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
from .movement_losses import (
    CoContraction,
    Effort,
    EndpointVariance,
    FinalPosition,
    FinalVelocity,
    HiddenCurvature,
    Jerk,
    MinimumJerkTracking,
    antagonists,
    minimum_effort_loss,
    minimum_jerk_loss,
)
from .nonfinite import NonFiniteError
from .progress import Progress
from .saved_run import load_run
from .training import train

if TYPE_CHECKING:
    from .gradients import drive_gradients

__all__ = [
    "CheckpointError",
    "CoContraction",
    "Effort",
    "EndpointVariance",
    "FinalPosition",
    "FinalVelocity",
    "HiddenActivity",
    "HiddenCurvature",
    "HiddenRate",
    "Jerk",
    "Loss",
    "MinimumJerkTracking",
    "MuscleActivation",
    "NonFiniteError",
    "PositionError",
    "Progress",
    "ReachLoss",
    "SquaredDistance",
    "Term",
    "WeightPenalty",
    "antagonists",
    "drive_gradients",
    "mean_square",
    "minimum_effort_loss",
    "minimum_jerk_loss",
    "train",
]

__getattr__ = lazily(__name__, {"drive_gradients": "gradients"})


def __dir__() -> list[str]:
    return __all__

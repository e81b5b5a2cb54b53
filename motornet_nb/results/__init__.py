"""What comes out, and numbers from it: Datasets, saved experiments, kinematics, tuning."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .dataset import as_current, configured, simulate, to_dataset
    from .experiment import Experiment, load, save
    from .kinematics import endpoint_speed, lateral_deviation, movement_times, reach_kinematics
    from .trials import as_trials, trial_values
    from .tuning import movement_activity, preferred_directions

__all__ = [
    "Experiment",
    "as_current",
    "as_trials",
    "configured",
    "endpoint_speed",
    "lateral_deviation",
    "load",
    "movement_activity",
    "movement_times",
    "preferred_directions",
    "reach_kinematics",
    "save",
    "simulate",
    "to_dataset",
    "trial_values",
]

__getattr__ = lazily(
    __name__,
    {
        "Experiment": "experiment",
        "as_current": "dataset",
        "as_trials": "trials",
        "configured": "dataset",
        "endpoint_speed": "kinematics",
        "lateral_deviation": "kinematics",
        "load": "experiment",
        "movement_activity": "tuning",
        "movement_times": "kinematics",
        "preferred_directions": "tuning",
        "reach_kinematics": "kinematics",
        "save": "experiment",
        "simulate": "dataset",
        "to_dataset": "dataset",
        "trial_values": "trials",
    },
)


def __dir__() -> list[str]:
    return __all__

"""What comes out, and numbers from it: Datasets, saved experiments, kinematics, tuning."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .axes import axial_statistics, compare_axes
    from .circular import axial_mean, bootstrap_axis, circular_mean, permutation_test, rayleigh_test
    from .dataset import as_current, configured, simulate, to_dataset
    from .experiment import Experiment, load, save
    from .kinematics import endpoint_speed, lateral_deviation, movement_times, reach_kinematics
    from .trials import as_trials, trial_values
    from .tuning import movement_activity, preferred_directions, tuning_curves

__all__ = [
    "Experiment",
    "as_current",
    "as_trials",
    "axial_mean",
    "axial_statistics",
    "bootstrap_axis",
    "circular_mean",
    "compare_axes",
    "configured",
    "endpoint_speed",
    "lateral_deviation",
    "load",
    "movement_activity",
    "movement_times",
    "permutation_test",
    "preferred_directions",
    "rayleigh_test",
    "reach_kinematics",
    "save",
    "simulate",
    "to_dataset",
    "trial_values",
    "tuning_curves",
]

__getattr__ = lazily(
    __name__,
    {
        "Experiment": "experiment",
        "as_current": "dataset",
        "as_trials": "trials",
        "axial_mean": "circular",
        "axial_statistics": "axes",
        "bootstrap_axis": "circular",
        "circular_mean": "circular",
        "compare_axes": "axes",
        "configured": "dataset",
        "endpoint_speed": "kinematics",
        "lateral_deviation": "kinematics",
        "load": "experiment",
        "movement_activity": "tuning",
        "movement_times": "kinematics",
        "permutation_test": "circular",
        "preferred_directions": "tuning",
        "rayleigh_test": "circular",
        "reach_kinematics": "kinematics",
        "save": "experiment",
        "simulate": "dataset",
        "to_dataset": "dataset",
        "trial_values": "trials",
        "tuning_curves": "tuning",
    },
)


def __dir__() -> list[str]:
    return __all__

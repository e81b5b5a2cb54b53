"""What comes out, and numbers from it: Datasets, saved experiments, kinematics, tuning."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .activity import aligned
    from .adaptation import (
        adaptation_index,
        adaptation_rate,
        after_effect,
        channel_profile,
        force_compensation,
        lateral_deviation_at,
        learning_curve,
        share_left,
    )
    from .axes import axial_statistics, compare_axes
    from .circular import axial_mean, bootstrap_axis, circular_mean, permutation_test, rayleigh_test
    from .dataset import as_current, configured, simulate, to_dataset
    from .decoding import decode
    from .demixing import demixed
    from .dynamics import fixed_points, linearisation
    from .experiment import Experiment, load, save
    from .kinematics import endpoint_speed, lateral_deviation, movement_times, reach_kinematics, reach_measure
    from .population import jpca, pca
    from .responses import muscle_responses, perturbation_response, perturbation_span, posture_kinematics, twin_distance
    from .shipped import Pretrained, play_tests, pretrained
    from .trials import as_trials, trial_values
    from .tuning import movement_activity, preferred_directions, tuning_curves
    from .twins import Twins, simulate_twin, unperturbed

__all__ = [
    "Experiment",
    "Pretrained",
    "Twins",
    "adaptation_index",
    "adaptation_rate",
    "after_effect",
    "aligned",
    "as_current",
    "as_trials",
    "axial_mean",
    "axial_statistics",
    "bootstrap_axis",
    "channel_profile",
    "circular_mean",
    "compare_axes",
    "configured",
    "decode",
    "demixed",
    "endpoint_speed",
    "fixed_points",
    "force_compensation",
    "jpca",
    "lateral_deviation",
    "lateral_deviation_at",
    "learning_curve",
    "linearisation",
    "load",
    "movement_activity",
    "movement_times",
    "muscle_responses",
    "pca",
    "permutation_test",
    "perturbation_response",
    "perturbation_span",
    "play_tests",
    "posture_kinematics",
    "preferred_directions",
    "pretrained",
    "rayleigh_test",
    "reach_kinematics",
    "reach_measure",
    "save",
    "share_left",
    "simulate",
    "simulate_twin",
    "to_dataset",
    "trial_values",
    "tuning_curves",
    "twin_distance",
    "unperturbed",
]

__getattr__ = lazily(
    __name__,
    {
        "Experiment": "experiment",
        "Pretrained": "shipped",
        "Twins": "twins",
        "adaptation_index": "adaptation",
        "adaptation_rate": "adaptation",
        "after_effect": "adaptation",
        "aligned": "activity",
        "as_current": "dataset",
        "as_trials": "trials",
        "axial_mean": "circular",
        "axial_statistics": "axes",
        "bootstrap_axis": "circular",
        "channel_profile": "adaptation",
        "circular_mean": "circular",
        "compare_axes": "axes",
        "configured": "dataset",
        "decode": "decoding",
        "demixed": "demixing",
        "endpoint_speed": "kinematics",
        "fixed_points": "dynamics",
        "force_compensation": "adaptation",
        "jpca": "population",
        "lateral_deviation": "kinematics",
        "lateral_deviation_at": "adaptation",
        "learning_curve": "adaptation",
        "linearisation": "dynamics",
        "load": "experiment",
        "movement_activity": "tuning",
        "movement_times": "kinematics",
        "muscle_responses": "responses",
        "pca": "population",
        "permutation_test": "circular",
        "perturbation_response": "responses",
        "perturbation_span": "responses",
        "play_tests": "shipped",
        "posture_kinematics": "responses",
        "preferred_directions": "tuning",
        "pretrained": "shipped",
        "rayleigh_test": "circular",
        "reach_kinematics": "kinematics",
        "reach_measure": "kinematics",
        "save": "experiment",
        "share_left": "adaptation",
        "simulate": "dataset",
        "simulate_twin": "twins",
        "to_dataset": "dataset",
        "trial_values": "trials",
        "tuning_curves": "tuning",
        "twin_distance": "responses",
        "unperturbed": "twins",
    },
)


def __dir__() -> list[str]:
    return __all__

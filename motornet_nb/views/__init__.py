"""Figures for any page, alive without a kernel: hand paths, courses over time, preferred directions, tuning, bodies, training."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .adaptation_figures import adaptation
    from .comparison import compare
    from .effector_figure import effector, moment_arms
    from .force_curves import muscle_curves
    from .geometry_figures import drift_map, moment_arm_maps
    from .hand_paths import trajectories
    from .loss_curves import training
    from .muscle_legend import MuscleLegend
    from .page_arm import live
    from .perturbation_figures import perturbation
    from .playback import animation
    from .population_paths import phase_plane
    from .reach_sliders import reach_grid
    from .roses import preferred_directions
    from .sliders import slider_grid
    from .timecourses import activations, kinematics, time_courses
    from .tuning_maps import muscle_map, ridge_map, tuning_curves
    from .unit_grid import hidden_grid

__all__ = [
    "MuscleLegend",
    "activations",
    "adaptation",
    "animation",
    "compare",
    "drift_map",
    "effector",
    "hidden_grid",
    "kinematics",
    "live",
    "moment_arm_maps",
    "moment_arms",
    "muscle_curves",
    "muscle_map",
    "perturbation",
    "phase_plane",
    "preferred_directions",
    "reach_grid",
    "ridge_map",
    "slider_grid",
    "time_courses",
    "training",
    "trajectories",
    "tuning_curves",
]

__getattr__ = lazily(
    __name__,
    {
        "MuscleLegend": "muscle_legend",
        "activations": "timecourses",
        "adaptation": "adaptation_figures",
        "animation": "playback",
        "compare": "comparison",
        "drift_map": "geometry_figures",
        "effector": "effector_figure",
        "hidden_grid": "unit_grid",
        "kinematics": "timecourses",
        "live": "page_arm",
        "moment_arm_maps": "geometry_figures",
        "moment_arms": "effector_figure",
        "muscle_curves": "force_curves",
        "muscle_map": "tuning_maps",
        "perturbation": "perturbation_figures",
        "phase_plane": "population_paths",
        "preferred_directions": "roses",
        "reach_grid": "reach_sliders",
        "ridge_map": "tuning_maps",
        "slider_grid": "sliders",
        "time_courses": "timecourses",
        "training": "loss_curves",
        "trajectories": "hand_paths",
        "tuning_curves": "tuning_maps",
    },
)


def __dir__() -> list[str]:
    return __all__

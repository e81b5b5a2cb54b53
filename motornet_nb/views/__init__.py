"""Figures for any page, alive without a kernel: hand paths, courses over time, bodies, training."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .adaptation_figures import adaptation
    from .effector_figure import effector, moment_arms
    from .hand_paths import trajectories
    from .loss_curves import training
    from .perturbation_figures import perturbation
    from .playback import animation
    from .sliders import slider_grid
    from .timecourses import activations, kinematics, time_courses

__all__ = [
    "activations",
    "adaptation",
    "animation",
    "effector",
    "kinematics",
    "moment_arms",
    "perturbation",
    "slider_grid",
    "time_courses",
    "training",
    "trajectories",
]

__getattr__ = lazily(
    __name__,
    {
        "activations": "timecourses",
        "adaptation": "adaptation_figures",
        "animation": "playback",
        "effector": "effector_figure",
        "kinematics": "timecourses",
        "moment_arms": "effector_figure",
        "perturbation": "perturbation_figures",
        "slider_grid": "sliders",
        "time_courses": "timecourses",
        "training": "loss_curves",
        "trajectories": "hand_paths",
    },
)


def __dir__() -> list[str]:
    return __all__

"""Widgets: build, watch, explore."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily
from ..former import names_of

if TYPE_CHECKING:
    from .effector_builder import EffectorBuilder
    from .explorer import Explorer
    from .gradient_panel import GradientPanel
    from .panel import Panel, side_by_side
    from .perturb_panel import Perturb
    from .publishing import publish
    from .scene import Scene
    from .task_builder import TaskBuilder
    from .training_panel import TrainingPanel

__all__ = [
    "EffectorBuilder",
    "Explorer",
    "GradientPanel",
    "Panel",
    "Perturb",
    "Scene",
    "TaskBuilder",
    "TrainingPanel",
    "publish",
    "side_by_side",
]

__getattr__ = lazily(
    __name__,
    {
        "EffectorBuilder": "effector_builder",
        "Explorer": "explorer",
        "GradientPanel": "gradient_panel",
        "Panel": "panel",
        "Perturb": "perturb_panel",
        "Scene": "scene",
        "TaskBuilder": "task_builder",
        "TrainingPanel": "training_panel",
        "publish": "publishing",
        "side_by_side": "panel",
    },
    otherwise=names_of("panels")[0],
)


def __dir__() -> list[str]:
    return __all__

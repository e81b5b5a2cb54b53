"""Bokeh figures that Python moves."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .arm import Arm
    from .body_pictures import BodyPicture, CurvePicture, DriftPicture, ForcePicture, MomentArmPicture
    from .course import CoursePicture, TimePicture
    from .moving import Frames, MovingPicture
    from .player import Player
    from .reach_pictures import Reach, ReachPicture
    from .task_picture import TaskPicture
    from .training_pictures import LossPicture, TestReachPicture
    from .trial_courses import RasterPicture, TrialCoursePicture
    from .trial_pictures import HandPathPicture, TrialBodyPicture

__all__ = [
    "Arm",
    "BodyPicture",
    "CoursePicture",
    "CurvePicture",
    "DriftPicture",
    "ForcePicture",
    "Frames",
    "HandPathPicture",
    "LossPicture",
    "MomentArmPicture",
    "MovingPicture",
    "Player",
    "RasterPicture",
    "Reach",
    "ReachPicture",
    "TaskPicture",
    "TestReachPicture",
    "TimePicture",
    "TrialBodyPicture",
    "TrialCoursePicture",
]

__getattr__ = lazily(
    __name__,
    {
        "Arm": "arm",
        "BodyPicture": "body_pictures",
        "CoursePicture": "course",
        "CurvePicture": "body_pictures",
        "DriftPicture": "body_pictures",
        "ForcePicture": "body_pictures",
        "Frames": "moving",
        "HandPathPicture": "trial_pictures",
        "LossPicture": "training_pictures",
        "MomentArmPicture": "body_pictures",
        "MovingPicture": "moving",
        "Player": "player",
        "RasterPicture": "trial_courses",
        "Reach": "reach_pictures",
        "ReachPicture": "reach_pictures",
        "TaskPicture": "task_picture",
        "TestReachPicture": "training_pictures",
        "TimePicture": "course",
        "TrialBodyPicture": "trial_pictures",
        "TrialCoursePicture": "trial_courses",
    },
)


def __dir__() -> list[str]:
    return __all__

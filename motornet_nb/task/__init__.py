"""What the body is asked to do, and the world it does it in."""

from typing import TYPE_CHECKING

from ..body.posture import default_posture as default_posture
from ..core.lazy import lazily
from .assembly import assemble, catch_trials, random_reach
from .environment import Environment
from .loads import ConstantLoad, CurlField, ForceChannel, ForcePulse, FunctionLoad, Load
from .reward import ReachReward, Reward
from .task import Task
from .tasks import CenterOutReach, DelayedReach, PosturalHold, RandomTargetReach, UniformDirectionReach
from .trials import Trials
from .world import World

if TYPE_CHECKING:
    from .perturbation import Perturbation

__all__ = [
    "CenterOutReach",
    "ConstantLoad",
    "CurlField",
    "DelayedReach",
    "Environment",
    "ForceChannel",
    "ForcePulse",
    "FunctionLoad",
    "Load",
    "Perturbation",
    "PosturalHold",
    "RandomTargetReach",
    "ReachReward",
    "Reward",
    "Task",
    "Trials",
    "UniformDirectionReach",
    "World",
    "assemble",
    "catch_trials",
    "random_reach",
]

__getattr__ = lazily(__name__, {"Perturbation": "perturbation"})


def __dir__() -> list[str]:
    return __all__

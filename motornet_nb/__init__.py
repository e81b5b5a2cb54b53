"""The neural control of movement in Jupyter: bodies, tasks, and networks trained through them."""

__version__ = "0.1.0"

import importlib as _importlib

from motornet_nb.body.body import Body
from motornet_nb.body.effector import Effector
from motornet_nb.body.geometry import ConstantGeometry, Geometry, PathGeometry, PolynomialGeometry
from motornet_nb.body.hill import HillMuscle
from motornet_nb.body.kistemaker import CompliantTendonHillMuscle, RigidTendonHillMuscle
from motornet_nb.body.mujoco import MujocoHillMuscle
from motornet_nb.body.muscle import Muscle, ReluMuscle
from motornet_nb.body.prebuilt import (
    CompliantTendonArm26,
    FreePointMass24,
    Reacher,
    ReluPointMass24,
    RigidTendonArm26,
    geometric_arm26,
)
from motornet_nb.body.skeleton import PointMass, Skeleton, TwoDofArm
from motornet_nb.body.thelen import RigidTendonHillMuscleThelen
from motornet_nb.control.audit import AuditError
from motornet_nb.control.policy import Policy, PolicyGRU
from motornet_nb.control.replicates import Replicates, unstack
from motornet_nb.control.rollout import Rollout, play
from motornet_nb.core.model import Model, from_config
from motornet_nb.core.ranges import keep_in_range
from motornet_nb.core.recorded_variables import RecordedVariable
from motornet_nb.core.streams import Streams
from motornet_nb.former import FORMER as _FORMER
from motornet_nb.former import find_former_modules as _find_former_modules
from motornet_nb.learning.checkpoint import CheckpointError
from motornet_nb.learning.loss import Loss, ReachLoss, Term
from motornet_nb.learning.nonfinite import NonFiniteError
from motornet_nb.learning.progress import Progress
from motornet_nb.learning.training import train
from motornet_nb.results.dataset import simulate, to_dataset
from motornet_nb.results.experiment import Experiment, load, save
from motornet_nb.task.environment import Environment
from motornet_nb.task.loads import ConstantLoad, CurlField, ForceChannel, ForcePulse, FunctionLoad, Load
from motornet_nb.task.registration import register as _register
from motornet_nb.task.tasks import CenterOutReach, DelayedReach, PosturalHold, RandomTargetReach, Task
from motornet_nb.task.trials import Trials

_find_former_modules()
_register()
_importlib.import_module("motornet_nb.views.cards")  # how models show themselves in a notebook

# rooms that need Bokeh, pandas, xarray or ipywidgets, or are large, load when they are first used
_LAZY_ROOMS = ("demo", "fused", "views")
_LAZY_NAMES = {
    "EffectorBuilder": "panels.effector_builder",
    "Explorer": "panels.explorer",
    "GradientPanel": "panels.gradient_panel",
    "Perturb": "panels.perturb_panel",
    "Perturbation": "task.perturbation",
    "TaskBuilder": "panels.task_builder",
    "TrainingPanel": "panels.training_panel",
    "drive_gradients": "learning.gradients",
    "side_by_side": "panels.panel",
}

__all__ = [
    "AuditError",
    "Body",
    "CenterOutReach",
    "CheckpointError",
    "CompliantTendonArm26",
    "CompliantTendonHillMuscle",
    "ConstantGeometry",
    "ConstantLoad",
    "CurlField",
    "DelayedReach",
    "Effector",
    "Environment",
    "Experiment",
    "ForceChannel",
    "ForcePulse",
    "FreePointMass24",
    "FunctionLoad",
    "Geometry",
    "HillMuscle",
    "Load",
    "Loss",
    "Model",
    "MujocoHillMuscle",
    "Muscle",
    "NonFiniteError",
    "PathGeometry",
    "PointMass",
    "Policy",
    "PolicyGRU",
    "PolynomialGeometry",
    "PosturalHold",
    "Progress",
    "RandomTargetReach",
    "ReachLoss",
    "Reacher",
    "RecordedVariable",
    "ReluMuscle",
    "ReluPointMass24",
    "Replicates",
    "RigidTendonArm26",
    "RigidTendonHillMuscle",
    "RigidTendonHillMuscleThelen",
    "Rollout",
    "Skeleton",
    "Streams",
    "Task",
    "Term",
    "Trials",
    "TwoDofArm",
    "from_config",
    "fused",
    "geometric_arm26",
    "keep_in_range",
    "load",
    "play",
    "save",
    "simulate",
    "to_dataset",
    "train",
    "unstack",
]


def __getattr__(name: str):
    if name in _LAZY_ROOMS or name in _FORMER:
        return _importlib.import_module(f"motornet_nb.{name}")
    if name in _LAZY_NAMES:
        return getattr(_importlib.import_module(f"motornet_nb.{_LAZY_NAMES[name]}"), name)
    raise AttributeError(f"module 'motornet_nb' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LAZY_ROOMS, *_LAZY_NAMES])

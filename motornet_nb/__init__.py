"""The neural control of movement in Jupyter: bodies, tasks, and networks trained through them."""

__version__ = "0.1.0"

import importlib as _importlib

from motornet_nb import effector, muscle, pictures, skeleton
from motornet_nb.audit import AuditError
from motornet_nb.body import Body
from motornet_nb.checkpoint import CheckpointError
from motornet_nb.effector import (
    CompliantTendonArm26,
    Effector,
    FreePointMass24,
    Reacher,
    ReluPointMass24,
    RigidTendonArm26,
    geometric_arm26,
)
from motornet_nb.environment import Environment
from motornet_nb.geometry import ConstantGeometry, Geometry, PathGeometry, PolynomialGeometry
from motornet_nb.guards import NonFiniteError
from motornet_nb.hill import (
    CompliantTendonHillMuscle,
    HillMuscle,
    MujocoHillMuscle,
    RigidTendonHillMuscle,
    RigidTendonHillMuscleThelen,
)
from motornet_nb.loads import ConstantLoad, CurlField, ForceChannel, ForcePulse, FunctionLoad, Load
from motornet_nb.loss import Loss, ReachLoss, Term
from motornet_nb.model import Model, from_config
from motornet_nb.muscle import Muscle, ReluMuscle
from motornet_nb.policy import Policy, PolicyGRU
from motornet_nb.ranges import keep_in_range
from motornet_nb.records import RecordedVariable
from motornet_nb.registration import register as _register
from motornet_nb.replicates import Replicates, unstack
from motornet_nb.results import Experiment, load, save, simulate, to_dataset
from motornet_nb.rollout import Rollout, play
from motornet_nb.skeleton import PointMass, Skeleton, TwoDofArm
from motornet_nb.task import CenterOutReach, DelayedReach, PosturalHold, RandomTargetReach, Task
from motornet_nb.training import Progress, train
from motornet_nb.trials import Streams, Trials

_register()

# rooms that need Bokeh, pandas, xarray or ipywidgets, or are large, load when they are first used
_LAZY_ROOMS = ("analysis", "demo", "drawing", "edits", "fused", "player", "reinforcement", "report", "statics", "views")
_LAZY_NAMES = {
    "EffectorBuilder": "effector_builder",
    "Explorer": "explorer",
    "GradientPanel": "gradients",
    "Perturb": "perturb",
    "Perturbation": "perturbation",
    "TaskBuilder": "task_builder",
    "TrainingPanel": "training_panel",
    "drive_gradients": "gradients",
    "side_by_side": "panels",
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
    if name in _LAZY_ROOMS:
        return _importlib.import_module(f"motornet_nb.{name}")
    if name in _LAZY_NAMES:
        return getattr(_importlib.import_module(f"motornet_nb.{_LAZY_NAMES[name]}"), name)
    raise AttributeError(f"module 'motornet_nb' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LAZY_ROOMS, *_LAZY_NAMES])

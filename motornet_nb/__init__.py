"""The neural control of movement in Jupyter: bodies, tasks, and networks trained through them."""

__version__ = "0.4.0"

from typing import TYPE_CHECKING

import torch as _torch  # first: it loads faster where few imports are on the stack

from motornet_nb.core.explained import explain_imports as _explain_imports

_explain_imports()  # help lists arguments; before other modules are imported

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
from motornet_nb.core.lazy import lazily as _lazily
from motornet_nb.core.model import Model, from_config
from motornet_nb.core.ranges import keep_in_range
from motornet_nb.core.recorded_variables import RecordedVariable
from motornet_nb.core.streams import Streams
from motornet_nb.core.tables import CARDS as _CARDS
from motornet_nb.former import FORMER as _FORMER
from motornet_nb.former import find_former_modules as _find_former_modules
from motornet_nb.learning import schedules
from motornet_nb.learning.checkpoint import CheckpointError
from motornet_nb.learning.loss import Loss, ReachLoss, Term
from motornet_nb.learning.nonfinite import NonFiniteError
from motornet_nb.learning.optimizer_state import optimizer_state
from motornet_nb.learning.progress import Progress
from motornet_nb.learning.training import train
from motornet_nb.results.dataset import simulate, to_dataset
from motornet_nb.results.experiment import Experiment, load, save
from motornet_nb.task.environment import Environment
from motornet_nb.task.loads import ConstantLoad, CurlField, ForceChannel, ForcePulse, FunctionLoad, Load
from motornet_nb.task.registration import register as _register
from motornet_nb.task.tasks import (
    CenterOutReach,
    DelayedReach,
    PosturalHold,
    RandomTargetReach,
    Task,
    UniformDirectionReach,
)
from motornet_nb.task.trials import Trials

if TYPE_CHECKING:  # what an editor should know of; it is imported when it is first used
    from motornet_nb import analysis as analysis
    from motornet_nb import body as body
    from motornet_nb import control as control
    from motornet_nb import core as core
    from motornet_nb import demo as demo
    from motornet_nb import fused as fused
    from motornet_nb import learning as learning
    from motornet_nb import live as live
    from motornet_nb import panels as panels
    from motornet_nb import results as results
    from motornet_nb import studies as studies
    from motornet_nb import task as task
    from motornet_nb import views as views
    from motornet_nb.learning import loss as loss
    from motornet_nb.learning.gradients import drive_gradients as drive_gradients
    from motornet_nb.panels.effector_builder import EffectorBuilder as EffectorBuilder
    from motornet_nb.panels.explorer import Explorer as Explorer
    from motornet_nb.panels.gradient_panel import GradientPanel as GradientPanel
    from motornet_nb.panels.panel import side_by_side as side_by_side
    from motornet_nb.panels.perturb_panel import Perturb as Perturb
    from motornet_nb.panels.scene import Scene as Scene
    from motornet_nb.panels.task_builder import TaskBuilder as TaskBuilder
    from motornet_nb.panels.training_panel import TrainingPanel as TrainingPanel
    from motornet_nb.results.shipped import pretrained as pretrained
    from motornet_nb.task import reinforcement as reinforcement
    from motornet_nb.task.perturbation import Perturbation as Perturbation
    from motornet_nb.views import report as report

_find_former_modules()
_register()
_CARDS.append("motornet_nb.views.cards")  # how models show themselves in a notebook

# folders, and modules that have a name of their own here
_ROOMS = (
    *(
        "body",
        "control",
        "core",
        "demo",
        "fused",
        "learning",
        "live",
        "page",
        "panels",
        "results",
        "studies",
        "task",
        "views",
    ),
    *("analysis", "drawing", "edits", "effector", "loss", "muscle", "pictures", "player", "reinforcement"),
    *("report", "skeleton", "statics"),
)
# what needs Bokeh, pandas, xarray or ipywidgets
_LAZY = {
    "EffectorBuilder": "panels.effector_builder",
    "Explorer": "panels.explorer",
    "GradientPanel": "panels.gradient_panel",
    "Perturb": "panels.perturb_panel",
    "Perturbation": "task.perturbation",
    "Scene": "panels.scene",
    "TaskBuilder": "panels.task_builder",
    "TrainingPanel": "panels.training_panel",
    "drive_gradients": "learning.gradients",
    "pretrained": "results.shipped",
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
    "UniformDirectionReach",
    "from_config",
    "fused",
    "geometric_arm26",
    "keep_in_range",
    "load",
    "optimizer_state",
    "play",
    "save",
    "schedules",
    "simulate",
    "to_dataset",
    "train",
    "unstack",
]


__getattr__ = _lazily(__name__, dict.fromkeys((*_ROOMS, *_FORMER), "") | _LAZY)


def __dir__() -> list[str]:
    return sorted({*__all__, *_LAZY, *_ROOMS, "__version__"})

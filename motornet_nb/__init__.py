"""The neural control of movement in Jupyter: bodies, tasks, and networks trained through them."""

__version__ = "0.1.0"

import importlib as _importlib

from motornet_nb.body import Effector
from motornet_nb.effector import (
    CompliantTendonArm26,
    FreePointMass24,
    Reacher,
    ReluPointMass24,
    RigidTendonArm26,
    geometric_arm26,
)
from motornet_nb.environment import Environment
from motornet_nb.geometry import ConstantGeometry, Geometry, PathGeometry, PolynomialGeometry
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
from motornet_nb.results import Experiment, load, save, simulate, to_dataset
from motornet_nb.rollout import Rollout, rollout
from motornet_nb.skeleton import PointMass, Skeleton, TwoDofArm
from motornet_nb.task import CenterOutReach, DelayedReach, PosturalHold, RandomTargetReach, Task
from motornet_nb.training import NonFiniteError, Progress, train
from motornet_nb.trials import Streams, Trials

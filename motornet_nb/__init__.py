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
from motornet_nb.geometry import ConstantGeometry, Geometry, PathGeometry, PolynomialGeometry
from motornet_nb.hill import (
    CompliantTendonHillMuscle,
    HillMuscle,
    MujocoHillMuscle,
    RigidTendonHillMuscle,
    RigidTendonHillMuscleThelen,
)
from motornet_nb.model import Model, from_config
from motornet_nb.muscle import Muscle, ReluMuscle
from motornet_nb.skeleton import PointMass, Skeleton, TwoDofArm

"""Skeletons, muscles, geometry, effectors: the physics."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily
from .body import Body
from .effector import Effector
from .geometry import ConstantGeometry, Geometry, PathGeometry, PolynomialGeometry
from .hill import HillMuscle
from .kistemaker import CompliantTendonHillMuscle, KistemakerMuscle, RigidTendonHillMuscle
from .mujoco import MujocoHillMuscle
from .muscle import Muscle, ReluMuscle
from .posture import default_posture, inverse_kinematics
from .prebuilt import CompliantTendonArm26, FreePointMass24, Reacher, ReluPointMass24, RigidTendonArm26, geometric_arm26
from .skeleton import PointMass, Skeleton, TwoDofArm
from .thelen import RigidTendonHillMuscleThelen

if TYPE_CHECKING:
    from .statics import force_length, force_velocity, isometric_state, moment_arm_map, passive_drift

__all__ = [
    "Body",
    "CompliantTendonArm26",
    "CompliantTendonHillMuscle",
    "ConstantGeometry",
    "Effector",
    "FreePointMass24",
    "Geometry",
    "HillMuscle",
    "KistemakerMuscle",
    "MujocoHillMuscle",
    "Muscle",
    "PathGeometry",
    "PointMass",
    "PolynomialGeometry",
    "Reacher",
    "ReluMuscle",
    "ReluPointMass24",
    "RigidTendonArm26",
    "RigidTendonHillMuscle",
    "RigidTendonHillMuscleThelen",
    "Skeleton",
    "TwoDofArm",
    "default_posture",
    "force_length",
    "force_velocity",
    "geometric_arm26",
    "inverse_kinematics",
    "isometric_state",
    "moment_arm_map",
    "passive_drift",
]

__getattr__ = lazily(
    __name__,
    {
        "force_length": "statics",
        "force_velocity": "statics",
        "isometric_state": "statics",
        "moment_arm_map": "statics",
        "passive_drift": "statics",
    },
)


def __dir__() -> list[str]:
    return __all__

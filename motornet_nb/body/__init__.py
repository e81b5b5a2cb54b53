"""Skeletons, muscles, geometry, effectors: the physics."""

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
from .statics import force_length, force_velocity, isometric_state, moment_arm_map, passive_drift
from .thelen import RigidTendonHillMuscleThelen

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


def __dir__() -> list[str]:
    return __all__

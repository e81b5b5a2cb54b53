"""Bodies, states and comparisons that several tests share."""

import numpy as np
import torch

from motornet_nb import (
    CompliantTendonArm26,
    CompliantTendonHillMuscle,
    Effector,
    FreePointMass24,
    MujocoHillMuscle,
    PointMass,
    Reacher,
    ReluMuscle,
    ReluPointMass24,
    RigidTendonArm26,
    RigidTendonHillMuscle,
    RigidTendonHillMuscleThelen,
    geometric_arm26,
)
from motornet_nb.body.geometry import MusculotendonGeometry
from motornet_nb.body.integration import EffectorState

MUSCLES = {
    "relu": ReluMuscle,
    "mujoco": MujocoHillMuscle,
    "thelen": RigidTendonHillMuscleThelen,
    "kistemaker rigid": RigidTendonHillMuscle,
    "kistemaker compliant": CompliantTendonHillMuscle,
}

#: every prebuilt body with every muscle model that it accepts: name -> (constructor, muscle)
BODIES = {
    "ReluPointMass24, relu": (ReluPointMass24, "relu"),
    **{f"FreePointMass24, {m}": (FreePointMass24, m) for m in MUSCLES},
    **{f"Reacher, {m}": (Reacher, m) for m in MUSCLES},
    **{f"RigidTendonArm26, {m}": (RigidTendonArm26, m) for m in MUSCLES if m != "kistemaker compliant"},
    "CompliantTendonArm26, kistemaker compliant": (CompliantTendonArm26, "kistemaker compliant"),
    **{f"geometric_arm26, {m}": (geometric_arm26, m) for m in MUSCLES},
}


def make_body(which: str, **arguments) -> Effector:
    "A body of `BODIES`."
    constructor, muscle = BODIES[which]
    return constructor(muscle=MUSCLES[muscle](), **arguments)


def one_muscle(muscle, dtype=torch.float64, **per_muscle) -> Effector:
    "A point mass on a single muscle: gives the coefficients of a muscle model."
    return Effector(PointMass(), muscle, dtype=dtype).add_muscle([0, 1], [[1.0, 0.0], [0.0, 0.0]], **per_muscle)


def hill_coefficients(muscle, dtype=torch.float64, **per_muscle):
    "Coefficients of a muscle with the sizes of the golden files: l0 0.1 m, tendon 0.05 m, 1000 N."
    sizes = {"max_isometric_force": 1000.0, "optimal_muscle_length": 0.1, "tendon_length": 0.05} | per_muscle
    return one_muscle(muscle, dtype, **sizes).coefficients().muscle


def slack_of(golden, muscle) -> dict:
    "The golden file's passive parameter, under the name that the model gives it."
    if isinstance(muscle, MujocoHillMuscle):
        return {"fpmax": float(golden.attrs["fpmax"])}
    return {"normalized_slack_muscle_length": float(golden.attrs["normalized_slack_muscle_length"])}


def active_at(muscle, velocity) -> dict:
    "Normalised active force at full activation and optimal length; velocity in l0/s."
    return muscle.evaluate(hill_coefficients(muscle), tensor([[1.0]]), tensor([[0.15]]), tensor([[0.1 * velocity]]))


def same(a, b) -> bool:
    "Whether two dicts of states are equal bit for bit."
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def arm(**arguments) -> Effector:
    "The arm most tests use."
    return RigidTendonArm26(RigidTendonHillMuscleThelen(), **arguments)


def ball(**arguments) -> Effector:
    "A point mass without muscles."
    return Effector(PointMass(), ReluMuscle(), **arguments)


def tensor(values, dtype=torch.float64) -> torch.Tensor:
    "A tensor of the given precision."
    return torch.from_numpy(np.array(values)).to(dtype)


def mid_state(body: Effector, generator: torch.Generator, batch: int = 1) -> EffectorState:
    "A state with nothing special about it: inside all limits, away from every kink of the muscle curves."

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64).to(body.dtype)

    c = body.coefficients()
    lower, upper = body.pos_lower_bound.to(body.dtype), body.pos_upper_bound.to(body.dtype)
    position = lower + (upper - lower) * uniform(0.3, 0.7, batch, body.n_joints)
    velocity = uniform(0.1, 0.6, batch, body.n_joints) * (1 - 2 * (uniform(0, 1, batch, body.n_joints) > 0.5))
    n = body.n_muscles
    tendon, optimal = (
        c.muscle[k] if k in c.muscle else torch.ones(n, dtype=body.dtype) for k in ("tendon_length", "length_scale")
    )
    strain = uniform(1.015, 1.025, batch, n)
    contractile = optimal * uniform(0.8, 0.95, batch, n)
    geometry = MusculotendonGeometry(
        contractile + tendon * strain,
        optimal * uniform(0.2, 0.6, batch, n) * (1 - 2 * (uniform(0, 1, batch, n) > 0.5)),
        body.evaluate_geometry(position, velocity, c).moment_arm,
    )
    integrated = {"activation": uniform(0.35, 0.65, batch, n), "length": contractile}
    muscle = body.muscle.outputs(c.muscle, integrated, *geometry[:2])
    return EffectorState(position, velocity, muscle, geometry)


def play(body: Effector, state: EffectorState, action, endpoint_load, joint_load, c=None) -> list[EffectorState]:
    "All states of an open-loop rollout; inputs are (batch, step, ...)."
    c = body.coefficients() if c is None else c
    states = [state]
    with torch.no_grad():
        for i in range(action.shape[1]):
            state = body.advance(state, action[:, i], endpoint_load[:, i], joint_load[:, i], c)
            states.append(state)
    return states


def assert_golden(got, want, precision: str, absolute: float, what: str = "") -> None:
    "float64: 1e-10 relative (or, for values near zero, 1e-11 of the largest, or 1e-13); float32: `absolute`."
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, golden {want.shape}"
    allowed = 1e-10 * np.abs(want) + 1e-11 * np.abs(want).max() + 1e-13 if precision == "f64" else absolute
    error = np.abs(got - want)
    assert np.isfinite(got).all(), f"{what} is not finite"
    excess = error - allowed
    where = np.unravel_index(excess.argmax(), error.shape)
    assert excess[where] <= 0, f"{what}: {got[where]!r}, golden {want[where]!r} at {where}"

"""The prebuilt bodies: golden trajectories, passive drift, and what they are made of."""

import json
import math

import numpy as np
import pytest
import torch
from bodies import assert_golden, play, tensor

import motornet_nb as mn
from motornet_nb import (
    CompliantTendonArm26,
    CompliantTendonHillMuscle,
    FreePointMass24,
    MujocoHillMuscle,
    PointMass,
    Reacher,
    ReluMuscle,
    ReluPointMass24,
    RigidTendonArm26,
    RigidTendonHillMuscle,
    RigidTendonHillMuscleThelen,
    TwoDofArm,
    geometric_arm26,
)
from motornet_nb.body.prebuilt import empty_arm
from motornet_nb.core.registry import choices


def damped(**k):
    "The arm with damping, viscosity and ministeps."
    skeleton = TwoDofArm.arm26(viscosity=0.2)
    return RigidTendonArm26(RigidTendonHillMuscleThelen(), skeleton, damping=0.3, n_ministeps=4, **k)


#: for each golden trajectory the body that makes it, and the float32 tolerances of
#: (joint and cartesian state, force in N, geometry, columns between 0 and about 1, muscle velocity in m/s)
RIGID = (1e-4, 3e-2, 2e-5, 1e-4, 1e-4)
COMPLIANT = (1e-4, 1e-1, 2e-5, 2e-4, 1e-3)
GEOMETRIC = (1e-3, 1e-1, 5e-5, 1e-3, 1e-3)
TRAJECTORIES = {
    "relu_point_mass_24": (ReluPointMass24, RIGID),
    "free_point_mass_24_relu": (FreePointMass24, RIGID),
    "reacher_relu": (Reacher, RIGID),
    "rigid_tendon_arm26_thelen": (lambda **k: RigidTendonArm26(RigidTendonHillMuscleThelen(), **k), RIGID),
    "rigid_tendon_arm26_kistemaker": (lambda **k: RigidTendonArm26(RigidTendonHillMuscle(), **k), RIGID),
    "rigid_tendon_arm26_mujoco": (lambda **k: RigidTendonArm26(MujocoHillMuscle(), **k), RIGID),
    "rigid_tendon_arm26_thelen_damped_ministeps": (damped, RIGID),
    "compliant_tendon_arm26_euler": (lambda **k: CompliantTendonArm26(integration_method="euler", **k), COMPLIANT),
    "geometric_arm26_thelen_corrected_velocity": (geometric_arm26, GEOMETRIC),
}


def start_of(body, golden, precision, dtype):
    "The stored first state; the muscle state too where it is not that of a reset."
    c = body.coefficients()
    state = body.initial_state(body.as_joint_state(golden[f"joint_{precision}"].values[:, 0]), c)
    if isinstance(body, CompliantTendonArm26):
        stored = tensor(golden[f"muscle_{precision}"].values[:, 0], dtype)
        state = state._replace(muscle=dict(zip(body.muscle.state_names, stored.unbind(1), strict=True)))
    return state, c


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_trajectories_agree_with_the_golden_numbers(reference, precision, dtype, name):
    golden = reference(f"trajectory_{name}")
    make, (place, force, geometry, column, speed) = TRAJECTORIES[name]
    body = make(dtype=dtype)
    assert body.timestep == golden.attrs["dt"] and body.n_ministeps == golden.attrs["n_ministeps"]
    state, c = start_of(body, golden, precision, dtype)
    inputs = (tensor(golden[k], dtype) for k in ("action", "endpoint_load", "joint_load"))
    stacked = [body.stack_states(s, c) for s in play(body, state, *inputs, c)]
    got = {k: torch.stack([s[k] for s in stacked], 1).numpy() for k in stacked[0]}
    assert_golden(got["joint"], golden[f"joint_{precision}"], precision, place, "joint")
    # stored in single precision only
    assert_golden(got["cartesian"], golden["cartesian_f32"], "f32", place, "cartesian")
    assert np.array_equal(got["fingertip"], got["cartesian"][..., : body.space_dim])
    every = golden["step_coarse"].values if precision == "f64" else slice(None)
    tolerance = {"velocity": speed, "force": force, "length": geometry, "activation": 1e-6}
    for i, name_of_column in enumerate(body.muscle.state_names):
        want = golden[f"muscle_{precision}"].values[:, :, i]
        assert_golden(
            got["muscle"][:, every, i], want, precision, tolerance.get(name_of_column, column), name_of_column
        )
    for i, what in enumerate(("length", "velocity", "shoulder moment arm", "elbow moment arm")):
        want = golden[f"geometry_{precision}"].values[:, :, i]
        allowed = speed if what == "velocity" else geometry
        assert_golden(got["geometry"][:, every, i], want, precision, allowed, f"musculotendon {what}")


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_bodies_have_the_sizes_of_the_golden_files(reference, name):
    golden, body = reference(f"trajectory_{name}"), TRAJECTORIES[name][0]()
    skeleton = json.loads(golden.attrs["skeleton"])
    skeleton |= {k: golden.attrs[k] for k in ("viscosity",) if k in golden.attrs}
    assert body.damping.item() == golden.attrs.get("damping", 0.0)
    assert {k: getattr(body.skeleton, k).item() for k in skeleton} == skeleton
    sizes = json.loads(golden.attrs["muscle_parameters"])
    assert body.max_isometric_force.tolist() == sizes["max_iso_force"]
    if not isinstance(body.muscle, ReluMuscle):
        assert body.optimal_muscle_length.tolist() == pytest.approx(sizes["l0_ce"], rel=1e-12)
        assert body.tendon_length.tolist() == pytest.approx(sizes["l0_se"], rel=1e-12)
    assert golden.attrs["integration_method"] == body.integration_method == "euler" or "compliant" in name
    assert len(body.muscle_names) == golden.sizes["muscle"]


@pytest.mark.parametrize(
    ("model", "largest"), [("thelen", 0.129), ("kistemaker", 0.0018)], ids=["thelen", "kistemaker"]
)
def test_passive_drift_agrees_with_the_golden_numbers(reference, precision, dtype, model, largest):
    golden = reference("passive_drift_arm26").sel(muscle_model=model)
    muscle = {"thelen": RigidTendonHillMuscleThelen, "kistemaker": RigidTendonHillMuscle}[model]()
    arm = RigidTendonArm26(muscle, dtype=dtype)
    posture = np.stack(np.meshgrid(golden["shoulder"], golden["elbow"], indexing="ij"), -1).reshape(-1, 2)
    start = arm.reset(options={"joint_state": posture})["fingertip"]
    for _ in range(round(golden.attrs["duration"] / golden.attrs["dt"])):
        states = arm.step(torch.zeros(6))
    for key, value in {
        "fingertip_start": start,
        "fingertip_end": states["fingertip"],
        "joint_end": states["joint"],
    }.items():
        want = golden[f"{key}_{precision}"].values
        assert_golden(value.reshape(want.shape), want, precision, 1e-4, key)
    drift = (states["fingertip"] - start).norm(dim=1)
    assert drift.max().item() == pytest.approx(largest, abs=5e-4 if model == "thelen" else 5e-5)


# ---- what they are made of (section 7 of the specification) -----------------------------------------------------------


def test_relu_point_mass_is_pulled_towards_the_corners():
    body = ReluPointMass24()
    assert isinstance(body.skeleton, PointMass) and body.skeleton.mass.item() == 1.0
    assert body.muscle_names == ["upper right", "upper left", "lower right", "lower left"]
    assert body.max_isometric_force.tolist() == [500.0] * 4
    assert body.pos_lower_bound.tolist() == [-1.0, -1.0] and body.pos_upper_bound.tolist() == [1.0, 1.0]
    assert (body.timestep, body.integration_method, body.n_ministeps) == (0.01, "euler", 1)
    for i, signs in enumerate([(1, 1), (-1, 1), (1, -1), (-1, -1)]):
        drive = [0.0] * 4
        drive[i] = 0.2
        body.reset(options={"joint_state": [0.0, 0.0]})
        x, y = [body.step(drive) for _ in range(5)][-1]["fingertip"][0].tolist()
        assert (np.sign(x), np.sign(y)) == signs and abs(x) == pytest.approx(abs(y), rel=1e-5)


def test_free_point_mass_is_pulled_along_the_axes():
    body = FreePointMass24()
    assert body.muscle_names == ["right", "up", "left", "down"] and body.max_isometric_force.tolist() == [1000.0] * 4
    assert body.pos_lower_bound.tolist() == [-0.6, -0.6] and body.pos_upper_bound.tolist() == [0.6, 0.6]
    for i, direction in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
        drive = [0.0] * 4
        drive[i] = 0.01
        body.reset(options={"joint_state": [0.0, 0.0]})
        assert [body.step(drive) for _ in range(5)][-1]["fingertip"][0].sign().tolist() == list(direction)


def test_reacher_has_unit_moment_arms():
    body = Reacher()
    assert body.muscle_names == ["shoulder flexor", "shoulder extensor", "elbow flexor", "elbow extensor"]
    assert body.max_isometric_force.tolist() == [1000.0] * 4
    states = body.reset(options={"joint_state": [0.8, 1.5]})
    assert states["geometry"][0].tolist() == [[0.0] * 4, [0.0] * 4, [-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0]]
    assert body.skeleton == TwoDofArm.arm26()


def test_arms_have_the_limits_of_the_paper():
    limits = [math.radians(135), math.radians(155)]
    for body in (Reacher(), RigidTendonArm26(RigidTendonHillMuscleThelen()), CompliantTendonArm26(), geometric_arm26()):
        assert body.pos_lower_bound.tolist() == [0.0, 0.0] and body.pos_upper_bound.tolist() == limits
        assert body.vel_upper_bound.tolist() == [1000.0, 1000.0] == (-body.vel_lower_bound).tolist()


def test_compliant_arm_runs_in_small_runge_kutta_steps():
    body = CompliantTendonArm26()
    assert (body.timestep, body.integration_method) == (0.0002, "rk4")
    assert isinstance(body.muscle, CompliantTendonHillMuscle) and body.muscle.state_names[4] == "tendon_force_length"
    assert body.normalized_slack_muscle_length.tolist() == [1.4] * 6
    assert RigidTendonArm26(RigidTendonHillMuscleThelen()).normalized_slack_muscle_length.tolist() == [1.0] * 6


def test_flexors_flex_and_extensors_extend():
    arm = RigidTendonArm26(RigidTendonHillMuscleThelen())
    moves = {"pectoralis": (0, 1), "deltoid": (0, -1), "brachioradialis": (1, 1), "triceps lateral": (1, -1)}
    assert arm.muscle_names == [*list(moves)[:4], "biceps", "triceps long"]
    for name, (joint, sign) in moves.items():
        drive = [float(m == name) for m in arm.muscle_names]
        start = arm.reset(options={"joint_state": [0.8, 1.2]})["joint"][0, joint]
        end = [arm.step(drive) for _ in range(10)][-1]["joint"][0, joint]
        assert torch.sign(end - start) == sign, name


def test_geometric_arm_takes_every_argument_of_an_effector():
    arm = geometric_arm26(
        ReluMuscle(), TwoDofArm(), name="mine", timestep=0.02, max_isometric_force=7.0, pos_upper_bound=[2.0, 2.0]
    )
    assert (arm.name, arm.timestep) == ("mine", 0.02) and arm.max_isometric_force.tolist() == [7.0] * 6
    assert arm.pos_upper_bound.tolist() == [2.0, 2.0] and arm.skeleton == TwoDofArm()
    strong = geometric_arm26(muscle_parameters={"max_isometric_force": [1.0] * 6}, tendon_length=0.1)
    assert strong.max_isometric_force.tolist() == [1.0] * 6 and strong.tendon_length.tolist() == [0.1] * 6
    assert strong.optimal_muscle_length.tolist() == geometric_arm26().optimal_muscle_length.tolist()
    assert geometric_arm26(MujocoHillMuscle()).max_isometric_force.tolist() == [838, 1207, 1422, 1549, 414, 603]


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: RigidTendonArm26(CompliantTendonHillMuscle()), "muscle = CompliantTendonHillMuscle()"),
        (lambda: RigidTendonArm26(ReluMuscle(), PointMass()), "skeleton = PointMass()"),
        (lambda: CompliantTendonArm26(muscle=ReluMuscle()), "muscle = ReluMuscle()"),
        (lambda: ReluPointMass24(muscle=MujocoHillMuscle()), "muscle = MujocoHillMuscle()"),
        (lambda: ReluPointMass24(skeleton=TwoDofArm()), "skeleton = TwoDofArm()"),
        (lambda: FreePointMass24(skeleton=TwoDofArm()), "skeleton = TwoDofArm()"),
        (lambda: Reacher(skeleton=PointMass()), "skeleton = PointMass()"),
    ],
)
def test_prebuilt_bodies_refuse_parts_of_another_kind(make, argument):
    with pytest.raises(TypeError, match="must be a") as caught:
        make()
    assert argument in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [{"muscle": "thelen"}, {"skeleton": 3}, {"skeleton": PointMass(), "muscle": ReluMuscle()}]
)
def test_geometric_arm_refuses_what_does_not_fit(arguments):
    with pytest.raises(ValueError, match="Effector: ") as caught:
        geometric_arm26(**arguments)
    assert "it must be" in str(caught.value)


OFFERED = {
    mn.Effector: [
        "arm, six muscles as paths",
        "arm of the paper, rigid tendons",
        "arm of the paper, compliant tendons",
        "arm with torques (Reacher)",
        "point mass, muscles in the corners",
        "point mass, muscles along the axes",
        "empty arm",
        "empty point mass",
    ],
    mn.Skeleton: ["two-joint arm", "point mass on a line", "point mass in a plane", "point mass in space"],
    mn.Muscle: [
        "proportional (ReLU)",
        "Hill, rigid tendon (Thelen)",
        "Hill, rigid tendon (MuJoCo)",
        "Hill, rigid tendon (Kistemaker)",
        "Hill, compliant tendon (Kistemaker)",
    ],
}


@pytest.mark.parametrize("kind", OFFERED, ids=lambda kind: kind.__name__)
def test_what_menus_offer(kind):
    "In this order, before what a user defines; every one can be made."
    offered = choices(kind)
    assert list(offered)[: len(OFFERED[kind])] == OFFERED[kind]
    for name in OFFERED[kind]:
        assert isinstance(offered[name](), kind)


def test_an_empty_arm_takes_muscles():
    "Within the limits of the paper's arm."
    arm = empty_arm()
    assert arm.n_muscles == 0 and arm.pos_upper_bound.tolist() == [math.radians(135), math.radians(155)]
    arm.add_muscle([0, 2], [[-0.05, 0.03], [0.04, 0.01]], "biceps")
    assert arm.reset(options={"joint_state": [0.8, 1.5]})["muscle"].shape == (1, 7, 1)

"Held bodies: forces, torques, curves."

import math

import numpy as np
import pytest
import torch
from bodies import BODIES, assert_golden, make_body

import motornet_nb as mn
from motornet_nb.body.posture import default_posture
from motornet_nb.body.statics import (
    force_length,
    force_velocity,
    has_curves,
    isometric_state,
    moment_arm_map,
    passive_drift,
)

RIGID = [name for name in BODIES if "compliant" not in name]


@pytest.mark.parametrize("name", RIGID)
def test_a_held_body_is_what_the_dynamics_start_from(name):
    "At the smallest activation forces are those of the initial state, and torques those that the joints feel."
    body = make_body(name, dtype=torch.float64)
    posture = default_posture(body)
    still = isometric_state(body, posture)
    c = body.coefficients()
    state = body.initial_state(body.as_joint_state(posture), c)
    np.testing.assert_allclose(still["muscle_force"], state.muscle["force"][0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(still["moment_arm"], state.geometry.moment_arm[0], rtol=1e-12)
    torque = -(state.geometry.moment_arm[0] * state.muscle["force"][0]).sum(-1)
    np.testing.assert_allclose(still["joint_torque"], torque, rtol=1e-4, atol=1e-6)
    assert all("units" in still[v].attrs and "long_name" in still[v].attrs for v in still.data_vars)


@pytest.mark.parametrize("activation", [0.05, 0.5, 1.0])
def test_a_compliant_muscle_at_rest_pulls_as_hard_as_its_tendon(activation):
    "The state that is found does not move: contractile velocity is 0 where the tendon is not capped."
    body = make_body("CompliantTendonArm26, kistemaker compliant", dtype=torch.float64)
    position = default_posture(body)[None].double()
    c = body.coefficients()
    length = body.evaluate_geometry(position, torch.zeros_like(position), c).length
    state = body.muscle.isometric_state(c.muscle, torch.full_like(length, activation), length)
    stretched = (state["tendon_force_length"] > 0.001) & (state["tendon_force_length"] < 1)
    assert stretched.any()
    assert state["velocity"][stretched].abs().max() < 1e-6


def test_torques_are_those_of_virtual_work():
    "Turning a joint a little against the muscles takes the work that makes them longer."
    body = mn.geometric_arm26(dtype=torch.float64)
    posture, h = np.array([0.7, 1.3]), 1e-5
    still = isometric_state(body, posture, 0.3)
    for j in range(2):
        step = np.eye(2)[j] * h
        longer = (
            isometric_state(body, posture + step)["musculotendon_length"]
            - isometric_state(body, posture - step)["musculotendon_length"]
        ) / (2 * h)
        assert float(still["joint_torque"][j]) == pytest.approx(
            -float((longer * still["muscle_force"]).sum()), rel=1e-5
        )


@pytest.mark.parametrize("name", BODIES)
def test_curves(name):
    "The force of a held muscle is on its force-length curve."
    body = make_body(name, dtype=torch.float64)
    if not has_curves(body):
        with pytest.raises(ValueError, match="optimal length"):
            force_length(body)
        return
    still = isometric_state(body, activation=0.5)
    curves = force_length(body, 0.5, n=561)
    moving = force_velocity(body, 0.5)
    optimal = body.optimal_muscle_length.double()
    for m, muscle in enumerate(body.muscle_names):
        normal = float(still["muscle_length"][m] / optimal[m])
        if 0.45 < normal < 1.75 and "tendon_force_length" not in body.muscle.state_names:
            expected = np.interp(normal, curves["length"], curves["force"].sel(muscle=muscle))
            assert float(still["muscle_force"][m]) == pytest.approx(expected, rel=0.01, abs=0.5)
    np.testing.assert_allclose(
        moving["active_force"].sel(velocity=0), curves["active_force"].sel(length=1.0, method="nearest"), rtol=0.01
    )
    np.testing.assert_allclose(curves["force"], curves["active_force"] + curves["passive_force"])


def test_a_body_without_muscles_can_be_held():
    "It takes no torque."
    still = isometric_state(mn.Effector(mn.TwoDofArm.arm26(), mn.ReluMuscle()))
    assert not still["joint_torque"].any() and still.sizes["muscle"] == 0


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda arm: isometric_state(arm, [9.0, 9.0]), "position limits"),
        (lambda arm: isometric_state(arm, activation=2.0), "numbers from 0 to 1"),
        (lambda arm: isometric_state(arm, activation=[0.1, 0.2]), "6 muscles"),
    ],
)
def test_what_does_not_fit_is_refused(what, message):
    with pytest.raises(ValueError, match=message):
        what(mn.geometric_arm26())


# ---- maps over postures


@pytest.mark.parametrize("muscle", ["thelen", "kistemaker"])
def test_passive_drift_golden(reference, precision, dtype, muscle):
    golden = reference("passive_drift_arm26").sel(muscle_model=muscle)
    model = {"thelen": mn.RigidTendonHillMuscleThelen, "kistemaker": mn.RigidTendonHillMuscle}[muscle]
    drift = passive_drift(mn.RigidTendonArm26(model(), dtype=dtype), duration=0.2, n=21)
    np.testing.assert_allclose(drift.shoulder, golden.shoulder, atol=1e-12)
    np.testing.assert_allclose(drift.elbow, golden.elbow, atol=1e-12)
    for name, theirs in (("start_position", "fingertip_start"), ("end_position", "fingertip_end")):
        assert_golden(drift[name], golden[f"{theirs}_{precision}"], precision, 1e-4, name)
    assert_golden(drift.end_joint_position, golden[f"joint_end_{precision}"][..., :2], precision, 1e-4, "joints")
    moved = golden[f"fingertip_end_{precision}"] - golden[f"fingertip_start_{precision}"]
    np.testing.assert_allclose(
        drift.displacement, np.linalg.norm(moved, axis=-1), atol=1e-10 if precision == "f64" else 1e-4
    )


def test_passive_drift_numbers_of_the_specification():
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), dtype=torch.float64)
    displacement = passive_drift(arm).displacement
    assert float(displacement.max()) == pytest.approx(0.129, abs=5e-4)
    assert float(displacement[10, 10]) == pytest.approx(0.0092, abs=5e-5)
    slack = mn.RigidTendonArm26(mn.RigidTendonHillMuscle(), dtype=torch.float64)
    assert float(passive_drift(slack).displacement.max()) == pytest.approx(0.0018, abs=5e-5)


@pytest.mark.parametrize("make", [mn.ReluPointMass24, mn.FreePointMass24, mn.Reacher, mn.geometric_arm26])
def test_passive_drift_of_any_body(make):
    body = make()
    drift = passive_drift(body, duration=0.05, n=3)
    assert tuple(drift.displacement.dims) == tuple(body.skeleton.joint_names)
    assert all(drift[v].attrs["units"] and drift[v].attrs["long_name"] for v in drift.data_vars)
    if make is not mn.geometric_arm26:  # relaxed ReLU muscles do not pull
        np.testing.assert_allclose(drift.displacement, 0, atol=1e-6)


@pytest.mark.parametrize("variant", ["rigid", "compliant"])
def test_moment_arm_map_golden(reference, precision, dtype, variant):
    golden = reference("geometry_arm26_polynomial").sel(variant=variant)
    if variant == "rigid":
        arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), dtype=dtype)
    else:
        arm = mn.CompliantTendonArm26(dtype=dtype)
    grid = moment_arm_map(arm, n=21)
    assert_golden(grid.moment_arm, golden[f"moment_arm_{precision}"], precision, 5e-6, "moment arm")
    assert_golden(grid.musculotendon_length, golden[f"length_{precision}"], precision, 5e-6, "length")


def test_moment_arm_is_the_slope_of_the_length():
    arm = mn.geometric_arm26(dtype=torch.float64)
    grid = moment_arm_map(arm, n=101)
    for joint in ("shoulder", "elbow"):
        slope = grid.musculotendon_length.differentiate(joint, edge_order=2)
        np.testing.assert_allclose(slope, grid.moment_arm.sel(joint=joint), atol=1e-3)


def test_moment_arms_along_one_joint_are_a_line_of_the_grid():
    arm = mn.geometric_arm26(dtype=torch.float64)
    grid = moment_arm_map(arm, n=5)
    line = moment_arm_map(arm, joint="elbow", n=5, posture=[float(grid.shoulder[2]), 0.5])
    assert line.moment_arm.dims == ("elbow", "joint", "muscle") and float(line.shoulder) == float(grid.shoulder[2])
    np.testing.assert_allclose(line.moment_arm, grid.moment_arm.isel(shoulder=2), atol=1e-12)


def test_moment_arms_of_a_point_mass_are_directions():
    grid = moment_arm_map(mn.ReluPointMass24(dtype=torch.float64), n=3)
    assert grid.moment_arm.attrs["units"] == "1" and [float(v) for v in grid.x] == [-1, 0, 1]
    np.testing.assert_allclose(np.linalg.norm(grid.moment_arm, axis=-2), 1)  # unit vectors towards the anchors
    np.testing.assert_allclose(grid.moment_arm.sel(x=0, y=0, muscle="lower left"), math.sqrt(0.5))


def test_gradients_may_be_wanted_of_the_body():
    strength = torch.full((6,), 500.0, dtype=torch.float64, requires_grad=True)
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), max_isometric_force=strength)
    assert passive_drift(arm, duration=0.02, n=2).displacement.notnull().all()
    assert moment_arm_map(arm, n=2).moment_arm.notnull().all()


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda arm: passive_drift(arm, n=1), "n = 1 .* at least 2"),
        (lambda arm: passive_drift(arm, n=2.0), "n = 2.0 .* whole number"),
        (lambda arm: passive_drift(arm, duration=0.0051), "duration = 0.0051 .* multiple"),
        (lambda arm: passive_drift(arm, duration=-1), "duration = -1 .* above 0"),
        (lambda arm: passive_drift(arm, duration=math.nan), "duration = nan"),
        (lambda arm: passive_drift("arm"), "effector = 'arm' .* an Effector"),
        (lambda arm: moment_arm_map(arm, joint="wrist"), "joint = 'wrist' .* 'shoulder', 'elbow'"),
        (lambda arm: moment_arm_map(arm, posture=[0.5]), "joint_state = .* 2 columns"),
        (lambda arm: moment_arm_map(arm, posture=[0.5, 9.0]), "within the position limits"),
        (lambda arm: moment_arm_map(None), "effector = None"),
    ],
)
def test_wrong_arguments_of_maps_are_refused(call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call(mn.ReluPointMass24() if "point mass" in says else mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()))

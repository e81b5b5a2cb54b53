"""Maps over the joint ranges: passive drift, moment arms."""

import math

import numpy as np
import pytest
import torch
from bodies import assert_golden

import motornet_nb as mn
from motornet_nb.body.statics import moment_arm_map, passive_drift


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

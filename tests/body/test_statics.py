"Held bodies: forces, torques, curves."

import numpy as np
import pytest
import torch
from bodies import BODIES, make_body

import motornet_nb as mn
from motornet_nb.body.posture import default_posture
from motornet_nb.body.statics import force_length, force_velocity, has_curves, isometric_state

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

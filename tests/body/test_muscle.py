"""Activation dynamics and the simplest muscle."""

import numpy as np
import pytest
import torch
from bodies import MUSCLES, assert_golden, one_muscle, tensor

from motornet_nb import Effector, Muscle, PointMass, ReluMuscle, ReluPointMass24
from motornet_nb.body.muscle import activation_rate


def relu_force(muscle, activation, dtype):
    "State of a ReLU muscle at imposed activations, as in the golden file."
    body = one_muscle(muscle, dtype, max_isometric_force=1000.0)
    c = body.coefficients().muscle
    activation = tensor(activation, dtype).reshape(-1, 1)
    length, velocity = torch.full_like(activation, 0.15), torch.full_like(activation, 0.3)
    return muscle.outputs(c, {"activation": activation}, length, velocity)


def test_relu_curve_agrees_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("muscle_relu")
    assert golden.attrs["max_isometric_force"] == 1000.0 and golden.attrs["musculotendon_length"] == 0.15
    state = relu_force(ReluMuscle(), golden["activation_in"].values, dtype)
    assert_golden(state["activation"][:, 0], golden[f"activation_{precision}"], precision, 1e-7, "activation")
    assert_golden(state["force"][:, 0], golden[f"force_{precision}"], precision, 5e-3, "force")
    assert_golden(state["length"][:, 0], np.full(len(state["length"]), 0.15), precision, 1e-7, "length")
    assert_golden(state["velocity"][:, 0], np.full(len(state["length"]), 0.3), precision, 1e-7, "velocity")


@pytest.mark.parametrize("index", range(3))
def test_activation_dynamics_agree_with_the_golden_numbers(reference, precision, dtype, index):
    golden = reference("activation_ode").isel(parameter_set=index)
    names = ("min_activation", "tau_activation", "tau_deactivation")
    muscle = ReluMuscle(**{n: float(golden[n]) for n in names})
    c = one_muscle(muscle, dtype).coefficients().muscle
    drive, activation = np.meshgrid(golden["action"], golden["activation"], indexing="ij")
    drive = muscle.drive_within_range(c, tensor(drive, dtype))
    rate = muscle.rates(c, {"activation": tensor(activation, dtype)}, drive, None, None)["activation"]
    # 1e-3 of 70 /s is a few units in the last place of float32
    assert_golden(rate, golden[f"derivative_{precision}"], precision, 2e-5, "rate")


@pytest.mark.parametrize(("drive", "activation", "rate"), [(1, 0, 1 / 0.0075), (0, 1, -2 / 0.05), (0.5, 0.5, 0.0)])
def test_activation_rises_faster_than_it_falls(drive, activation, rate):
    got = activation_rate(tensor([[drive]]), tensor([[activation]]), tensor(0.015), tensor(0.05))
    assert got.item() == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize("name", MUSCLES)
def test_drives_outside_the_range_are_clipped(name):
    body = one_muscle(MUSCLES[name](), optimal_muscle_length=0.1) if name != "relu" else one_muscle(ReluMuscle())
    c = body.coefficients()
    start = body.initial_state(tensor([[0.2, 0.0, 0.0, 0.0]]), c)
    floor = body.muscle.min_activation.item()
    for wild, tame in ((-3.0, floor), (0.0, floor), (7.0, 1.0)):
        a, b = (body.advance(start, tensor([[u]]), c=c) for u in (wild, tame))
        assert torch.equal(a.muscle["activation"], b.muscle["activation"])


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("name", MUSCLES)
def test_activation_stays_within_its_range(name, method):
    body = ReluPointMass24() if name == "relu" else None
    body = Effector(PointMass(), MUSCLES[name](), timestep=0.02, integration_method=method, dtype=torch.float64)
    body.add_muscle([0, 1], [[2.0, 0.0], [0.0, 0.0]]).reset(options={"joint_state": [0.0, 0.0]})
    floor = body.muscle.min_activation.item()
    seen = []
    for drive in [5.0] * 10 + [-5.0] * 40:
        seen.append(body.step([drive])["muscle"][0, 0, 0].item())
    assert min(seen) >= floor and max(seen) <= 1
    assert seen[9] > 0.95 and seen[-1] < floor + 0.02


def test_relu_force_is_activation_times_maximum():
    state = relu_force(ReluMuscle(), [0.0, 0.25, 1.0], torch.float64)
    assert state["force"].flatten().tolist() == [0.0, 250.0, 1000.0]


def test_relu_force_at_reset_is_that_of_the_smallest_activation():
    body = one_muscle(ReluMuscle(min_activation=0.1), max_isometric_force=100.0)
    assert body.reset(options={"joint_state": [0.0, 0.0]})["muscle"][0, :, 0].tolist() == [0.1, 1.0, 0.0, 10.0]
    assert one_muscle(ReluMuscle()).reset()["muscle"][0, -1, 0] == 0


@pytest.mark.parametrize("name", MUSCLES)
def test_state_columns_come_in_the_documented_order(name):
    rigid = (
        "activation",
        "length",
        "velocity",
        "passive_force_length",
        "active_force_length",
        "force_velocity",
        "force",
    )
    expected = {
        "relu": ("activation", "length", "velocity", "force"),
        "mujoco": rigid,
        "thelen": rigid,
        "kistemaker rigid": (*rigid[:5], "active_force", "force"),
        "kistemaker compliant": (*rigid[:4], "tendon_force_length", "active_force", "force"),
    }
    assert MUSCLES[name]().state_names == expected[name]


@pytest.mark.parametrize(
    ("name", "floor", "rise", "fall"),
    [
        ("relu", 0.0, 0.015, 0.05),
        ("mujoco", 0.0, 0.01, 0.04),
        ("thelen", 0.001, 0.015, 0.05),
        ("kistemaker rigid", 0.001, 0.015, 0.05),
        ("kistemaker compliant", 0.01, 0.015, 0.05),
    ],
)
def test_default_time_constants_are_those_of_the_paper(name, floor, rise, fall):
    muscle = MUSCLES[name]()
    assert muscle.min_activation.item() == floor
    assert (muscle.tau_activation.item(), muscle.tau_deactivation.item()) == (rise, fall)


def test_a_muscle_model_without_equations_says_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Muscle does not define evaluate\(\)"):
        one_muscle(Muscle()).reset()

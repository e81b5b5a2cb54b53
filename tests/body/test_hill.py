"""What all Hill-type muscles share: golden curves and initial states, columns, continuity, floors, their former names."""

import numpy as np
import pytest
import torch
from bodies import MUSCLES, assert_golden, hill_coefficients, one_muscle, slack_of, tensor

from motornet_nb import (
    CompliantTendonHillMuscle,
    MujocoHillMuscle,
    RigidTendonHillMuscle,
    RigidTendonHillMuscleThelen,
)

RIGID = {
    "mujoco_hill": MujocoHillMuscle,
    "thelen_rigid": RigidTendonHillMuscleThelen,
    "kistemaker_rigid": RigidTendonHillMuscle,
}
PRECISE = torch.float64


@pytest.mark.parametrize("name", RIGID)
def test_rigid_curves_agree_with_the_golden_numbers(reference, precision, dtype, name):
    golden = reference(f"muscle_{name}")
    optimal, tendon = float(golden.attrs["l0_ce"]), float(golden.attrs["l0_se"])
    muscle = RIGID[name]()
    sizes = {"optimal_muscle_length": optimal, "tendon_length": tendon} | slack_of(golden, muscle)
    c = hill_coefficients(muscle, dtype, max_isometric_force=float(golden.attrs["max_isometric_force"]), **sizes)
    axes = (golden["activation"], golden["length_norm"] * optimal + tendon, golden["velocity_norm"] * optimal)
    grid = np.meshgrid(*axes, indexing="ij")
    activation, length, velocity = (tensor(g, dtype) for g in grid)
    state = muscle.outputs(c, {"activation": activation}, length, velocity)
    last = "active_force" if name == "kistemaker_rigid" else "fv"
    columns = {"flpe": "passive_force_length", "flce": "active_force_length", last: muscle.state_names[5]}
    for stored, column in columns.items():
        assert_golden(state[column], golden[f"{stored}_{precision}"], precision, 1e-5, column)
    assert_golden(state["force"], golden[f"force_{precision}"], precision, 5e-3, "force")


@pytest.mark.parametrize("name", ["relu", *RIGID, "kistemaker_compliant"])
def test_initial_states_agree_with_the_golden_numbers(reference, precision, dtype, name):
    golden = reference("muscle_initial_states")
    muscle = {**RIGID, "relu": MUSCLES["relu"], "kistemaker_compliant": CompliantTendonHillMuscle}[name]()
    sizes = {
        "max_isometric_force": golden.attrs["max_isometric_force"],
        "optimal_muscle_length": golden.attrs["l0_ce"],
        "tendon_length": golden.attrs["l0_se"],
        "normalized_slack_muscle_length": 1.25 if name == "thelen_rigid" else 1.4,  # from the file's note
    }
    sizes = {k: float(v) for k, v in sizes.items() if k in muscle.muscle_declarations}
    c = one_muscle(muscle, dtype, **sizes).coefficients().muscle
    length = tensor(golden["musculotendon_length"], dtype).reshape(-1, 1)
    velocity = torch.full_like(length, float(golden.attrs["musculotendon_velocity"]))
    state = muscle.initial_state(c, length, velocity)
    absolute = {"activation": 1e-7, "length": 1e-6, "velocity": 5e-4, "force": 3e-2}  # 5e-3 of l0/s is 5e-4 m/s
    for i, column in enumerate(muscle.state_names):
        want = golden[f"{name}_{precision}"].values[:, i]
        assert_golden(state[column][:, 0], want, precision, absolute.get(column, 3e-5), column)


@pytest.mark.parametrize("name", RIGID)
def test_rigid_force_is_made_of_its_columns(name):
    muscle = RIGID[name]()
    c = hill_coefficients(muscle)
    activation, length, velocity = tensor([[0.3, 0.8, 1.0]]), tensor([[0.13, 0.15, 0.22]]), tensor([[-0.2, 0.1, 0.0]])
    s = muscle.evaluate(c, activation, length, velocity)
    active = (
        s["active_force"] if name == "kistemaker_rigid" else activation * s["active_force_length"] * s["force_velocity"]
    )
    assert torch.allclose(s["force"], 1000 * (active + s["passive_force_length"]), rtol=1e-12)


def largest_step(curve, low, high, n):
    "The largest change of a curve from one point of a grid to the next."
    return curve(torch.linspace(low, high, n, dtype=PRECISE).reshape(-1, 1)).diff(dim=0).abs().max().item()


def rigid_curves(muscle, c):
    "Force over length, velocity and activation: name -> (function, low, high)."

    def force(a=0.5, length=0.14, velocity=0.05):
        a, length, velocity = torch.broadcast_tensors(
            *(torch.as_tensor(x, dtype=PRECISE) for x in (a, length, velocity))
        )
        return muscle.evaluate(c, a, length, velocity)["force"]

    return {
        "length": (lambda x: force(length=x), 0.06, 0.25),
        "velocity": (lambda x: force(velocity=x), -2.0, 2.0),
        "activation, weak": (lambda x: force(a=x), 0.01, 0.29),
        "activation, strong": (lambda x: force(a=x), 0.31, 1.0),
    }


def compliant_curves(muscle, c):
    "Force over length and velocity over force: name -> (function, low, high)."

    def force(length):
        state = {"activation": torch.full_like(length, 0.5), "length": torch.full_like(length, 0.1)}
        return muscle.outputs(c, state, length, None)["force"]

    def velocity(active):
        half, normal = torch.full_like(active, 0.5), torch.full_like(active, 0.9)
        return muscle.velocity_from_force(half, normal, muscle.active_force_length(normal), active)

    return {"length": (force, 0.1, 0.2), "active force": (velocity, 0.1, 0.9)}


@pytest.mark.parametrize("name", [*RIGID, "kistemaker_compliant"])
def test_curves_are_continuous(name):
    muscle = {**RIGID, "kistemaker_compliant": CompliantTendonHillMuscle}[name]()
    curves = (compliant_curves if name == "kistemaker_compliant" else rigid_curves)(muscle, hill_coefficients(muscle))
    for over, (curve, low, high) in curves.items():
        # on a grid ten times finer the largest step of a continuous curve is ten times smaller; a jump stays
        coarse, fine = largest_step(curve, low, high, 2_001), largest_step(curve, low, high, 20_001)
        assert 0 < fine < 0.15 * coarse, over


def test_lengths_have_a_floor():
    floors = {"mujoco_hill": 0.001, "thelen_rigid": 0.001, "kistemaker_rigid": 0.0}
    for name, floor in floors.items():
        muscle = RIGID[name]()
        state = muscle.evaluate(hill_coefficients(muscle), tensor([[0.5]]), tensor([[0.01]]), tensor([[0.0]]))
        assert state["length"].item() == floor
        assert torch.isfinite(state["force"]).all()


@pytest.mark.parametrize("before", [True, False])
def test_a_muscle_at_rest_by_its_former_name(before):
    "Who wrote a muscle with `held` is heard under `isometric_state`, and the other way round; so is what `super` gives."

    def at_rest(self, c, activation, length):
        return super(Strong, self).isometric_state(c, activation, length) | {"force": 2 * activation}

    Strong = type("Strong", (MUSCLES["relu"],), {"held" if before else "isometric_state": at_rest})
    half, muscle = tensor([[0.5]]), Strong()
    c = muscle.coefficients({"max_isometric_force": tensor([1.0])})
    assert muscle.held(c, half, half)["force"] == muscle.isometric_state(c, half, half)["force"] == 1.0
    assert MUSCLES["relu"]().held(c, half, half)["force"] == 0.5

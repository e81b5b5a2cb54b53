"""Hill-type muscles: curves, initial states, the alternatives to debatable choices."""

import numpy as np
import pytest
import torch
from bodies import MUSCLES, assert_golden, one_muscle, tensor

from motornet_nb import (
    CompliantTendonHillMuscle,
    MujocoHillMuscle,
    RigidTendonHillMuscle,
    RigidTendonHillMuscleThelen,
)
from motornet_nb.body.mujoco import active_force_length_bump

RIGID = {
    "mujoco_hill": MujocoHillMuscle,
    "thelen_rigid": RigidTendonHillMuscleThelen,
    "kistemaker_rigid": RigidTendonHillMuscle,
}
PRECISE = torch.float64


def coefficients(muscle, dtype=PRECISE, **per_muscle):
    "Coefficients of a muscle with the sizes of the golden files: l0 0.1 m, tendon 0.05 m, 1000 N."
    sizes = {"max_isometric_force": 1000.0, "optimal_muscle_length": 0.1, "tendon_length": 0.05} | per_muscle
    return one_muscle(muscle, dtype, **sizes).coefficients().muscle


def slack_of(golden, muscle):
    "The golden file's passive parameter, under the name that the model gives it."
    if isinstance(muscle, MujocoHillMuscle):
        return {"fpmax": float(golden.attrs["fpmax"])}
    return {"normalized_slack_muscle_length": float(golden.attrs["normalized_slack_muscle_length"])}


@pytest.mark.parametrize("name", RIGID)
def test_rigid_curves_agree_with_the_golden_numbers(reference, precision, dtype, name):
    golden = reference(f"muscle_{name}")
    optimal, tendon = float(golden.attrs["l0_ce"]), float(golden.attrs["l0_se"])
    muscle = RIGID[name]()
    sizes = {"optimal_muscle_length": optimal, "tendon_length": tendon} | slack_of(golden, muscle)
    c = coefficients(muscle, dtype, max_isometric_force=float(golden.attrs["max_isometric_force"]), **sizes)
    axes = (golden["activation"], golden["length_norm"] * optimal + tendon, golden["velocity_norm"] * optimal)
    grid = np.meshgrid(*axes, indexing="ij")
    activation, length, velocity = (tensor(g, dtype) for g in grid)
    state = muscle.outputs(c, {"activation": activation}, length, velocity)
    last = "active_force" if name == "kistemaker_rigid" else "fv"
    columns = {"flpe": "passive_force_length", "flce": "active_force_length", last: muscle.state_names[5]}
    for stored, column in columns.items():
        assert_golden(state[column], golden[f"{stored}_{precision}"], precision, 1e-5, column)
    assert_golden(state["force"], golden[f"force_{precision}"], precision, 5e-3, "force")


def test_compliant_force_velocity_curve_agrees_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("muscle_kistemaker_compliant")
    muscle, optimal = CompliantTendonHillMuscle(), float(golden.attrs["l0_ce"])
    c = coefficients(muscle, dtype, **slack_of(golden, muscle))
    grid = np.meshgrid(golden["activation"], golden["length_norm"] * optimal, golden["active_force"], indexing="ij")
    activation, length, active = (tensor(g, dtype) for g in grid)
    velocity = muscle.contraction_velocity(c, activation, length, active) / optimal
    assert_golden(velocity, golden[f"velocity_norm_{precision}"], precision, 5e-3, "velocity")


def test_compliant_elastic_curves_agree_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("muscle_kistemaker_compliant")
    muscle, optimal = CompliantTendonHillMuscle(), float(golden.attrs["l0_ce"])
    c = coefficients(muscle, dtype, **slack_of(golden, muscle))
    grid = np.meshgrid(golden["musculotendon_length"], golden["length_norm"] * optimal, indexing="ij")
    total, length = (tensor(g, dtype) for g in grid)
    state = muscle.outputs(c, {"activation": torch.full_like(length, 0.5), "length": length}, total, None)
    columns = {"flpe": "passive_force_length", "flse": "tendon_force_length", "active_force_out": "active_force"}
    for stored, column in columns.items():
        assert_golden(state[column], golden[f"{stored}_{precision}"], precision, 2e-5, column)
    assert_golden(state["force"], golden[f"force_{precision}"], precision, 2e-2, "force")


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
    c = coefficients(muscle)
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
    curves = (compliant_curves if name == "kistemaker_compliant" else rigid_curves)(muscle, coefficients(muscle))
    for over, (curve, low, high) in curves.items():
        # on a grid ten times finer the largest step of a continuous curve is ten times smaller; a jump stays
        coarse, fine = largest_step(curve, low, high, 2_001), largest_step(curve, low, high, 20_001)
        assert 0 < fine < 0.15 * coarse, over


def test_lengths_have_a_floor():
    floors = {"mujoco_hill": 0.001, "thelen_rigid": 0.001, "kistemaker_rigid": 0.0}
    for name, floor in floors.items():
        muscle = RIGID[name]()
        state = muscle.evaluate(coefficients(muscle), tensor([[0.5]]), tensor([[0.01]]), tensor([[0.0]]))
        assert state["length"].item() == floor
        assert torch.isfinite(state["force"]).all()


def test_the_velocity_curve_of_the_compliant_model_inverts_that_of_the_rigid_one():
    generator = torch.Generator().manual_seed(3)
    rigid, compliant = RigidTendonHillMuscle(), CompliantTendonHillMuscle(a_rel_scaling="above")
    activation = 0.05 + 0.95 * torch.rand(1000, generator=generator, dtype=PRECISE)
    normal = 0.5 + torch.rand(1000, generator=generator, dtype=PRECISE)
    velocity = -4 + 6 * torch.rand(1000, generator=generator, dtype=PRECISE)
    force_length = rigid.active_force_length(normal)
    force = rigid.force_from_velocity(activation, normal, force_length, velocity)
    again = compliant.velocity_from_force(activation, normal, force_length, force)
    assert torch.allclose(again, velocity, rtol=1e-7, atol=1e-7)


def test_the_force_velocity_curve_is_twice_as_steep_for_lengthening():
    muscle, one = RigidTendonHillMuscle(), tensor([1.0])
    h = 1e-6
    f = {v: muscle.force_from_velocity(0.6 * one, one, one, v * one).item() for v in (-h, 0.0, h)}
    assert f[0.0] == pytest.approx(0.6, abs=1e-12)
    assert (f[h] - f[0.0]) / (f[0.0] - f[-h]) == pytest.approx(2.0, rel=1e-3)


def test_mujoco_bump_is_one_at_its_middle_and_zero_outside():
    lower, middle, upper = tensor(0.5), tensor(1.0), tensor(1.6)
    got = active_force_length_bump(tensor([0.2, 0.5, 0.75, 1.0, 1.3, 1.6, 2.0]), lower, middle, upper)
    assert got.tolist() == [0, 0, 0.5, 1, 0.5, 0, 0]


# ---- section 12 of the specification: defects not reproduced ----------------------------------------------------------


def test_compliant_initial_length_does_not_divide_by_zero():
    # l_T = 6.5 l0 with slack 1.4 makes a difference form 0/0; the right length is 0.15 m
    muscle = CompliantTendonHillMuscle()
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        body = one_muscle(muscle, dtype, optimal_muscle_length=0.1, tendon_length=0.65, max_isometric_force=1000.0)
        c = body.coefficients().muscle
        state = muscle.initial_state(c, tensor([[0.81]], dtype), tensor([[0.0]], dtype))
        assert state["length"].item() == pytest.approx(0.15, abs=tolerance)
        passive, tendon = state["passive_force_length"].item(), state["tendon_force_length"].item()
        assert passive == pytest.approx(tendon, abs=1e3 * tolerance)


@pytest.mark.parametrize("total", [0.14, 0.16, 0.19, 0.22])
def test_compliant_velocity_column_is_the_rate_of_change_of_the_length_column(total):
    # activation starts at its floor, so over a tiny step the length must move as the column says, in m/s
    muscle, h = CompliantTendonHillMuscle(), 1e-7
    c = coefficients(muscle)
    length, still = tensor([[total]]), tensor([[0.0]])
    start = muscle.initial_state(c, length, still)
    after = muscle.advance(c, start, tensor([[0.01]]), length, still, h)
    moved = (after["length"] - start["length"]) / h
    assert moved.item() == pytest.approx(start["velocity"].item(), rel=1e-6)
    assert after["velocity"].item() == pytest.approx(start["velocity"].item(), rel=1e-12)


def test_compliant_reset_does_not_advance_the_length():
    muscle = CompliantTendonHillMuscle()
    c = coefficients(muscle)
    state = muscle.initial_state(c, tensor([[0.16], [0.04], [0.205]]), tensor([[0.0]] * 3))
    just_slack, too_short, _ = state["length"][:, 0]
    assert just_slack.item() == pytest.approx(0.16 - 0.05, abs=1e-15)
    assert too_short.item() == pytest.approx(0.001 * 0.1, abs=1e-15)
    passive, tendon, active = (state[k][2] for k in ("passive_force_length", "tendon_force_length", "active_force"))
    assert tendon.item() == pytest.approx(passive.item(), rel=1e-12) and active.item() == pytest.approx(0, abs=1e-12)
    # a passive equilibrium at activation 0.01, not a steady state: about -0.17 l0/s
    assert state["velocity"][0].item() / 0.1 == pytest.approx(-0.17, abs=0.03)


def test_a_negative_musculotendon_length_is_refused():
    muscle = CompliantTendonHillMuscle()
    with pytest.raises(ValueError, match=r"musculotendon length = -0.01 is not allowed; it must be at least 0 m"):
        muscle.initial_state(coefficients(muscle), tensor([[0.2], [-0.01]]), tensor([[0.0], [0.0]]))


# ---- section 12 of the specification: debatable choices and their alternatives ----------------------------------------


def a_star(muscle, normal):
    return muscle._hyperbola(tensor([0.5]), tensor([normal]), muscle.active_force_length(tensor([normal])))[0].item()


@pytest.mark.parametrize(("normal", "above", "below"), [(0.8, 0.410, 0.372), (1.2, 0.372, 0.410)])
def test_a_star_is_scaled_on_the_side_that_was_chosen(normal, above, below):
    assert a_star(RigidTendonHillMuscle(), normal) == pytest.approx(above, abs=5e-4)
    assert a_star(CompliantTendonHillMuscle(), normal) == pytest.approx(below, abs=5e-4)
    assert a_star(RigidTendonHillMuscle(a_rel_scaling="below"), normal) == pytest.approx(below, abs=5e-4)
    assert a_star(CompliantTendonHillMuscle(a_rel_scaling="above"), normal) == pytest.approx(above, abs=5e-4)


@pytest.mark.parametrize(("square", "value"), [("bracket", 0.052), ("ratio", 0.52)])
def test_b_star_squares_the_bracket_or_only_the_ratio(square, value):
    for model in (RigidTendonHillMuscle, CompliantTendonHillMuscle):
        one = tensor([1.0])
        assert model(b_rel_square=square)._hyperbola(0.005 * one, one, one)[1].item() == pytest.approx(value, rel=1e-6)
        assert model(b_rel_square=square)._hyperbola(0.4 * one, one, one)[1].item() == pytest.approx(5.2, rel=1e-12)


def active_at(muscle, velocity):
    "Normalised active force at full activation and optimal length; velocity in l0/s."
    return muscle.evaluate(coefficients(muscle), tensor([[1.0]]), tensor([[0.15]]), tensor([[0.1 * velocity]]))


def test_kistemaker_rigid_velocity_is_in_tens_of_lengths_per_second_unless_asked_otherwise():
    muscle = RigidTendonHillMuscle()
    assert active_at(muscle, -10)["active_force"].item() == pytest.approx(0.77, abs=0.005)
    assert active_at(muscle, -126.7)["active_force"].item() > 0 == active_at(muscle, -126.9)["active_force"].item()
    other = RigidTendonHillMuscle(velocity_unit="l0/s")
    assert active_at(other, -12.6)["active_force"].item() > 0 == active_at(other, -12.8)["active_force"].item()


def test_mujoco_vmax_is_in_metres_per_second_unless_asked_otherwise():
    assert active_at(MujocoHillMuscle(), -1.5)["force_velocity"].item() == pytest.approx(0.81, abs=1e-12)
    assert active_at(MujocoHillMuscle(velocity_unit="l0/s"), -1.5)["force_velocity"].item() == pytest.approx(
        0, abs=1e-12
    )


def test_mujoco_fpmax_scales_the_passive_force():
    muscle = MujocoHillMuscle()

    def passive(peak):
        c = coefficients(muscle, fpmax=peak)
        return muscle.evaluate(c, tensor([[0.0]]), tensor([[0.16]]), tensor([[0.0]]))["passive_force_length"].item()

    assert passive(1.3) == pytest.approx(0.0120, abs=5e-5) and passive(2.6) == pytest.approx(0.0241, abs=5e-5)
    assert passive(2.6) == pytest.approx(2 * passive(1.3), rel=1e-12)


def test_mujoco_passive_scale_scales_the_force_but_not_the_column():
    at = tensor([[0.0]]), tensor([[0.20]]), tensor([[0.0]])
    full, half = (m.evaluate(coefficients(m), *at) for m in (MujocoHillMuscle(), MujocoHillMuscle(passive_scale=0.5)))
    assert half["force"].item() == pytest.approx(full["force"].item() / 2, rel=1e-12)
    assert full["force"].item() > 0 and torch.equal(half["passive_force_length"], full["passive_force_length"])


def test_tendon_force_is_capped_unless_asked_otherwise():
    for capped, expected in ((True, 1.0), (False, 4.0)):
        muscle = CompliantTendonHillMuscle(cap_tendon_force=capped)
        state = {"activation": tensor([[0.5]]), "length": tensor([[0.1]])}
        got = muscle.outputs(coefficients(muscle), state, tensor([[0.1 + 0.05 * 1.08]]), None)  # 8 % strain
        assert got["tendon_force_length"].item() == pytest.approx(expected, rel=1e-9)
        assert got["force"].item() == pytest.approx(1000 * expected, rel=1e-9)


@pytest.mark.parametrize(
    ("activation", "normal", "force"),
    [
        (torch.linspace(0.01, 1, 12), torch.linspace(0.5, 1.7, 7), torch.linspace(0, 1.6, 41)),
        (torch.linspace(0.0005, 0.005, 10), torch.linspace(0.2, 0.4, 5), torch.linspace(0, 2e-4, 101)),  # no real root
    ],
    ids=["usual", "hardly active"],
)
def test_the_compliant_velocity_and_its_gradient_are_finite_everywhere(activation, normal, force):
    muscle = CompliantTendonHillMuscle()
    at = [x.to(PRECISE).requires_grad_() for x in torch.meshgrid(activation, normal, force, indexing="ij")]
    speed = muscle.velocity_from_force(at[0], at[1], muscle.active_force_length(at[1]), at[2])
    assert torch.isfinite(speed).all()
    for grad in torch.autograd.grad(speed.sum(), at):
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize("model", [RigidTendonHillMuscle, CompliantTendonHillMuscle])
def test_kistemaker_muscles_need_some_activation(model):
    with pytest.raises(ValueError, match=r"min_activation = 0 is not allowed; it must be a finite number above 0"):
        model(min_activation=0)
    muscle = model(min_activation=0.002)
    state = muscle.initial_state(coefficients(muscle), tensor([[0.12, 0.16, 0.2]]), tensor([[0.0] * 3]))
    assert all(torch.isfinite(v).all() for v in state.values())


@pytest.mark.parametrize(
    ("model", "slack", "message"),
    [
        (
            RigidTendonHillMuscle,
            1.66,
            r"normalized_slack_muscle_length = \[1.66\] is not allowed; it must be below 1.66",
        ),
        (
            CompliantTendonHillMuscle,
            2.0,
            r"normalized_slack_muscle_length = \[2.0\] is not allowed; it must be below 1.66",
        ),
    ],
)
def test_a_slack_length_beyond_the_passive_curve_is_refused(model, slack, message):
    with pytest.raises(ValueError, match=message):
        one_muscle(model(), normalized_slack_muscle_length=slack)
    assert one_muscle(RigidTendonHillMuscleThelen(), normalized_slack_muscle_length=slack).n_muscles == 1

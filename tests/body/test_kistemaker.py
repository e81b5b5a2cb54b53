"""Kistemaker's muscle: curves and their inverse, the tendon, the alternatives to debatable choices."""

import numpy as np
import pytest
import torch
from bodies import active_at, assert_golden, hill_coefficients, one_muscle, slack_of, tensor

from motornet_nb import CompliantTendonHillMuscle, RigidTendonHillMuscle, RigidTendonHillMuscleThelen

PRECISE = torch.float64


def test_compliant_force_velocity_curve_agrees_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("muscle_kistemaker_compliant")
    muscle, optimal = CompliantTendonHillMuscle(), float(golden.attrs["l0_ce"])
    c = hill_coefficients(muscle, dtype, **slack_of(golden, muscle))
    grid = np.meshgrid(golden["activation"], golden["length_norm"] * optimal, golden["active_force"], indexing="ij")
    activation, length, active = (tensor(g, dtype) for g in grid)
    velocity = muscle.contraction_velocity(c, activation, length, active) / optimal
    assert_golden(velocity, golden[f"velocity_norm_{precision}"], precision, 5e-3, "velocity")


def test_compliant_elastic_curves_agree_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("muscle_kistemaker_compliant")
    muscle, optimal = CompliantTendonHillMuscle(), float(golden.attrs["l0_ce"])
    c = hill_coefficients(muscle, dtype, **slack_of(golden, muscle))
    grid = np.meshgrid(golden["musculotendon_length"], golden["length_norm"] * optimal, indexing="ij")
    total, length = (tensor(g, dtype) for g in grid)
    state = muscle.outputs(c, {"activation": torch.full_like(length, 0.5), "length": length}, total, None)
    columns = {"flpe": "passive_force_length", "flse": "tendon_force_length", "active_force_out": "active_force"}
    for stored, column in columns.items():
        assert_golden(state[column], golden[f"{stored}_{precision}"], precision, 2e-5, column)
    assert_golden(state["force"], golden[f"force_{precision}"], precision, 2e-2, "force")


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
    c = hill_coefficients(muscle)
    length, still = tensor([[total]]), tensor([[0.0]])
    start = muscle.initial_state(c, length, still)
    after = muscle.advance(c, start, tensor([[0.01]]), length, still, h)
    moved = (after["length"] - start["length"]) / h
    assert moved.item() == pytest.approx(start["velocity"].item(), rel=1e-6)
    assert after["velocity"].item() == pytest.approx(start["velocity"].item(), rel=1e-12)


def test_compliant_reset_does_not_advance_the_length():
    muscle = CompliantTendonHillMuscle()
    c = hill_coefficients(muscle)
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
        muscle.initial_state(hill_coefficients(muscle), tensor([[0.2], [-0.01]]), tensor([[0.0], [0.0]]))


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


def test_kistemaker_rigid_velocity_is_in_tens_of_lengths_per_second_unless_asked_otherwise():
    muscle = RigidTendonHillMuscle()
    assert active_at(muscle, -10)["active_force"].item() == pytest.approx(0.77, abs=0.005)
    assert active_at(muscle, -126.7)["active_force"].item() > 0 == active_at(muscle, -126.9)["active_force"].item()
    other = RigidTendonHillMuscle(velocity_unit="l0/s")
    assert active_at(other, -12.6)["active_force"].item() > 0 == active_at(other, -12.8)["active_force"].item()


def test_tendon_force_is_capped_unless_asked_otherwise():
    for capped, expected in ((True, 1.0), (False, 4.0)):
        muscle = CompliantTendonHillMuscle(cap_tendon_force=capped)
        state = {"activation": tensor([[0.5]]), "length": tensor([[0.1]])}
        got = muscle.outputs(hill_coefficients(muscle), state, tensor([[0.1 + 0.05 * 1.08]]), None)  # 8 % strain
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
    state = muscle.initial_state(hill_coefficients(muscle), tensor([[0.12, 0.16, 0.2]]), tensor([[0.0] * 3]))
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

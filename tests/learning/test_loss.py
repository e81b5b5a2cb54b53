"""The paper's loss against plain arithmetic; losses that are reweighted, added to, made from scratch, saved."""

import inspect
import json

import numpy as np
import pytest
import torch
from reaches import arrays, played_reaches
from worlds import Perceptron, network, point_mass_world

import motornet_nb as mn
from motornet_nb import CenterOutReach, Loss, ReachLoss, Term, from_config, play
from motornet_nb.core.registry import choices
from motornet_nb.learning import loss_terms
from motornet_nb.learning.loss_terms import (
    FunctionTerm,
    HiddenRate,
    MuscleActivation,
    PositionError,
    WeightPenalty,
)


@pytest.fixture(scope="module")
def played():
    "A rollout of the arm in double precision."
    return played_reaches()


def equation(played, alpha=2.0, beta=5.0, gamma=0.1, kappa=0.05, kernel=1e-6, radius=0.01):
    "Equation 1, trial by trial and element by element."
    x, target, u, h = arrays(played)
    f = np.array([838.0, 1207, 1422, 1549, 414, 603])
    position = []
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            error = np.abs(x[b, t] - target[b, t])
            position += [0.0, 0.0] if error.sum() < radius else list(error)
    muscle = np.mean([(u[b, t, m] * f[m] / f.mean()) ** 2 for b, t, m in np.ndindex(u.shape)])
    rate = np.mean([((h[b, t + 1] - h[b, t]) / 0.01) ** 2 for b in range(len(h)) for t in range(h.shape[1] - 1)])
    weights = played.policy.weight_ih.detach().numpy()
    return {
        "position": alpha * np.mean(position),
        "muscle": beta * muscle,
        "hidden": gamma * np.mean(h**2),
        "hidden_rate": gamma * kappa * rate,
        "kernel": kernel * (weights**2).sum(),
    }


def test_the_loss_is_the_equation(played):
    "Every term and the total, to rounding."
    for arguments in (
        {},
        {"radius": 0.0},
        {"radius": 0.2, "alpha": 3.0, "kappa": 0.5, "kernel": 1e-3, "beta": 1.0, "gamma": 0.7},
    ):
        total, parts = ReachLoss(**arguments)(played)
        want = equation(played, **arguments)
        assert list(parts) == list(want)
        for name, value in want.items():
            assert parts[name].item() == pytest.approx(value, rel=1e-10), name
        assert total.item() == pytest.approx(sum(want.values()), rel=1e-10)
        assert total.requires_grad and total.shape == ()


def test_gradients_are_those_of_the_equation():
    "The gradient of the position term is the sign of the error outside the radius, and 0 inside."
    env = point_mass_world()
    played = play(network(env), env, env.sample(20, 0))
    x = (played["target_position"] + torch.linspace(-0.02, 0.02, 10)[None, :, None]).detach().requires_grad_()
    played._made["endpoint_position", True] = x
    PositionError(radius=0.02)(played).backward()
    error = (x - played["target_position"]).detach()
    outside = error.abs().sum(-1, keepdim=True) >= 0.02
    torch.testing.assert_close(x.grad, error.sign() * outside / error.numel())
    assert outside.any() and not outside.all()


def test_reweight(played):
    "Other weights for some terms; the others stay; the loss itself does not change."
    loss = ReachLoss()
    _, before = loss(played)
    total, parts = loss.reweight(position=6.0, muscle=0.0)(played)
    assert parts["position"].item() == pytest.approx(3 * before["position"].item()) and "muscle" not in parts
    assert parts["hidden"].item() == before["hidden"].item()
    assert total.item() == pytest.approx(sum(p.item() for p in parts.values()))
    assert loss(played)[1].keys() == before.keys() and loss == ReachLoss()


def test_add_replace_and_leave_out(played):
    "A term or a function, under a new name or an old one; without() takes some away."
    loss = ReachLoss().add("force", lambda r: r["muscle_force"].square().mean(), 1e-8)
    _, parts = loss(played)
    want = 1e-8 * played["muscle_force"].square().mean()
    assert list(parts)[-1] == "force" and parts["force"].item() == pytest.approx(want.item())
    replaced = ReachLoss().add("position", PositionError(radius=0.0, distance="euclidean"), 1.0)
    assert list(replaced(played)[1]) == list(ReachLoss()(played)[1])
    assert replaced(played)[1]["position"].item() == pytest.approx(PositionError(radius=0.0)(played).item())
    total, parts = loss.without("position", "hidden_rate", "kernel")(played)
    assert set(parts) == {"muscle", "hidden", "force"} and total.item() == pytest.approx(
        sum(p.item() for p in parts.values())
    )


class FinalError(Term):
    "A term of one's own: distance from the goal at the end."

    power = mn.parameters.number(2.0, "1", "exponent", above=0)

    def forward(self, rollout):
        return (rollout["endpoint_position"][:, -1] - rollout.trials.goal).norm(dim=-1).pow(self.power).mean()


def test_a_loss_from_scratch(played):
    "Weights and terms by name, with a term of one's own."
    loss = Loss({"end": 3.0, "effort": 0.5}, {"end": FinalError(), "effort": MuscleActivation()})
    total, parts = loss(played)
    assert parts["end"].item() == pytest.approx(3 * FinalError()(played).item())
    assert total.item() == pytest.approx(3 * FinalError()(played).item() + 0.5 * MuscleActivation()(played).item())


LOSSES = [
    ReachLoss(alpha=1.0, radius=0.02),
    ReachLoss().reweight(position=4.0).without("kernel"),
    ReachLoss().add("end", FinalError(power=1.0), 0.3),
    Loss({"a": 1.0}, {"a": PositionError(distance="euclidean")}),
    WeightPenalty(parameters_with="weight"),
]


@pytest.mark.parametrize("loss", LOSSES, ids=["paper", "reweighted", "own term", "scratch", "term"])
def test_configuration_round_trip(loss, played):
    "Through JSON and as printed Python; the rebuilt loss gives the same number."
    again = from_config(json.loads(json.dumps(loss.to_config())))
    names = vars(mn) | vars(loss_terms) | globals()
    assert again == loss and eval(repr(loss), names) == loss
    a, b = (x(played) for x in (loss, again))
    assert (a[0] if isinstance(a, tuple) else a).item() == (b[0] if isinstance(b, tuple) else b).item()
    assert loss != ReachLoss(alpha=77.0)


def test_a_function_cannot_be_saved(played):
    "The message says so; it is a term all the same."
    loss = ReachLoss().add("mine", lambda r: r["activation"].mean())
    assert isinstance(loss.terms["mine"], FunctionTerm)
    with pytest.raises(TypeError, match=r"function .* cannot be written"):
        loss.to_config()


def test_a_network_without_memory_has_no_hidden_activity():
    "The default loss says what to leave out; without those terms it works."
    env = point_mass_world(CenterOutReach(), duration=0.15)
    played = play(Perceptron(env.n_observations, env.n_actions), env)
    with pytest.raises(ValueError, match=r"hidden state; use loss.without"):
        ReachLoss()(played)
    total, parts = ReachLoss().without("hidden", "hidden_rate")(played)
    assert set(parts) == {"position", "muscle", "kernel"} and torch.isfinite(total)
    ReachLoss(gamma=0.0)(played)


WRONG = [
    (lambda: ReachLoss(alpha=-1.0), "alpha"),
    (lambda: ReachLoss(radius=float("nan")), "radius"),
    (lambda: PositionError(distance="manhattan"), "distance"),
    (lambda: WeightPenalty(parameters_with=""), "parameters_with"),
    (lambda: Loss({"a": 1.0}, {}), "weights"),
    (lambda: Loss({"a": "much"}, {"a": HiddenRate()}), "weights"),
    (lambda: ReachLoss().reweight(speed=1.0), "speed"),
    (lambda: ReachLoss().without("speed"), "names"),
    (lambda: FunctionTerm(function=3), "function"),
]


@pytest.mark.parametrize(("make", "name"), WRONG, ids=[n for _, n in WRONG])
def test_wrong_arguments_are_refused(make, name):
    "The message names the argument and what is allowed."
    with pytest.raises(ValueError, match=rf"{name} = .* it must be "):
        make()


def test_other_wrong_uses_are_refused(played):
    "A term that is none, a loss without weight, the base class."
    with pytest.raises(TypeError, match="terms = 3"):
        ReachLoss().add("three", 3)
    with pytest.raises(ValueError, match=r"weights .*not all 0"):
        Loss({"a": 0.0}, {"a": HiddenRate()})(played)
    with pytest.raises(NotImplementedError, match="forward"):
        Term()(played)


def test_losses_and_terms_can_be_chosen(played):
    "From menus, by readable names; what is chosen can be made without arguments, and gives a number."
    losses, terms = choices(Loss), choices(Term)
    assert losses["reaches (the paper's loss)"] is ReachLoss and "squared distance of the hand" in losses
    assert terms["position error"] is PositionError
    for make in losses.values():
        assert torch.isfinite(make()(played)[0])


def test_the_reach_loss_takes_the_symbols_of_its_equation():
    "Weights and terms follow from them, and are no arguments."
    assert list(inspect.signature(ReachLoss).parameters) == ["alpha", "beta", "gamma", "kappa", "kernel", "radius"]
    loss = ReachLoss(gamma=0.2)
    assert repr(loss) == "ReachLoss(gamma=0.2)" and list(loss.to_config())[1:] == list(loss.declarations)
    assert loss.weights["hidden_rate"] == 0.2 * 0.05 and loss.terms.keys() == loss.weights.keys()
    with pytest.raises(TypeError, match="no argument 'weights'"):
        ReachLoss(weights={})

"""The paper's loss against plain arithmetic, and its terms: reweighted, replaced, added, left out, saved."""

import json

import numpy as np
import pytest
import torch
from worlds import Perceptron, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb import CenterOutReach, DelayedReach, Environment, Loss, ReachLoss, Term, from_config, play
from motornet_nb.learning.loss import (
    FunctionTerm,
    HiddenActivity,
    HiddenRate,
    MuscleActivation,
    PositionError,
    WeightPenalty,
)


@pytest.fixture(scope="module")
def played():
    "A rollout of the arm in double precision."
    env = Environment(arm().double(), DelayedReach(), duration=0.3, vision_delay=0.05)
    return play(network(env), env, env.sample(7, 0, "train"))


def arrays(played):
    "What the loss looks at, as NumPy arrays."
    names = ("endpoint_position", "target_position", "activation", "hidden")
    return [played[n].detach().numpy() for n in names]


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


def test_inside_the_target_there_is_no_position_error(played):
    "The radius is compared with the L1 distance, or with the Euclidean one; the error itself is the same outside."
    x, target, *_ = arrays(played)
    error = np.abs(x - target)
    size = {"l1": error.sum(-1), "euclidean": np.sqrt((error**2).sum(-1))}
    radius = float(np.median(size["l1"]))
    values = {}
    for distance, d in size.items():
        want = np.where((d < radius)[..., None], 0, error).mean()
        values[distance] = PositionError(radius=radius, distance=distance)(played).item()
        assert values[distance] == pytest.approx(want, rel=1e-12)
    assert values["euclidean"] < values["l1"]
    assert PositionError(radius=0.0)(played).item() == pytest.approx(error.mean(), rel=1e-12)
    assert PositionError(radius=100.0)(played).item() == 0


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


def test_terms_by_themselves(played):
    "Each is a function of a rollout, without weight."
    _, _, _, h = arrays(played)
    assert HiddenActivity()(played).item() == pytest.approx((h**2).mean())
    assert HiddenRate()(played).item() == pytest.approx(((np.diff(h, axis=1) / 0.01) ** 2).mean())
    net = played.policy
    assert WeightPenalty()(played).item() == pytest.approx(net.weight_ih.square().sum().item())
    every = sum(p.square().sum().item() for p in (net.weight_ih, net.weight_hh, net.output.weight))
    assert WeightPenalty(parameters_with="weight")(played).item() == pytest.approx(every)
    assert MuscleActivation()(played) > 0


def test_weight_penalty_of_a_network_of_ones_own():
    "The first matrix, where none has the name."
    env = point_mass_world()
    net = Perceptron(env.n_observations, env.n_actions)
    played = play(net, env)
    assert WeightPenalty()(played).item() == pytest.approx(net.layers[0].weight.square().sum().item())


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
    names = vars(mn) | vars(mn.loss) | globals()
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


def test_terms_have_the_derivatives_of_their_equations():
    "Against finite differences, for every order in memory; kinks and the inside of the target are left out."
    from motornet_nb.learning.loss import _MeanDistance, _MeanSquareChange, mean_square

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64)
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        back = [order.index(d) for d in range(3)]
        given = x.permute(order).contiguous().permute(back).requires_grad_()
        assert given.shape == x.shape
        for function in (mean_square, _MeanSquareChange.apply):
            assert torch.autograd.gradcheck(function, (given,))
        for radius, euclidean in ((0.0, False), (0.8, False), (0.8, True)):
            assert torch.autograd.gradcheck(lambda e, r=radius, k=euclidean: _MeanDistance.apply(e, r, k), (given,))
        assert mean_square(given).item() == pytest.approx(x.square().mean().item(), rel=1e-12)
        change = x.diff(dim=1).square().mean().item()
        assert _MeanSquareChange.apply(given).item() == pytest.approx(change, rel=1e-12)
    four = torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(_MeanSquareChange.apply, (four,))


@pytest.mark.parametrize("shape", [(64, 100, 50), (64, 100, 100), (256, 200, 100), (7, 3, 5), (131073,)], ids=str)
@pytest.mark.parametrize("kind", ["uniform", "normal", "constant"])
def test_means_of_squares_are_exact_in_single_precision(shape, kind):
    "To 1e-6 of the same mean in double precision, over millions of numbers and whatever their order in memory."
    from motornet_nb.learning.loss import _MeanSquareChange, mean_square

    generator = torch.Generator().manual_seed(1)
    uniform = torch.rand(shape, generator=generator)
    x = {"uniform": 0.3 * uniform, "normal": uniform.normal_(generator=generator), "constant": torch.full(shape, 0.3)}
    for given in (x[kind], x[kind].transpose(0, -1)):
        want = given.double().square().mean().item()
        assert mean_square(given).item() == pytest.approx(want, rel=1e-6)
        if given.ndim == 3:
            moving = given if kind != "constant" else given * torch.arange(given.shape[1])[:, None]
            want = moving.diff(dim=1).double().square().mean().item()
            assert _MeanSquareChange.apply(moving).item() == pytest.approx(want, rel=1e-6)


def test_terms_are_exact_in_single_precision():
    "Every term of the paper's loss over a large batch, to 1e-6 of what it is in double precision."
    env = Environment(mn.ReluPointMass24(), CenterOutReach(), duration=1.0)
    played = play(network(env, n_units=50), env, env.sample(256, 0, "train"))
    _, parts = ReachLoss()(played)
    x, target, u, h = (torch.from_numpy(a).double() for a in arrays(played))
    error = (played["endpoint_position"].detach() - played["target_position"]).abs().double()
    outside = (error.float().sum(-1, keepdim=True) >= 0.01).double()
    want = {
        "position": 2 * (error * outside).mean(),
        "muscle": 5 * u.square().mean(),
        "hidden": 0.1 * h.square().mean(),
        "hidden_rate": 0.1 * 0.05 * (h.diff(dim=1) / 0.01).square().mean(),
        "kernel": 1e-6 * played.policy.weight_ih.detach().double().square().sum(),
    }
    for name, value in want.items():
        assert parts[name].item() == pytest.approx(value.item(), rel=1e-6), name
    assert torch.equal(x, played["endpoint_position"].detach().double()) and target.shape == x.shape


def test_an_episode_of_one_step_has_a_loss():
    "The rate of change of a single sample is 0, and so is its gradient; the other terms are what they are."
    from motornet_nb.learning.loss import _MeanSquareChange

    env = point_mass_world(CenterOutReach(go_time=0.0), duration=0.01)
    played = play(network(env), env)
    total, parts = ReachLoss()(played)
    assert parts["hidden_rate"].item() == 0
    assert parts["hidden"].item() == pytest.approx(0.1 * played["hidden"].square().mean().item(), rel=1e-6)
    total.backward()
    assert all(torch.isfinite(p.grad).all() for p in played.policy.parameters())
    one = torch.ones(3, 1, 4, requires_grad=True)
    _MeanSquareChange.apply(one).backward()
    assert one.grad.shape == one.shape and not one.grad.any()
    log = mn.train(played.policy, env, n_batches=3, batch_size=2, progress=False, engine="eager")
    assert np.isfinite(log.to_numpy()).all() and (log["hidden_rate"] == 0).all()

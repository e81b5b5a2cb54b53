"""Quantities that are learnt stay inside their declared range, in `train` and in loops of one's own, and can be saved and loaded."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb import Environment, RandomTargetReach, keep_in_range, play, train
from motornet_nb.core.parameters import quantity
from motornet_nb.core.ranges import Ranges, check_ranges, learnt_quantities

DOUBLE = torch.float64


class Dial(mn.Model):
    "Quantities with every kind of range, and two that go together."

    positive = quantity(1.0, above=0, ndim=None)
    fraction = quantity(0.5, at_least=0, at_most=1)
    share = quantity(0.5, at_least=0, below=1)
    negative = quantity(-5.0, below=0, typical=(-10, -1))
    long = quantity(2.0, above=1)
    floor = quantity(0.1, at_least=0.1)
    free = quantity(0.0)
    low = quantity(0.0)
    high = quantity(1.0)

    def setup(self):
        self.check_together()

    def check_together(self):
        if bool(self.low >= self.high):
            raise ValueError("Dial: low must be below high")


def dial(dtype=DOUBLE, **values):
    "A dial on which everything is learnt."
    values = {n: d.default for n, d in Dial.declarations.items()} | values
    return Dial(**{n: nn.Parameter(torch.tensor(v, dtype=dtype)) for n, v in values.items()})


def moved(model, **steps):
    "What an optimiser's step leads to."

    def step():
        with torch.no_grad():
            for name, by in steps.items():
                getattr(model, name).add_(by)

    Ranges(model).keep(step)
    return {name: pytest.approx(getattr(model, name).item(), rel=1e-6, abs=1e-12) for name in steps}


MOVES = [
    ("positive", -0.5, 0.5),  # inside: as it is
    ("positive", -0.9, 0.1),
    ("positive", -0.95, 0.1),  # nine tenths at most
    ("positive", -1e9, 0.1),
    ("positive", 3.0, 4.0),
    ("fraction", 0.7, 1.0),  # a limit that belongs to the range is reached
    ("fraction", -0.7, 0.0),
    ("fraction", 0.2, 0.7),
    ("share", 0.7, 0.95),
    ("share", -0.7, 0.0),
    ("negative", 9.0, -0.5),
    ("long", -7.0, 1.1),
    ("floor", -0.05, 0.1),
    ("free", -1e6, -1e6),
]


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize(("name", "by", "to"), MOVES)
def test_a_step_ends_inside_the_range(name, by, to, dtype):
    "At a limit that belongs to the range, or a tenth of the way before one that does not."
    model = dial(dtype)
    assert moved(model, **{name: by}) == {name: to}
    check_ranges(model)
    assert mn.from_config(model.to_config()) == model


def test_many_steps_outward_stay_inside_and_one_inward_leaves_the_border():
    "The distance to a limit shrinks to a millionth of the usual value, not below; the gradient inward is free."
    for dtype in (torch.float32, DOUBLE):
        model = dial(dtype)
        for _ in range(200):
            moved(model, positive=-1.0, long=-1.0, negative=1.0, share=1.0)
        assert model.positive.item() == pytest.approx(1e-6) and model.negative.item() == pytest.approx(-1e-6)
        assert model.long.item() - 1 == pytest.approx(1e-6, rel=0.2) and 1 - model.share.item() > 5e-7
        assert moved(model, positive=0.25, long=0.5) == {"positive": 0.250001, "long": 1.500001}
    small = dial(positive=1e-9)
    assert moved(small, positive=-1.0) == {"positive": 1e-9}  # closer than that already: it comes no closer
    assert moved(small, positive=-5e-10) == {"positive": 1e-9}


def test_values_inside_are_left_as_they_are():
    "Bit for bit what the optimiser made of them."
    model, twin = dial(positive=[1.0, 2.0, 3.0]), nn.Parameter(torch.tensor([1.0, 2.0, 3.0], dtype=DOUBLE))
    by = torch.tensor([-0.123456789, 0.1, -5.0], dtype=DOUBLE)
    Ranges(model).keep(lambda: model.positive.data.add_(by))
    twin.data.add_(by)
    assert model.positive[:2].tolist() == twin[:2].tolist() and model.positive[2].item() == pytest.approx(0.3)


def test_values_that_do_not_go_together_take_half_a_step():
    "Or a quarter, and so on; where nothing helps, none."
    model = dial()
    assert moved(model, low=1.5) == {"low": 0.75}
    assert moved(model, low=1.0) == {"low": 0.75 + 1.0 / 8}
    touching = dial(low=0.0, high=1e-5)
    assert moved(touching, low=1.0, high=0.5) == {"low": 0.0, "high": 1e-5}


def test_one_number_for_all_muscles_is_one_quantity():
    "Spread over the muscles, it is kept in range where it is stored."
    strength = nn.Parameter(torch.tensor(500.0, dtype=DOUBLE))
    body = mn.ReluPointMass24(max_isometric_force=strength)
    Ranges(body).keep(lambda: strength.data.sub_(1e4))
    assert strength.item() == pytest.approx(50.0) and body.max_isometric_force.tolist() == [strength.item()] * 4


def test_every_learnt_quantity_of_a_world_is_found():
    "Those of skeleton, muscle model, muscles, loads and networks; what is not learnt is left out."
    mass, tau, strength, field = (nn.Parameter(torch.tensor(v, dtype=DOUBLE)) for v in (1.0, 0.02, [500.0] * 4, 3.0))
    body = mn.ReluPointMass24(mn.PointMass(mass=mass), mn.ReluMuscle(tau_activation=tau), max_isometric_force=strength)
    env = Environment(body, RandomTargetReach(loads=[mn.CurlField(strength=field)]), duration=0.1)
    found = {(type(q.owner).__name__, q.name) for q in learnt_quantities(env, env.effector)}
    assert found == {
        ("PointMass", "mass"),
        ("ReluMuscle", "tau_activation"),
        ("ReluPointMass24", "max_isometric_force"),
        ("CurlField", "strength"),
    }
    plain = point_mass_world()
    assert learnt_quantities(plain) == [] and Ranges(plain, network(plain)).quantities == []


def weak(strength=1.0, mass=1.0, tau=0.02):
    "A body whose strength, mass and time constant are learnt."
    strength, mass, tau = (nn.Parameter(torch.as_tensor(v, dtype=DOUBLE)) for v in ([strength] * 4, mass, tau))
    body = mn.FreePointMass24(mn.PointMass(mass=mass), mn.ReluMuscle(tau_activation=tau), max_isometric_force=strength)
    return Environment(body, RandomTargetReach(), duration=0.05), (strength, mass, tau)


def effort(played):
    return played["muscle_force"].square().mean() + played["activation"].mean()


OPTIMIZERS = {
    "Adam": None,
    "SGD with momentum": lambda p: torch.optim.SGD(p, lr=50.0, momentum=0.9),
    "weight decay": lambda p: torch.optim.AdamW(p, lr=1.0, weight_decay=5.0),
}


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_training_keeps_the_ranges_and_what_was_saved_can_be_loaded(tmp_path, optimizer, engine):
    "With steps far too large, whatever the optimiser: strength, mass and time constant are positive after every batch."
    env, learnt = weak()
    seen = []
    train(
        network(env), env, loss=effort, n_batches=4, batch_size=4, learning_rate=2.0, optimizer=optimizer,
        clip_norm=None, engine=engine, progress=False, on_nonfinite="skip",
        callbacks=lambda _: seen.append([p.detach().clone() for p in learnt]),
    )  # fmt: skip
    assert len(seen) == 4 and all((p > 0).all() for values in seen for p in values)
    assert seen[0][0].max() < 0.2  # it was driven outward, and stopped on its way to 0
    loaded = mn.load(mn.save(tmp_path, environment=env)).environment
    assert loaded.effector.max_isometric_force.tolist() == learnt[0].tolist()
    assert loaded.effector.skeleton.mass.item() == learnt[1].item()


def test_limits_of_the_joints_stay_in_order():
    "Two learnt limits that are driven through each other."
    low, high = (nn.Parameter(torch.tensor([v, v], dtype=DOUBLE)) for v in (-0.5, 0.5))
    body = mn.FreePointMass24(pos_lower_bound=low, pos_upper_bound=high)
    env = Environment(body, RandomTargetReach(), duration=0.05)
    towards = lambda r: (high - low).sum() + 0 * r["activation"].mean()  # noqa: E731
    train(network(env), env, loss=towards, n_batches=5, batch_size=4, learning_rate=0.3, engine="eager", progress=False)
    assert (low < high).all() and (high - low).max() < 0.2
    assert mn.from_config(body.to_config()) == body


def test_a_muscle_model_can_work_with_what_is_learnt():
    "A slack length whose upper limit is the muscle model's own."
    slack = nn.Parameter(torch.full((6,), 1.4, dtype=DOUBLE))
    body = mn.CompliantTendonArm26(normalized_slack_muscle_length=slack)
    Ranges(body).keep(lambda: slack.data.add_(1.0))
    assert ((slack > 1.4) & (slack < 1.66)).all()
    assert mn.from_config(body.to_config()) == body


class Leaky(mn.Model):
    "A network with a declared time constant, which is learnt."

    n_inputs = mn.parameters.count()
    n_actions = mn.parameters.count()
    tau = quantity(0.1, "s", above=0.01, at_most=1.0)

    def setup(self):
        self.layer = nn.Linear(self.n_inputs, self.n_actions)

    def init_hidden(self, batch_size):
        return self.layer.weight.new_zeros(batch_size, self.n_actions)

    def forward(self, observation, hidden):
        hidden = hidden + 0.01 / self.tau * (self.layer(observation) - hidden)
        return torch.sigmoid(hidden), hidden


def test_networks_and_replicates_are_kept_in_range_too(tmp_path):
    "Each replicate's own quantity stays above its limit, and all can be saved and loaded."
    env = point_mass_world()

    def make():
        return Leaky(env.n_observations, env.n_actions, tau=nn.Parameter(torch.tensor(0.1)))

    faster = lambda r: r.policy.tau + 0 * r["activation"].mean()  # noqa: E731
    nets = train(make, env, loss=faster, replicates=3, n_batches=3, batch_size=4, learning_rate=0.5, progress=False)
    for net in nets:
        assert net.tau.item() == pytest.approx(0.01 + 0.09 / 1000, rel=1e-5)
    assert [n.tau.item() for n in mn.load(mn.save(tmp_path / "many", policy=nets)).policy] == [
        n.tau.item() for n in nets
    ]
    slower = lambda r: -r.policy.tau + 0 * r["activation"].mean()  # noqa: E731
    train(nets[0], env, loss=slower, n_batches=3, batch_size=4, learning_rate=5.0, progress=False)
    assert nets[0].tau.item() == 1.0
    assert mn.load(mn.save(tmp_path / "one", policy=nets[0])).policy.tau.item() == 1.0


def test_a_run_that_is_resumed_at_the_border_is_the_same_run(tmp_path):
    "Weights, strengths and losses bit for bit, though every step hits a limit."

    def run(n, **arguments):
        env, learnt = weak()
        net = network(env)
        log = train(
            net, env, loss=effort, n_batches=n, batch_size=4, learning_rate=1.0, engine="eager", progress=False, **arguments
        )  # fmt: skip
        return [*learnt, *net.parameters()], log["loss"]

    run(3, checkpoint=tmp_path)
    (parts, losses), (whole, want) = run(6, checkpoint=tmp_path, resume=True), run(6)
    assert all(torch.equal(a, b) for a, b in zip(parts, whole, strict=True))
    np.testing.assert_array_equal(losses, want)


def test_a_loop_of_ones_own_is_kept_in_range(tmp_path):
    "One line does it; it can be stopped."
    env, (strength, *_) = weak()
    optimizer = torch.optim.SGD([strength], lr=1.0)
    stop = keep_in_range(optimizer, env)
    for kept in (0.1, 0.01):
        strength.grad = torch.full_like(strength, 10.0)
        optimizer.step()
        assert strength.tolist() == pytest.approx([kept] * 4)
    mn.load(mn.save(tmp_path, environment=env))
    stop()
    strength.grad = torch.full_like(strength, 10.0)
    optimizer.step()
    assert (strength < 0).all()


def test_a_value_outside_is_refused_by_name(tmp_path):
    "By everything that would go on with it: a step, a rollout, a training, keep_in_range, save; nothing is written."
    env, (strength, *_) = weak()
    net = network(env)
    with torch.no_grad():
        strength.copy_(torch.tensor([-22.0, 1.0, 1.0, 1.0]))
    words = r"FreePointMass24: max_isometric_force = \[-22.0, 1.0, 1.0, 1.0\] .* above 0 N.*keep_in_range"
    for act in (
        env.effector.reset,
        env.reset,
        lambda: play(net, env),
        lambda: mn.simulate(net, env),
        lambda: train(net, env, n_batches=1, progress=False),
        lambda: keep_in_range(torch.optim.SGD([strength], lr=1.0), env),
        lambda: mn.save(tmp_path / "never", environment=env),
    ):
        with pytest.raises(ValueError, match=words):
            act()
    assert not (tmp_path / "never").exists()
    strength.data.fill_(float("nan"))
    with pytest.raises(ValueError, match="max_isometric_force"):
        mn.save(tmp_path / "never", environment=env)


def test_a_folder_that_load_would_refuse_is_not_written(tmp_path):
    "Checks of a class of one's own, which only its construction knows, are asked before anything is written."

    class Even(mn.Model):
        "A network whose gain must be below its limit."

        gain = quantity(0.5, above=0)

        def setup(self):
            if self.gain.item() > 1:
                raise ValueError(f"Even: gain = {self.gain.item()} must be at most 1")

    net = Even(gain=nn.Parameter(torch.tensor(0.5)))
    before = torch.random.get_rng_state()
    mn.save(tmp_path / "good", policy=net)
    assert torch.equal(torch.random.get_rng_state(), before)
    net.gain.data.fill_(3.0)
    with pytest.raises(ValueError, match=r"gain = 3\.0 must be at most 1"):
        mn.save(tmp_path / "bad", policy=net)
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize("limit", [0.01, 0.1, 1.3])
def test_a_limit_rounded_to_single_precision_is_inside(limit):
    "What is learnt in single precision and ends at a limit can be written down and read again."

    class Floor(mn.Model):
        "A quantity with two limits."

        x = quantity(limit, at_least=limit, at_most=2 * limit)

    for value in (limit, 2 * limit):
        model = Floor(x=nn.Parameter(torch.tensor(value)))
        assert mn.from_config(model.to_config()).x.item() == model.x.item()
    for wrong in (limit * (1 - 1e-6), 2 * limit * (1 + 1e-6)):
        with pytest.raises(ValueError, match="x ="):
            Floor(x=wrong)


def test_ranges_do_not_change_a_training_that_stays_inside(monkeypatch):
    "Losses and weights are bit for bit those without the projection."

    def run():
        env, learnt = weak(strength=500.0)
        net = network(env)
        log = train(net, env, n_batches=4, batch_size=8, engine="eager", progress=False)
        return [log["loss"].tolist(), *[p.tolist() for p in (*learnt, *net.parameters())]]

    with_ranges = run()
    monkeypatch.setattr(Ranges, "keep", lambda self, step: step())
    assert run() == with_ranges


def test_a_copy_of_a_body_is_kept_by_its_own_ranges():
    "A deep copy has parameters of its own."
    env, (strength, *_) = weak()
    other = copy.deepcopy(env)
    Ranges(other).keep(lambda: other.effector.max_isometric_force.data.sub_(10.0))
    assert strength.tolist() == [1.0] * 4 and other.effector.max_isometric_force.tolist() == pytest.approx([0.1] * 4)

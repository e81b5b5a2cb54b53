"""Learning by backpropagation: the log, callbacks, optimisers, guards, seeds, bodies that learn."""

import itertools
import json
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from worlds import Perceptron, arm, assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import (
    DelayedReach,
    Environment,
    PolicyGRU,
    RandomTargetReach,
    ReachLoss,
    ReluPointMass24,
    Streams,
    fused,
    play,
    train,
)
from motornet_nb.control.engines import make_engine
from motornet_nb.learning.nonfinite import NonFiniteError, find_nonfinite


def quick(net=None, env=None, **arguments):
    "A short training of a point mass."
    env = point_mass_world() if env is None else env
    net = network(env) if net is None else net
    return train(net, env, **{"n_batches": 3, "batch_size": 8, "engine": "eager", "progress": False} | arguments), net


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def test_the_log_has_one_row_a_batch():
    "Loss, every weighted term, gradient norm, learning rate and time; terms sum to the loss."
    log, _ = quick()
    terms = ["position", "muscle", "hidden", "hidden_rate", "kernel"]
    assert list(log.columns) == ["loss", *terms, "gradient_norm", "learning_rate", "seconds"]
    assert log.index.name == "batch" and log.index.tolist() == [0, 1, 2]
    np.testing.assert_allclose(log[terms].sum(axis=1), log["loss"], rtol=1e-6)
    assert (log["learning_rate"] == 1e-3).all() and (log["seconds"] > 0).all() and (log["gradient_norm"] > 0).all()
    json.dumps(log.to_dict("list"))


def test_the_first_batch_is_the_rollout_of_its_trials():
    "Batch i plays the trials and the noise of Streams(seed, i) and logs their loss."
    env = point_mass_world(DelayedReach(), vision_noise=0.05)
    net = network(env)
    streams = Streams(4, 0)
    want, _ = ReachLoss()(play(net, env, env.sample(8, streams, "train"), streams))
    log, _ = quick(net, env, seed=4)
    assert log["loss"][0] == want.item()


def test_every_batch_has_trials_and_noise_of_its_own():
    "Those of the streams of the seed and the number of the batch, whatever was played before."
    env = point_mass_world(DelayedReach(), vision_noise=0.05)
    played = []
    quick(env=env, seed=4, loss=lambda r: played.append(r) or r["activation"].mean())
    for i, one in enumerate(played):
        want = env.begin(env.sample(8, Streams(4, i), "train"), Streams(4, i))
        assert_equal(one.trials.goal, want.trials.goal)
        assert_equal(one.episode.inputs["observation_noise"], want.inputs["observation_noise"])
    assert len({float(r.trials.goal[0, 0]) for r in played}) == 3


def test_seeds_reproduce_bit_for_bit():
    "The same seed and initial weights give the same log and weights; another seed others."
    env = point_mass_world(DelayedReach(), vision_noise=0.05, action_noise=0.05)
    runs = []
    for seed in (1, 1, 2):
        log, net = quick(network(env, hidden_noise=0.01), env, seed=seed, n_batches=5)
        torch.rand(3)
        runs.append((log.drop(columns="seconds").to_numpy(), weights(net)))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    for a, b, c in zip(*(r[1] for r in runs), strict=True):
        assert_equal(a, b)
        assert not torch.equal(a, c)


def test_a_point_mass_learns_to_reach():
    "The loss goes well down, and the hand gets nearer to its target than before."
    env = point_mass_world(duration=0.3)
    torch.manual_seed(0)
    net = PolicyGRU(env.n_observations, 24, env.n_actions)

    def error():
        with torch.no_grad():
            played = play(net, env)
        return (played["endpoint_position"][:, -1] - played.trials.goal).norm(dim=1).mean()

    before = error()
    log, _ = quick(net, env, n_batches=40, batch_size=32, learning_rate=1e-2)
    assert log["loss"].iloc[-5:].mean() < 0.7 * log["loss"].iloc[:5].mean()
    assert error() < 0.8 * before


def test_double_precision():
    "A float64 body and network are trained in float64, to about the same loss."
    single, _ = quick(n_batches=4)
    env = Environment(ReluPointMass24().double(), RandomTargetReach(), duration=0.1)
    net = network(env)
    double, _ = quick(net, env, n_batches=4)
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    np.testing.assert_allclose(single["loss"], double["loss"], rtol=1e-4)
    with pytest.raises(ValueError, match=r"weight_ih .*float64.*float32"):
        quick(net, point_mass_world())


def test_callbacks_see_the_progress():
    "After every batch, in order: batch, loss, terms, policy, log so far."
    seen = []

    def first(progress):
        seen.append((progress.batch, progress.loss, dict(progress.terms), progress.log.copy(), progress.policy))

    order = []
    log, net = quick(callbacks=[first, lambda p: order.append(len(seen))])
    assert [s[0] for s in seen] == order == [1, 2, 3]
    for i, (_, loss, terms, table, policy) in enumerate(seen):
        assert loss == log["loss"][i] and policy is net and len(table) == i + 1
        assert terms == {name: log[name][i] for name in terms} and len(terms) == 5
    assert seen[0][3].equals(log.iloc[:1])


def test_a_callback_can_stop_the_training():
    "After the batch in which it says so."

    def stop(progress):
        progress.stop = progress.batch == 2

    assert len(quick(n_batches=50, callbacks=[stop])[0]) == 2
    assert len(quick(n_batches=50, callbacks=stop)[0]) == 2  # one by itself will do


def test_an_error_in_a_callback_ends_the_training_in_order():
    "The error comes through, and the network is back in the mode it was in."
    env = point_mass_world()
    net = network(env).eval()

    def fail(progress):
        assert progress.policy.training
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(net, env, callbacks=[fail])
    assert not net.training


def test_optimizers():
    "Adam by default; an optimiser, or a function that makes one."
    runs = {
        "default": quick(learning_rate=3e-3),
        "factory": quick(optimizer=lambda p: torch.optim.Adam(p, lr=3e-3, fused=True)),
        "sgd": quick(optimizer=lambda p: torch.optim.SGD(p, lr=1e-2)),
    }
    net = network(point_mass_world())
    runs["object"] = quick(net, optimizer=torch.optim.SGD(net.parameters(), lr=1e-2))
    for a, b in (("default", "factory"), ("sgd", "object")):
        for x, y in zip(weights(runs[a][1]), weights(runs[b][1]), strict=True):
            assert_equal(x, y)
    assert not torch.equal(weights(runs["sgd"][1])[0], weights(runs["default"][1])[0])


def test_a_step_of_the_optimizer_follows_the_gradient():
    "With plain gradient descent the weights move by minus the rate times the clipped gradient."
    env = point_mass_world()
    net = network(env)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    streams = Streams(0, 0)
    ReachLoss()(play(net, env, env.sample(8, streams, "train"), streams))[0].backward()
    gradient = {n: p.grad.clone() for n, p in net.named_parameters()}
    norm = torch.sqrt(sum(g.square().sum() for g in gradient.values())).item()
    for clip in (None, norm / 3, norm * 3):
        net.load_state_dict(before)
        log, _ = quick(net, env, n_batches=1, clip_norm=clip, optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
        assert log["gradient_norm"][0] == pytest.approx(norm, rel=1e-5)
        scale = 1 / 3 if clip is not None and clip < norm else 1
        for name, p in net.named_parameters():
            torch.testing.assert_close(p.detach(), before[name] - 0.1 * scale * gradient[name], rtol=1e-4, atol=1e-7)


def test_schedulers():
    "Stepped after every batch; the log has the rate that was used; plateau schedulers get the loss."
    log, _ = quick(scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 2, gamma=0.1), n_batches=5)
    np.testing.assert_allclose(log["learning_rate"], [1e-3, 1e-3, 1e-4, 1e-4, 1e-5])
    net = network(point_mass_world())
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    log, _ = quick(net, optimizer=optimizer, scheduler=torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5))
    np.testing.assert_allclose(log["learning_rate"], [1e-2, 5e-3, 2.5e-3])
    plateau = lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.1, patience=0)  # noqa: E731
    worse = iter([1.0, 2.0, 0.5, 0.6, 0.7])
    log, _ = quick(scheduler=plateau, n_batches=5, loss=lambda r: r["activation"].mean() * 0 + next(worse))
    np.testing.assert_allclose(log["learning_rate"], [1e-3, 1e-3, 1e-4, 1e-4, 1e-5])


def test_losses():
    "A Loss, a function giving a number, or one giving a number and parts."
    effort = lambda r: r["activation"].square().mean()  # noqa: E731
    log, _ = quick(loss=effort)
    assert list(log.columns) == ["loss", "gradient_norm", "learning_rate", "seconds"]
    both, _ = quick(loss=lambda r: (effort(r), {"effort": effort(r)}))
    np.testing.assert_array_equal(both["effort"], log["loss"])
    named, _ = quick(loss=mn.Loss({"effort": 1.0}, {"effort": effort}))
    np.testing.assert_array_equal(named["effort"], log["loss"])


def test_a_parameter_of_the_body_is_learnt():
    "An nn.Parameter mass moves towards the mass that explains the data, with the network held still."
    trials_of = point_mass_world(duration=0.2)
    net = network(trials_of).requires_grad_(False)
    mass = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    env = Environment(ReluPointMass24(skeleton=mn.PointMass(mass=mass)), RandomTargetReach(), duration=0.2)
    twin = Environment(ReluPointMass24(skeleton=mn.PointMass(mass=1.2)), RandomTargetReach(), duration=0.2)

    def mismatch(played):
        with torch.no_grad():
            want = play(net, twin, played.trials)["endpoint_position"]
        return (played["endpoint_position"] - want).square().mean()

    log, _ = quick(net, env, loss=mismatch, n_batches=60, learning_rate=0.05, clip_norm=None)
    assert mass.item() == pytest.approx(1.2, abs=0.05)
    assert env.effector.skeleton.mass is mass
    assert log["loss"].iloc[-1] < 0.05 * log["loss"].iloc[0]


def test_network_and_body_are_trained_together():
    "Muscle strength and time constants can be parameters too; the network moves at the same time."
    strength = nn.Parameter(torch.full((4,), 500.0, dtype=torch.float64))
    tau = nn.Parameter(torch.tensor(0.02, dtype=torch.float64))
    body = ReluPointMass24(mn.PointMass(), mn.ReluMuscle(tau_activation=tau), max_isometric_force=strength)
    env = Environment(body, RandomTargetReach(), duration=0.1)
    net = network(env)
    before = weights(net)
    quick(net, env)
    assert (strength != 500).all() and tau.item() != 0.02
    assert all(not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def stopped(match, net=None, env=None, **arguments):
    "A training that must stop with a message and leave the weights alone."
    env = point_mass_world() if env is None else env
    net = network(env) if net is None else net
    before = weights(net)
    with pytest.raises(NonFiniteError, match=match):
        quick(net, env, **arguments)
    for a, b in zip(before, net.parameters(), strict=True):
        torch.testing.assert_close(b.detach(), a, rtol=0, atol=0, equal_nan=True)


def test_a_state_that_is_not_finite_stops_the_training():
    "Named: batch, tensor, muscle, trial and time; the weights stay."

    def hit(state, time, trial):
        return torch.where(time > 0.045, torch.nan, 0.0) * torch.ones_like(state.endpoint_position)

    stopped(
        r"batch 0: endpoint_load\[0\] is nan in trial 0 at step 6 \(0.06 s\).*keeps the weights",
        env=point_mass_world(RandomTargetReach(loads=hit)),
    )


def test_a_broken_sense_is_named():
    "An observation that is no number says which element it is."
    env = point_mass_world(observation_noise=0.1)
    streams = Streams(0, 0)
    trials = env.sample(8, streams, "train")
    trials.inputs[3, 2, 1] = float("nan")
    played = play(network(env), env, trials, streams)
    assert find_nonfinite(played) == "observation 'goal y' is nan in trial 3 at step 4 (0.04 s)"


class Bad(nn.Module):
    "A network whose drive of one muscle of one trial breaks at one step."

    def __init__(self, env, value):
        super().__init__()
        self.inner, self.value = Perceptron(env.n_observations, env.n_actions), value

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, 1)

    def forward(self, observation, hidden):
        action, _ = self.inner(observation, None)
        broken = torch.zeros_like(action)
        if int(hidden[0]) == 3:
            broken[5, 2] = self.value
        return action + broken, hidden + 1


def test_a_broken_drive_is_named_by_its_muscle():
    "The first tensor that went bad, not one that followed from it."
    env = point_mass_world()
    stopped(
        r"batch 0: action of lower right is nan in trial 5 at step 4 \(0.04 s\)",
        Bad(env, float("nan")),
        env,
        loss=ReachLoss().without("hidden", "hidden_rate"),
    )


def test_a_weight_that_is_not_finite_is_noticed():
    "A NaN weight shows in the hidden state of the first step."
    for n_units in (12, 4):  # as many units as muscles: a unit is not called a muscle
        net = network(point_mass_world(), n_units)
        with torch.no_grad():
            net.weight_ih[0, 0] = float("nan")
        stopped(r"hidden\[0\] is nan in trial 0 at step 1", net)


def test_a_loss_that_is_not_finite_stops_the_training():
    "The term is named; a plain function has none to name."
    stopped("the term broken of the loss is inf", loss=ReachLoss().add("broken", lambda r: r["activation"].sum() / 0))
    stopped("the loss is nan", loss=lambda r: r["activation"].sum() * float("nan"))


def test_a_gradient_that_is_not_finite_stops_the_training():
    "A finite loss with an infinite slope: the parameter is named."
    net = network(point_mass_world())
    stopped(
        "the gradient of output.bias is not finite",
        net,
        loss=lambda r: (r.policy.output.bias - r.policy.output.bias.detach()).abs().sqrt().sum(),
    )


def test_the_training_before_a_stop_is_kept():
    "The weights after a stop in batch 2 are those after two batches."
    two = weights(quick(n_batches=2)[1])
    count = []

    def breaks(played):
        count.append(1)
        total, parts = ReachLoss()(played)
        return (total * float("nan") if len(count) == 3 else total), parts

    net = network(point_mass_world())
    with pytest.raises(NonFiniteError, match="batch 2"):
        quick(net, loss=breaks, n_batches=9)
    for a, b in zip(two, net.parameters(), strict=True):
        assert_equal(a, b.detach())


def test_a_finite_rollout_has_nothing_to_name():
    "The guard is silent."
    env = Environment(arm(), DelayedReach(), duration=0.1)
    assert find_nonfinite(play(network(env), env)) is None


async def nobody_waits_for(progress):
    "A callback that would never run."


WRONG = [
    ({"n_batches": 0}, ValueError, "n_batches"),
    ({"n_batches": 2.5}, ValueError, "n_batches"),
    ({"batch_size": -1}, ValueError, "batch_size"),
    ({"batch_size": True}, ValueError, "batch_size"),
    ({"learning_rate": 0.0}, ValueError, "learning_rate"),
    ({"learning_rate": float("nan")}, ValueError, "learning_rate"),
    ({"learning_rate": "slow"}, ValueError, "learning_rate"),
    ({"clip_norm": -1.0}, ValueError, "clip_norm"),
    ({"seed": -1}, ValueError, "seed"),
    ({"optimizer": "adam"}, TypeError, "optimizer"),
    ({"optimizer": lambda p: 3}, TypeError, "optimizer"),
    ({"scheduler": lambda o: None}, TypeError, "scheduler"),
    ({"engine": "fast"}, ValueError, "engine"),
    ({"every": 0}, ValueError, "every"),
    ({"resume": True}, ValueError, "checkpoint"),
    ({"on_nonfinite": "go on"}, ValueError, "on_nonfinite"),
    ({"batch_size": np.bool_(True)}, ValueError, "batch_size"),
    ({"batch_size": np.float64(2)}, ValueError, "batch_size"),
    ({"learning_rate": np.float32("nan")}, ValueError, "learning_rate"),
    ({"optimizer": torch.optim.LBFGS}, ValueError, "optimizer"),
    ({"optimizer": lambda p: torch.optim.Adam([nn.Parameter(torch.zeros(2))])}, ValueError, "optimizer"),
    (
        {"scheduler": torch.optim.lr_scheduler.StepLR(torch.optim.SGD([nn.Parameter(torch.zeros(2))]), 1)},
        ValueError,
        "scheduler",
    ),
    ({"callbacks": [5]}, TypeError, "callbacks"),
    ({"callbacks": 5}, TypeError, "callbacks"),
    ({"callbacks": "x"}, TypeError, "callbacks"),
    ({"callbacks": [print, None]}, TypeError, "callbacks"),
    ({"callbacks": {"name": print}}, TypeError, "callbacks"),
    ({"callbacks": lambda: 1}, TypeError, "callbacks"),
    ({"callbacks": [lambda progress, more: 1]}, TypeError, "callbacks"),
    ({"callbacks": [Perceptron]}, TypeError, "callbacks"),
    ({"callbacks": nobody_waits_for}, TypeError, "callbacks"),
    ({"loss": 5}, TypeError, "loss"),
    ({"loss": ReachLoss}, TypeError, "loss"),
    ({"seeds": 3}, ValueError, "seeds"),
    ({"seeds": []}, ValueError, "seeds"),
    ({"seeds": np.array([1.0, 2.0])}, ValueError, "seeds"),
    ({"loss": lambda r: 3.0}, ValueError, "loss"),
    ({"loss": lambda r: r["activation"]}, ValueError, "loss"),
    ({"loss": lambda r: r["activation"].sum().detach()}, ValueError, "loss"),
]


@pytest.mark.parametrize(("arguments", "error", "name"), WRONG, ids=[f"{n} {i}" for i, (_, _, n) in enumerate(WRONG)])
def test_wrong_arguments_are_refused(arguments, error, name):
    "Before anything is computed, naming the argument."
    net = network(point_mass_world())
    before = weights(net)
    with pytest.raises(error, match=rf"{name} = .* it must be "):
        quick(net, **arguments)
    for a, b in zip(before, net.parameters(), strict=True):
        assert_equal(a, b.detach())


def test_a_network_with_nothing_to_learn_is_refused():
    "No parameter that requires a gradient."
    env = point_mass_world()
    with pytest.raises(ValueError, match=r"policy .*parameters to train"):
        quick(network(env).requires_grad_(False), env)
    with pytest.raises(TypeError, match="init_hidden"):
        quick(nn.Linear(3, 4), env)


def test_progress_bar(capsys):
    "Shown on request, silent otherwise; it says what it waits for and which engine runs."
    quick()
    assert capsys.readouterr().err == ""
    log, _ = quick(progress=True)
    err = capsys.readouterr().err
    assert "training (eager): 100%" in err and "3/3" in err and f"loss={log['loss'].iloc[-1]:.4f}" in err
    quick(progress=True, engine="auto")
    err = capsys.readouterr().err
    assert "building the engine:   0%" in err and "training (fused): 100%" in err


class Forgetful(nn.Module):
    "A network with dropout."

    def __init__(self, env):
        super().__init__()
        self.inner, self.dropout = Perceptron(env.n_observations, env.n_actions), nn.Dropout(0.2)

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return self.inner(self.dropout(observation), None)


def test_the_engine_is_in_the_log(capsys):
    "Its name, what it was built for, and why it is not the fast one."
    assert quick(engine="eager")[0].attrs["engine"] == "eager"
    for engine in ("fused", "auto"):
        words = quick(engine=engine)[0].attrs["engine"]
        assert (
            words.startswith("fused (")
            and words.endswith(" s)")
            and ("built in" in words or "from the cache in" in words)
        )
    env = point_mass_world()
    settings = {"loss": ReachLoss().without("hidden", "hidden_rate"), "progress": True}
    with pytest.warns(UserWarning, match="the eager engine runs, which is many times slower"):
        log, _ = quick(Forgetful(env), env, engine="auto", **settings)
    assert log.attrs["engine"].startswith("eager, because: ") and "training (eager): 100%" in capsys.readouterr().err
    with pytest.raises(fused.Unsupported):
        quick(Forgetful(env), env, engine="fused", **settings | {"progress": False})


def test_engines_train_the_same():
    "Up to rounding, and what callbacks see is the same, too."
    runs = {engine: quick(engine=engine, n_batches=6) for engine in ("eager", "fused")}
    columns = [c for c in runs["eager"][0].columns if c != "seconds"]
    np.testing.assert_allclose(runs["fused"][0][columns], runs["eager"][0][columns], rtol=1e-4)
    for a, b in zip(weights(runs["eager"][1]), weights(runs["fused"][1]), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-5)


def test_finding_out_what_a_loss_reads_leaves_no_trace():
    "Before a fused run two trials are judged: running means and random numbers stay as they were."

    class Normed(Forgetful):
        def __init__(self, env):
            super().__init__(env)
            self.norm = nn.BatchNorm1d(env.n_observations)

        def forward(self, observation, hidden):
            return super().forward(self.norm(observation), hidden)

    env, runs = point_mass_world(), []
    for engine in ("eager", "auto"):
        torch.manual_seed(0)
        net = Normed(env)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quick(net, env, engine=engine, loss=ReachLoss().without("hidden", "hidden_rate"))
        runs.append(net.state_dict())
    for name, value in runs[0].items():
        assert_equal(value, runs[1][name], name)


class Tunes(nn.Module):
    "Drives that rise and fall, each muscle and each trial in a rhythm of its own; nothing is observed or learnt."

    def init_hidden(self, batch_size):
        return torch.stack((torch.zeros(batch_size), torch.arange(float(batch_size))), 1)  # step and trial

    def forward(self, observation, hidden):
        step, trial, muscle = hidden[:, :1], hidden[:, 1:], torch.arange(6.0)
        drive = 3 * torch.sin((0.2 + 0.05 * muscle) * step + 1.7 * (1 + muscle) * trial) - 1.5
        return torch.sigmoid(drive), hidden + torch.tensor([1.0, 0.0])


def test_masses_and_strengths_of_an_arm_are_found():
    "From how its hand moves under known drives and known pushes, both masses and six muscle strengths, at once."
    masses, strengths = (1.864572, 1.534315), torch.tensor([838.0, 1207, 1422, 1549, 414, 603], dtype=torch.float64)
    pushes = mn.ForcePulse(magnitude=[5.0, 20.0], onset_range=[0.0, 0.1], duration=0.2)

    def world(m1, m2, strength):
        body = arm(skeleton=mn.TwoDofArm(m1=m1, m2=m2), max_isometric_force=strength)
        return Environment(body, RandomTargetReach(loads=[pushes]), duration=0.4)

    m1, m2 = (nn.Parameter(torch.tensor(guess, dtype=torch.float64)) for guess in (1.4, 2.0))
    factors = torch.tensor([1.3, 0.75, 1.25, 0.8, 0.7, 1.3], dtype=torch.float64)
    strength = nn.Parameter(strengths * factors)
    env, twin, drives = world(m1, m2, strength), world(*masses, strengths), Tunes()
    engine = make_engine("fused", drives, twin)

    def mismatch(played):
        with torch.no_grad():
            want = play(drives, twin, played.trials, engine=engine)["endpoint_position"]
        return 1e4 * (played["endpoint_position"] - want).square().mean()

    log = train(
        drives,
        env,
        loss=mismatch,
        n_batches=220,
        batch_size=32,
        engine="fused",
        optimizer=lambda p: torch.optim.Adam([{"params": [m1, m2], "lr": 0.06}, {"params": [strength], "lr": 40.0}]),
        scheduler=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 220),
        clip_norm=None,
        progress=False,
    )
    assert log["loss"].iloc[-1] < 1e-3 * log["loss"].iloc[0]
    assert m1.item() == pytest.approx(masses[0], rel=0.04) and m2.item() == pytest.approx(masses[1], rel=0.04)
    np.testing.assert_allclose((strength / strengths).detach(), np.ones(6), atol=0.04)


def test_what_a_loss_reads_is_found_out():
    "Without playing the trials; a loss that cannot judge trials that stand still may read anything."
    from motornet_nb.learning.training import _outputs_read

    env = point_mass_world()
    net = network(env)
    before = [p.clone() for p in net.parameters()]
    assert _outputs_read(mn.ReachLoss(), net, env, 0) == {"endpoint_position", "activation", "hidden"}
    assert _outputs_read(mn.ReachLoss().without("hidden", "hidden_rate", "kernel"), net, env, 0) == {
        "endpoint_position",
        "activation",
    }
    assert _outputs_read(lambda played: played["hidden"].sum(), net, env, 0) is None

    class Moving(mn.Term):
        "Refuses hands that stand still."

        def forward(self, rollout):
            path = rollout["endpoint_position"]
            if not bool((path[:, -1] != path[:, 0]).any()):
                raise ValueError("nothing moves")
            return path.square().mean()

    judge = mn.Loss(weights={"moving": 1.0}, terms={"moving": Moving()})
    assert _outputs_read(judge, net, env, 0) is None
    log = mn.train(net, env, loss=judge, n_batches=2, batch_size=4, progress=False, engine="fused")
    assert log["loss"].notna().all()
    assert not any(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True) if a.ndim > 1)


def test_numbers_of_numpy_and_pandas():
    "Mean what Python's do: the same log, and Python's own numbers in the recipe of a run."
    import pandas as pd

    plain = {"n_batches": 2, "batch_size": 3, "seed": 1, "learning_rate": 2e-3, "clip_norm": 0.5, "every": 2}
    others = [
        {name: (np.int32 if isinstance(v, int) else np.float32)(v) for name, v in plain.items()},
        {name: np.asarray(v) for name, v in plain.items()},
        {
            name: torch.tensor(v, dtype=torch.float64 if isinstance(v, float) else torch.int64)
            for name, v in plain.items()
        },
    ]
    columns = ["loss", "gradient_norm", "learning_rate"]
    want = quick(**plain)[0][columns].to_dict("list")
    for other in others:
        assert quick(**other)[0][columns].to_dict("list") == want
    env = point_mass_world()
    seeds = {"range": range(2, 4), "array": np.arange(2, 4), "series": pd.Series([2, 3]), "tensor": torch.arange(2, 4)}
    for given in seeds.values():
        trained, _ = quick(network(env), env, seeds=given, replicates=np.int64(2))
        assert trained.seeds == [2, 3] and all(type(s) is int for s in trained.seeds)


def states(net, stop_at, change, **arguments):
    "A network's weights after every batch, where something is changed after one of them."
    seen = []

    def after(progress):
        if progress.batch == stop_at:
            change()
        seen.append({name: p.detach().clone() for name, p in net.named_parameters()})

    quick(net, n_batches=6, callbacks=after, **arguments)
    return seen


#: for networks without memory
PLAIN = ReachLoss().without("hidden", "hidden_rate")


def moved(seen, name):
    "Whether a parameter differs from one batch to the next."
    return [a[name].shape != b[name].shape or not torch.equal(a[name], b[name]) for a, b in itertools.pairwise(seen)]


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_weights_that_are_frozen_and_unfrozen_on_the_way(engine):
    "Learnt exactly while they want a gradient: momentum and weight decay do not move them, either."
    momentum = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1), "engine": engine}
    net = network(point_mass_world())
    net.weight_hh.requires_grad_(False)
    seen = states(net, 3, lambda: net.weight_hh.requires_grad_(True), **momentum)
    assert moved(seen, "weight_hh") == [False, False, True, True, True] and all(moved(seen, "weight_ih"))
    net = network(point_mass_world())
    seen = states(net, 3, lambda: net.weight_hh.requires_grad_(False), **momentum)
    assert moved(seen, "weight_hh") == [True, True, False, False, False] and all(moved(seen, "weight_ih"))


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_weights_that_are_replaced_on_the_way(engine):
    "What has the name now is learnt, whatever its shape; it begins without memory, and the others keep theirs."
    env = point_mass_world()
    net = Perceptron(env.n_observations, env.n_actions)
    last = next(n for n, m in reversed(list(net.named_modules())) if isinstance(m, nn.Linear))
    new = nn.Linear(net.get_submodule(last).in_features, env.n_actions)
    seen = states(net, 3, lambda: net.set_submodule(last, new), engine=engine, loss=PLAIN)
    assert all(moved(seen, f"{last}.weight")) and net.get_submodule(last) is new

    def as_if_by_hand():
        other = Perceptron(env.n_observations, env.n_actions)
        other.load_state_dict(first)
        later = nn.Linear(new.in_features, new.out_features)
        later.load_state_dict(start)
        optimizer = torch.optim.Adam(other.parameters(), lr=1e-3, fused=True)
        for batch in range(6):
            if batch == 3:
                old = [other.get_parameter(f"{last}.{n}") for n in ("weight", "bias")]
                other.set_submodule(last, later)
                optimizer.param_groups[0]["params"] = [
                    {id(o): n for o, n in zip(old, later.parameters(), strict=True)}.get(id(p), p)
                    for p in optimizer.param_groups[0]["params"]
                ]
            streams = Streams(0, batch)
            total, _ = PLAIN(play(other, env, env.sample(8, streams, "train"), streams))
            optimizer.zero_grad()
            total.backward()
            nn.utils.clip_grad_norm_(other.parameters(), 1.0)
            optimizer.step()
        return other

    torch.manual_seed(5)
    net, new = Perceptron(env.n_observations, env.n_actions), nn.Linear(new.in_features, env.n_actions)
    first = {n: t.clone() for n, t in net.state_dict().items()}
    start = {n: t.clone() for n, t in new.state_dict().items()}
    states(net, 3, lambda: net.set_submodule(last, new), env=env, engine=engine, loss=PLAIN)
    for (name, got), want in zip(net.named_parameters(), as_if_by_hand().parameters(), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6, msg=name)


def test_when_nothing_is_left_to_learn():
    "Or replicates would learn the body they share: the next batch says so."
    env = point_mass_world()
    net = network(env)
    with pytest.raises(ValueError, match=r"policy .*parameters to train"):
        quick(net, env, callbacks=lambda p: net.requires_grad_(False))
    force = nn.Parameter(torch.full((4,), 500.0))
    env = Environment(
        ReluPointMass24(muscle_parameters={"max_isometric_force": force}), RandomTargetReach(), duration=0.1
    )
    (own,) = env.parameters()
    own.requires_grad_(False)
    with pytest.raises(
        ValueError, match=r"max_isometric_force.*without parameters to learn, where replicates share it"
    ):
        quick(network(env), env, replicates=2, callbacks=lambda p: own.requires_grad_(True))


def test_a_body_that_is_learnt_from_some_batch_on():
    "Its parameters are followed, too."
    force = nn.Parameter(torch.full((4,), 500.0))
    env = Environment(
        ReluPointMass24(muscle_parameters={"max_isometric_force": force}), RandomTargetReach(), duration=0.1
    )
    (own,) = env.parameters()
    own.requires_grad_(False)
    seen = []

    def after(progress):
        seen.append(own.detach().clone())
        if progress.batch == 2:
            own.requires_grad_(True)

    quick(network(env), env, n_batches=4, learning_rate=0.1, callbacks=after)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2]) and not torch.equal(seen[2], seen[3])


def test_pruned_weights_keep_their_place():
    "Pruning gives a parameter another name; its optimiser state stays, and the mask holds."
    from torch.nn.utils import prune

    env = point_mass_world()
    net = Perceptron(env.n_observations, env.n_actions)
    layer = next(m for m in net.modules() if isinstance(m, nn.Linear))
    weight, made = layer.weight, []

    def optimizer(parameters):
        made.append(torch.optim.Adam(parameters, lr=1e-2))
        return made[0]

    def after(progress):
        if progress.batch == 2:
            prune.l1_unstructured(layer, "weight", 0.5)

    quick(net, env, n_batches=5, loss=PLAIN, optimizer=optimizer, callbacks=after)
    assert int(made[0].state[weight]["step"]) == 5 and layer.weight_orig is weight
    assert int((layer.weight == 0).sum()) == layer.weight.numel() // 2


def test_an_optimizer_that_holds_some_parameters_only():
    "The others are named, and stay; frozen ones are meant to be left out."
    env = point_mass_world()
    net = network(env)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    with pytest.warns(UserWarning, match=r"does not hold weight_ih, weight_hh, bias_ih, bias_hh: not learnt"):
        quick(net, env, optimizer=torch.optim.SGD(net.output.parameters(), lr=0.1))
    changed = [n for n, p in net.named_parameters() if not torch.equal(before[n], p.detach())]
    assert changed == ["output.weight", "output.bias"]
    for name, p in net.named_parameters():
        p.requires_grad_(name.startswith("output"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(net, env, optimizer=torch.optim.SGD(net.output.parameters(), lr=0.1))


def test_no_callbacks():
    "None is none."
    assert len(quick(callbacks=None)[0]) == len(quick(callbacks=[])[0]) == 3

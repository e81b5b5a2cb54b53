"""Learning by backpropagation: trials, seeds, engines, callbacks, arguments, bodies that learn."""

import numpy as np
import pytest
import torch
from short_trainings import Forgetful, quick, weights
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
        assert_equal(one.episode.inputs.observation_noise, want.inputs.observation_noise)
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


def test_no_callbacks():
    "None is none."
    assert len(quick(callbacks=None)[0]) == len(quick(callbacks=[])[0]) == 3

"""A run in parts is the run in one part: checkpoints, resuming, interrupts, kills, damage, a full disk."""

import copy
import functools
import math
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from worlds import assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import CheckpointError, Environment, RandomTargetReach, ReachLoss, train
from motornet_nb.core.differences import first_difference
from motornet_nb.core.recipe import recipe_of
from motornet_nb.learning.checkpoint import CheckpointFolder

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
N = 7  # batches of a run


class Forgetful(nn.Module):
    "A network with dropout, and with a running mean of what it sees."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_inputs)
        self.first, self.dropout, self.second = nn.Linear(n_inputs, 12), nn.Dropout(0.3), nn.Linear(12, n_actions)

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return torch.sigmoid(self.second(self.dropout(torch.tanh(self.first(self.norm(observation)))))), None


def learnt_body():
    "A body whose mass and strengths are learnt."
    mass = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    strength = nn.Parameter(torch.full((4,), 500.0, dtype=torch.float64))
    body = mn.ReluPointMass24(mn.PointMass(mass=mass), max_isometric_force=strength)
    return Environment(body, RandomTargetReach(), duration=0.1)


def noisy():
    return point_mass_world(mn.DelayedReach(), vision_noise=0.02, action_noise=0.02)


def gru(env):
    return network(env, hidden_noise=0.01)


def momentum(parameters):
    return torch.optim.SGD(parameters, lr=0.02, momentum=0.9, nesterov=True)


def one_cycle(optimizer):
    return lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=N)


def plateau(optimizer):
    return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)


NO_HIDDEN = ReachLoss().without("hidden", "hidden_rate")
PAIR = lambda env: [network(env, seed=1), network(env, seed=2)]  # noqa: E731
RUNS = {
    "Adam": (noisy, gru, {}),
    "Adam, fused": (noisy, gru, {"engine": "fused"}),
    "momentum": (noisy, gru, {"optimizer": momentum}),
    "momentum, fused": (noisy, gru, {"optimizer": momentum, "engine": "fused"}),
    "OneCycleLR": (noisy, gru, {"optimizer": momentum, "scheduler": one_cycle}),
    "ReduceLROnPlateau": (noisy, gru, {"scheduler": plateau, "learning_rate": 0.02}),
    "amsgrad, LambdaLR": (
        noisy,
        gru,
        {
            "optimizer": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
            "scheduler": lambda o: lr_scheduler.LambdaLR(o, lambda k: 0.9**k),
        },
    ),
    "dropout and running means": (
        noisy,
        lambda env: Forgetful(env.n_observations, env.n_actions),
        {"loss": NO_HIDDEN},
    ),
    "learnt body": (learnt_body, network, {"learning_rate": 0.01}),
    "learnt body, fused": (learnt_body, network, {"learning_rate": 0.01, "engine": "fused"}),
    "replicates": (noisy, PAIR, {"scheduler": plateau, "seeds": [3, 8]}),
    "replicates, fused": (noisy, PAIR, {"optimizer": momentum, "seed": 4, "engine": "fused"}),
    "skipped batches": (noisy, gru, {"loss": lambda r: Odd()(r), "on_nonfinite": "skip"}),
}


class Odd:
    "A loss that is no number where the first target is on the right."

    def __call__(self, played):
        total, parts = ReachLoss()(played)
        return torch.where(played.trials.goal[0, 0] > 0, total, math.nan), parts


def run(env, net, **settings):
    "Train for N batches; the log and every number that was learnt."
    settings = {"n_batches": N, "batch_size": 6, "engine": "eager", "every": 2, "progress": False} | settings
    result = train(net, env, **settings)
    log = result.log if isinstance(result, mn.Replicates) else result
    return log, learnt(env, result.networks if isinstance(result, mn.Replicates) else net)


def learnt(env, net):
    return {k: v.detach().clone() for k, v in (*net.state_dict().items(), *env.named_parameters())}


def assert_same(a, b):
    assert list(a) == list(b)
    for name in a:
        assert_equal(a[name], b[name], name)


def stop_at(*batches):
    def stop(progress):
        progress.stop = progress.batch in batches

    return stop


# ---- bit for bit ---------------------------------------------------------------------------------------------------


@functools.cache
def whole(name):
    "The run that nothing happened to."
    make_env, make_net, settings = RUNS[name]
    env = make_env()
    torch.manual_seed(11)
    return run(env, make_net(env), **settings)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_in_parts_is_the_run_in_one_part(name, tmp_path):
    "Weights, body and log, bit for bit, in a network and a body made anew."
    make_env, make_net, settings = RUNS[name]
    log, weights = whole(name)
    for part, seed in ((1, 11), (4, 77), (None, 78)):
        env = make_env()
        torch.manual_seed(11 if part == 1 else seed)
        net = make_net(env)
        last, again = run(env, net, checkpoint=tmp_path, resume=part != 1, callbacks=stop_at(part), **settings)
    assert_same(weights, again)
    assert last.drop(columns="seconds").equals(log.drop(columns="seconds"))
    assert last.attrs["engine"].split()[0] == settings.get("engine", "eager")


@pytest.mark.parametrize("name", ["OneCycleLR", "learnt body", "dropout and running means", "replicates"])
def test_a_run_goes_on_in_the_session_it_was_interrupted_in(name, tmp_path):
    "The same objects, that have changed in the meantime."
    make_env, make_net, settings = RUNS[name]
    _, weights = whole(name)
    env = make_env()
    torch.manual_seed(11)
    net = make_net(env)
    with pytest.raises(KeyboardInterrupt):
        run(env, net, checkpoint=tmp_path, callbacks=interrupt_at(3), **settings)
    _, again = run(env, net, checkpoint=tmp_path, resume=True, **settings)
    assert_same(weights, again)


def test_an_optimiser_and_a_schedule_that_were_given_as_objects(tmp_path):
    "They go on, whether made anew or used already."
    env = noisy()

    def made():
        net = gru(env)
        optimizer = momentum(net.parameters())
        return net, {"optimizer": optimizer, "scheduler": one_cycle(optimizer)}

    _, weights = whole("OneCycleLR")
    net, given = made()
    run(env, net, checkpoint=tmp_path, callbacks=stop_at(3), **given)
    run(env, net, checkpoint=tmp_path, resume=True, callbacks=stop_at(5), **given)
    net, given = made()
    _, again = run(env, net, checkpoint=tmp_path, resume=True, **given)
    assert_same(weights, again)


def interrupt_at(batch):
    def interrupt(progress):
        if progress.batch == batch:
            signal.raise_signal(signal.SIGINT)

    return interrupt


@pytest.mark.parametrize("name", ["Adam", "Adam, fused", "dropout and running means", "replicates"])
def test_an_interrupt_in_the_middle_of_a_batch(name, tmp_path):
    "While trials are judged: a checkpoint of the batches before, random numbers and running means as they were then."
    make_env, make_net, settings = RUNS[name]
    _, weights = whole(name)
    env = make_env()
    torch.manual_seed(11)
    net = make_net(env)
    judge, count = settings.get("loss", ReachLoss()), []

    class Interrupted(type(judge)):
        def forward(self, played):
            count.append(1)
            torch.rand(3)
            if len(count) == (5 if name == "replicates" else 4):
                signal.raise_signal(signal.SIGINT)
            return super().forward(played)

    interrupted = copy.copy(judge)
    interrupted.__class__ = Interrupted
    with pytest.raises(KeyboardInterrupt) as caught:
        run(env, net, checkpoint=tmp_path, every=100, **settings | {"loss": interrupted})
    batch = caught.value.progress.batch
    assert batch in (2, 3) and list(CheckpointFolder(tmp_path).paths) == [batch]
    assert caught.value.__notes__[0].startswith(
        f"{batch} of 7 batches are done; the network has the weights of the last"
    )
    if "dropout" in name:
        return  # this loss drew random numbers, too
    forget_class(tmp_path, Interrupted, type(judge))
    env = make_env()
    _, again = run(env, make_net(env), checkpoint=tmp_path, resume=True, **settings)
    assert_same(weights, again)


def forget_class(folder, one, other):
    "Rewrite the class of the loss in the last checkpoint."
    store = CheckpointFolder(folder)
    last = store.latest()
    names = [f"{c.__module__}.{c.__qualname__}" for c in (one, other)]
    assert last.facts["recipe"]["loss"]["class"] == names[0]
    last.facts["recipe"]["loss"]["class"] = names[1]
    del last.facts["recipe"]["loss"]["(methods)"]
    store.write(last.batch, last.tensors, last.facts)


def test_a_usable_network_after_an_interrupt():
    "Without checkpoints, too: whole batches, in the mode it was in, no gradients left."
    env = noisy()
    net = gru(env).eval()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(env, net, callbacks=interrupt_at(3))
    assert caught.value.__notes__ == ["3 of 7 batches are done; the network has the weights of the last of them"]
    three = gru(env)
    run(env, three, n_batches=3)
    assert_same(learnt(env, three), learnt(env, net))
    assert not net.training and all(p.grad is None for p in net.parameters())
    assert len(caught.value.progress.log) == 3
    mn.simulate(net, env, n=2)


def test_replicates_that_train_made_are_in_the_error():
    "Nobody else has them."
    env = noisy()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(env, lambda: gru(env), replicates=2, callbacks=interrupt_at(2))
    assert isinstance(caught.value.progress.policy, mn.Replicates) and len(caught.value.progress.log) == 4


def test_an_error_in_a_callback_leaves_a_checkpoint(tmp_path):
    "Whatever ends the run."
    env = noisy()

    def fail(progress):
        if progress.batch == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        run(env, gru(env), checkpoint=tmp_path, every=100, callbacks=fail)
    assert (
        list(CheckpointFolder(tmp_path).paths) == [3] and "resume=True goes on from there" in caught.value.__notes__[0]
    )
    _, again = run(env, gru(env), checkpoint=tmp_path, resume=True)
    assert_same(whole("Adam")[1], again)


def test_an_error_in_the_middle_of_an_update_is_not_kept(tmp_path):
    "A schedule that ends too early: weights have changed, the batch is not over; the checkpoint before stays the last."
    env = noisy()
    short = lambda o: lr_scheduler.OneCycleLR(o, 0.02, total_steps=5)  # noqa: E731
    with pytest.raises(ValueError, match="Tried to step") as caught:
        run(env, gru(env), checkpoint=tmp_path, scheduler=short)
    assert list(CheckpointFolder(tmp_path).paths) == [2, 4]
    assert "in the middle of an update" in caught.value.__notes__[0]


# ---- how far -------------------------------------------------------------------------------------------------------


def test_every_so_many_batches_and_at_the_end(tmp_path):
    "And the two last are kept."
    seen = []
    env = noisy()
    names = lambda p: seen.append(sorted(int(f.name[11:19]) for f in tmp_path.glob("checkpoint-*")))  # noqa: E731
    run(env, gru(env), checkpoint=tmp_path, every=3, callbacks=names)
    assert seen == [[], [], [], [3], [3], [3], [3, 6]] and list(CheckpointFolder(tmp_path).paths) == [6, 7]


def test_a_finished_run_gives_its_log_and_can_be_made_longer(tmp_path):
    "Beyond the end nothing is played; with more batches it goes on."
    env = noisy()
    log, weights = run(env, gru(env), n_batches=4, checkpoint=tmp_path)
    for n in (4, 2):
        again, same = run(env, gru(env), n_batches=n, checkpoint=tmp_path, resume=True, loss=ReachLoss())
        assert again.equals(log) and again.attrs == log.attrs
        assert_same(weights, same)
    log, weights = run(env, gru(env), checkpoint=tmp_path, resume=True)
    assert_same(whole("Adam")[1], weights)
    assert log.index.tolist() == list(range(7))


def test_resuming_where_there_is_nothing_begins(tmp_path):
    "So that the same cell can be run again and again."
    env = noisy()
    for folder in (tmp_path / "new" / "folder", tmp_path):
        _, weights = run(env, gru(env), checkpoint=folder, resume=True)
        assert_same(whole("Adam")[1], weights)


def test_what_a_callback_adds_to_the_log_is_kept(tmp_path):
    "A column of one's own."
    env = noisy()

    def measure(progress):
        if progress.batch % 2:
            progress.rows[-1]["error"] = float(progress.batch)

    run(env, gru(env), n_batches=4, checkpoint=tmp_path, callbacks=measure)
    log, _ = run(env, gru(env), checkpoint=tmp_path, resume=True, callbacks=measure)
    np.testing.assert_array_equal(log["error"], [1, np.nan, 3, np.nan, 5, np.nan, 7])


# ---- another run ---------------------------------------------------------------------------------------------------


def heavy():
    return Environment(mn.ReluPointMass24(mn.PointMass(mass=1.5)), mn.DelayedReach(), duration=0.1, vision_noise=0.02, action_noise=0.02)  # fmt: skip


OTHERS = {
    "batch size": ({"batch_size": 5}, r"batch_size = 5 .* must be 6, as in the run that is resumed"),
    "seed": ({"seed": 2}, r"seeds\[0\] = 2 .* must be 0"),
    "clipping": ({"clip_norm": None}, r"clip_norm = None .* must be 1\.0"),
    "learning rate": ({"learning_rate": 0.01}, r"optimizer\.lr = 0\.01 .* must be 0\.001"),
    "optimiser": (
        {"optimizer": momentum},
        r"optimizer = 'torch\.optim\.sgd\.SGD' .* must be 'torch\.optim\.adam\.Adam'",
    ),
    "schedule": ({"scheduler": one_cycle}, r"scheduler = 'torch.*OneCycleLR' .* must be 'builtins\.NoneType'"),
    "weight of the loss": ({"loss": ReachLoss(beta=3.0)}, r"loss\.beta = 3\.0"),
    "loss": ({"loss": NO_HIDDEN}, r"loss.* is not allowed"),
    "function": ({"loss": lambda r: r["activation"].mean()}, r"loss = '.*<lambda>'"),
    "body": ({"env": heavy()}, r"environment\.effector\.skeleton\.mass = 1\.5 .* must be 1\.0"),
    "task": (
        {"env": point_mass_world(mn.CenterOutReach(go_time=0.02))},
        r"environment\.task = '.*CenterOutReach' .* must be '.*DelayedReach'",
    ),
    "noise": (
        {"env": point_mass_world(mn.DelayedReach(), vision_noise=0.02)},
        r"environment\.action_noise = 0\.0 .* must be 0\.02",
    ),
    "units": ({"net": network(noisy(), 5, hidden_noise=0.01)}, r"policy\.n_units = 5 .* must be 12"),
    "network": ({"net": Forgetful(noisy().n_observations, 4)}, r"policy = '.*Forgetful' .* must be '.*PolicyGRU'"),
    "replicates": ({"replicates": 2}, r"replicates = 2 .* must be None"),
    "what is learnt": ({"net": None}, r"learnt = \[.*\]"),
}


@pytest.fixture(scope="module")
def old_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old run")
    run(noisy(), gru(noisy()), n_batches=2, checkpoint=folder)
    return folder


@pytest.mark.parametrize(("change", "says"), OTHERS.values(), ids=OTHERS)
def test_another_recipe_is_refused_by_what_differs(change, says, old_run):
    "Before anything has changed."
    change = dict(change)
    env, net = change.pop("env", noisy()), change.pop("net", gru(noisy()))
    if net is None:
        net = gru(env)
        net.output.requires_grad_(False)
    before = learnt(env, net)
    with pytest.raises(ValueError, match=says) as caught:
        run(env, net, checkpoint=old_run, resume=True, **change)
    assert "another run needs another folder" in str(caught.value)
    assert_same(before, learnt(env, net))


def test_settings_of_a_schedule_belong_to_the_recipe(tmp_path):
    env = noisy()
    step = lambda n: {"scheduler": lambda o: lr_scheduler.StepLR(o, n)}  # noqa: E731
    run(env, gru(env), n_batches=2, checkpoint=tmp_path, **step(5))
    with pytest.raises(ValueError, match=r"scheduler\.step_size = 6 .* must be 5"):
        run(env, gru(env), checkpoint=tmp_path, resume=True, **step(6))


def test_a_new_run_does_not_overwrite_an_old_one(old_run):
    env = noisy()
    net = gru(env)
    before = learnt(env, net)
    with pytest.raises(ValueError, match=r"checkpoint = .* a folder without checkpoints \(resume=True goes on"):
        run(env, net, checkpoint=old_run)
    assert_same(before, learnt(env, net))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"resume": True}, "checkpoint = None .* a folder, where resume is True"),
        ({"resume": "yes", "checkpoint": "x"}, "resume = 'yes'"),
        ({"every": 0, "checkpoint": "x"}, "every = 0"),
        ({"checkpoint": 3}, "folder = 3"),
    ],
)
def test_wrong_arguments_are_refused(arguments, says):
    env = noisy()
    with pytest.raises((ValueError, TypeError), match=says):
        run(env, gru(env), **arguments)
    assert not Path("x").exists()


def test_checkpoints_of_somebody_else_are_refused(tmp_path):
    "Of another program that uses the same files."
    CheckpointFolder(tmp_path).write(3, {"weights": torch.zeros(3)}, {"what": "else"})
    env = noisy()
    with pytest.raises(ValueError, match=r"a folder with checkpoints that train\(\) has written"):
        run(env, gru(env), checkpoint=tmp_path, resume=True)


def test_recipes():
    "Of what is learnt the shape, of functions the code, of models and modules what they are."
    recipe = recipe_of(
        {
            "env": learnt_body(),
            "net": nn.Linear(2, 1),
            "f": one_cycle,
            "x": (1, None, torch.float32, torch.device("cpu")),
        }
    )
    assert recipe["env"]["effector"]["skeleton"]["mass"] == {"learnt": []}
    assert recipe["env"]["effector"]["muscle_parameters"]["max_isometric_force"] == {"learnt": [4]}
    assert "device" not in recipe["env"]["effector"] or recipe["env"]["effector"]["device"] is None
    assert recipe["net"] == {
        "class": "torch.nn.modules.linear.Linear",
        "in_features": 2,
        "out_features": 1,
        "weight": {"weights": [1, 2]},
        "bias": {"weights": [1]},
    }
    assert recipe["f"]["function"] == "one_cycle" and recipe["f"]["(reads)"]["N"] == N
    assert (
        recipe["f"]["code"]
        == "def one_cycle(optimizer):\n    return lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=N)"
    )
    assert recipe["x"] == [1, None, "torch.float32", None]
    assert first_difference(recipe, recipe) is None
    assert first_difference({"a": [1, 2]}, {"a": [1, 2, 3]}) == ("a", [1, 2], [1, 2, 3])
    assert first_difference({"a": 1}, {"b": 1}) == ("a", 1, None)
    assert first_difference({"a": math.nan, "b": 1}, {"a": math.nan, "b": 1.0}) == ("b", 1, 1.0)


# ---- what the run itself changes, and what earlier versions wrote ---------------------------------------------------


class Counting(Forgetful):
    "A network that counts how often it was called, and whose gain can be chosen."

    def __init__(self, n_inputs, n_actions, gain=1.0):
        super().__init__(n_inputs, n_actions)
        self.n_calls, self.gain = 0, gain

    def forward(self, observation, hidden):
        self.n_calls += 1
        action, hidden = super().forward(observation, hidden)
        return self.gain * action, hidden


def test_what_the_run_itself_changes_is_no_setting(tmp_path):
    "A counter goes on in the same session; in a new one it begins anew, which is said; a gain is a setting all the same."
    env = noisy()
    settings = {"loss": NO_HIDDEN, "checkpoint": tmp_path, "resume": True, "every": 1}
    net = Counting(env.n_observations, env.n_actions)
    run(env, net, n_batches=2, **settings)
    assert net.n_calls == 2 * env.n_steps
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(env, net, n_batches=3, **settings)
    assert net.n_calls == 3 * env.n_steps
    with pytest.raises(ValueError, match=r"policy\.gain = 2\.0 is not allowed; it must be 1\.0"):
        run(env, Counting(env.n_observations, env.n_actions, 2.0), n_batches=4, **settings)
    new = Counting(env.n_observations, env.n_actions)
    with pytest.warns(UserWarning, match=rf"policy\.n_calls was {3 * env.n_steps} and is 0"):
        run(env, new, n_batches=4, **settings)
    assert new.n_calls == env.n_steps


def test_a_setting_that_was_changed_by_hand_in_the_same_session_is_refused(tmp_path):
    "Between two calls of train, which have not changed it."
    env = noisy()
    net = Counting(env.n_observations, env.n_actions)
    run(env, net, n_batches=2, loss=NO_HIDDEN, checkpoint=tmp_path)
    net.gain = 3.0
    with pytest.raises(ValueError, match=r"policy\.gain = 3\.0 is not allowed; it must be 1\.0"):
        run(env, net, loss=NO_HIDDEN, checkpoint=tmp_path, resume=True)


def test_a_running_mean_is_no_setting_and_a_fixed_buffer_is_one(tmp_path):
    "Whichever of its numbers have changed."
    env = noisy()

    def made(scale):
        net = Forgetful(env.n_observations, env.n_actions)
        net.register_buffer("scale", torch.tensor([1.0, scale]))
        return net

    net = made(2.0)
    run(env, net, n_batches=2, loss=NO_HIDDEN, checkpoint=tmp_path)
    moved = CheckpointFolder(tmp_path).latest().facts["moved"]
    assert set(moved) == {f"policy.norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}
    with torch.no_grad():
        net.norm.running_mean.add_(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(env, net, n_batches=3, loss=NO_HIDDEN, checkpoint=tmp_path, resume=True)
    with pytest.raises(ValueError, match=r"policy\.scale\[1\] = 3\.0 is not allowed; it must be 2\.0"):
        run(env, made(3.0), loss=NO_HIDDEN, checkpoint=tmp_path, resume=True)


def test_replicates_are_compared_one_by_one(tmp_path):
    "Where their settings differ."
    env = noisy()

    def nets(*gains):
        return [Counting(env.n_observations, env.n_actions, gain) for gain in gains]

    settings = {"loss": NO_HIDDEN, "checkpoint": tmp_path, "seeds": [1, 2], "resume": True}
    run(env, nets(1.0, 2.0), n_batches=2, **settings)
    with pytest.raises(ValueError, match=r"networks\[1\]\.gain = 3\.0 is not allowed; it must be 2\.0"):
        run(env, nets(1.0, 3.0), **settings)
    with pytest.warns(UserWarning, match="policy.n_calls was"):
        log, _ = run(env, nets(1.0, 2.0), n_batches=3, **settings)
    assert len(log) == 6


def push(motion, time, trial):
    return 2.0 * torch.ones_like(motion.endpoint_position)


class Small(nn.Module):
    "As it was when the first version of recipes was written."

    def __init__(self, n_inputs, n_actions, tau=0.5):
        super().__init__()
        self.tau = tau
        self.layers = nn.Sequential(nn.Linear(n_inputs, 3), nn.Tanh(), nn.Linear(3, n_actions), nn.Sigmoid())

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return self.tau * self.layers(observation), None


Small.__module__ = "__main__"
SMALL_EFFORT = lambda r: r["action"].square().mean()  # noqa: E731


def small_run(folder, strength=3.0, tau=0.5, **settings):
    "Go on with the run in tests/data/first_recipe."
    task = RandomTargetReach(loads=[push, mn.CurlField(strength)])
    env = Environment(mn.ReluPointMass24(), task, duration=0.03)
    net = Small(env.n_observations, env.n_actions, tau)
    terms = {"position": mn.loss.PositionError(), "effort": SMALL_EFFORT}
    loss = mn.Loss(weights={"position": 1.0, "effort": 0.1}, terms=terms)
    settings = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.01), "scheduler": lambda o: lr_scheduler.StepLR(o, 3)} | settings  # fmt: skip
    return run(env, net, loss=loss, n_batches=3, batch_size=2, checkpoint=folder, resume=True, **settings)


@pytest.fixture
def first_recipe(tmp_path):
    "A copy of a checkpoint with a recipe of version 1, which names the package's classes with their modules."
    return shutil.copytree(Path(__file__).parents[1] / "data" / "first_recipe", tmp_path / "first")


def test_checkpoints_of_the_first_version_go_on(first_recipe):
    "Compared in what they say, which is nothing of a network's attributes; from then on everything is."
    assert "recipe_version" not in CheckpointFolder(first_recipe).latest().facts
    log, _ = small_run(first_recipe)
    assert len(log) == 3 and CheckpointFolder(first_recipe).latest().facts["recipe_version"] == 2
    with pytest.raises(ValueError, match=r"policy\.tau = 0\.7 is not allowed; it must be 0\.5"):
        small_run(first_recipe, tau=0.7)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"strength": 4.0}, r"environment\.task\.loads\[1\]\.strength = 4\.0 .* must be 3\.0"),
        ({"scheduler": lambda o: lr_scheduler.StepLR(o, 4)}, r"scheduler\.step_size = 4 .* must be 3"),
        ({"scheduler": None}, r"scheduler = 'builtins\.NoneType'"),
        ({"seed": 4}, r"seeds\[0\] = 4"),
    ],
    ids=["load", "schedule", "no schedule", "seed"],
)
def test_what_the_first_version_knew_is_compared_as_before(change, says, first_recipe):
    "And refused."
    with pytest.raises(ValueError, match=says):
        small_run(first_recipe, **change)


def test_recipes_of_a_later_version_are_refused(tmp_path):
    "What they mean is not known here."
    env = noisy()
    run(env, gru(env), n_batches=1, checkpoint=tmp_path)
    store = CheckpointFolder(tmp_path)
    last = store.latest()
    store.write(last.batch, last.tensors, last.facts | {"recipe_version": 9})
    with pytest.raises(ValueError, match=r"checkpoint = .* a folder of this version, or of an earlier one"):
        run(env, gru(env), checkpoint=tmp_path, resume=True)


# ---- damage --------------------------------------------------------------------------------------------------------


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


def flip(path, where):
    data = bytearray(path.read_bytes())
    data[int(where * (len(data) - 1))] ^= 0x10
    path.write_bytes(data)


DAMAGE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in its head": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "empty": lambda path: path.write_bytes(b""),
    "a bit of a weight": lambda path: flip(path, 1.0),
    "a bit in the middle": lambda path: flip(path, 0.5),
    "a bit of its length": lambda path: flip(path, 0.0),
    "a pickle": lambda path: path.write_bytes(pickle.dumps(Payload(path.parent / "executed"))),
    "a torch file with a pickle": lambda path: torch.save(Payload(path.parent / "executed"), path),
    "text": lambda path: path.write_text("weights"),
    "of another batch": lambda path: path.write_bytes(min(path.parent.iterdir()).read_bytes()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(damage, tmp_path):
    "Which is said; the run ends in the same weights; nothing in the file is executed."
    env = noisy()
    run(env, gru(env), n_batches=4, checkpoint=tmp_path)
    last = tmp_path / "checkpoint-00000004.safetensors"
    damage(last)
    with pytest.warns(UserWarning, match=r"checkpoint-00000004\.safetensors is skipped: .* checkpoint-00000002"):
        log, weights = run(env, gru(env), checkpoint=tmp_path, resume=True)
    assert_same(whole("Adam")[1], weights)
    assert len(log) == 7 and list(CheckpointFolder(tmp_path).paths) == [6, 7]
    assert not (tmp_path / "executed").exists()


def test_a_folder_of_damaged_checkpoints_is_refused(tmp_path):
    "Rather than begun anew, which would be another run."
    env = noisy()
    run(env, gru(env), n_batches=4, checkpoint=tmp_path)
    for path in tmp_path.iterdir():
        DAMAGE["a pickle"](path)
    with pytest.raises(CheckpointError, match=r"none of the checkpoints in .* can be used"):
        run(env, gru(env), checkpoint=tmp_path, resume=True)
    assert not (tmp_path / "executed").exists()


# ---- kills, interrupts at any moment, no space ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    "What killed_training.py has found."
    if os.name != "posix":
        pytest.skip("signals of POSIX")
    script = Path(__file__).parents[1] / "support" / "killed_training.py"
    command = [sys.executable, str(script), str(tmp_path_factory.mktemp("lives")), "6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_killed_runs_end_in_the_same_weights(lives):
    "Killed at random moments and while a checkpoint is written; every resume succeeds."
    found = re.findall(r"(\w+): (\d+) kills, (\d+) of them while writing.* (\d+) resumes, .* all with the same", lives)
    assert [(engine, int(kills)) for engine, kills, *_ in found] == [("eager", 4), ("fused", 2)], lives
    assert sum(int(inside) for *_, inside, _ in found) > 0 and sum(int(again) for *_, again in found) > 3


def test_interrupts_at_random_moments_leave_whole_batches(lives):
    "From a timer, wherever the run is."
    found = re.findall(r"(\w+): interrupted at (\d+) different batches, always whole, and the same in the end", lives)
    assert [engine for engine, _ in found] == ["eager", "fused"] and all(int(n) > 1 for _, n in found), lives


def test_a_full_disk_stops_the_run_and_harms_nothing(lives):
    "The error says what is left; what is left is good."
    assert re.search(r"full: the checkpoint .*00000006\.safetensors could not be written: .*; the previous checkpoint, of batch 4, is intact \| 6 of 24 batches are done", lives)  # fmt: skip
    assert "full: ['checkpoint-00000002.safetensors', 'checkpoint-00000004.safetensors']" in lives
    assert "full: went on and ended in the same weights" in lives


@pytest.mark.parametrize("stop", [2, 3, 5])
def test_what_was_frozen_or_unfrozen_on_the_way_is_so_again(tmp_path, stop):
    "A run that is resumed ends in the same weights as one that was never interrupted."

    def train_to(last, folder, resume=False):
        env = noisy()
        net = gru(env)
        net.weight_hh.requires_grad_(False)

        def after(progress):
            if progress.batch == 2:
                net.weight_hh.requires_grad_(True)
            if progress.batch == 3:
                net.weight_ih.requires_grad_(False)
            progress.stop = progress.batch == last

        run(env, net, n_batches=7, checkpoint=folder, resume=resume, callbacks=after)
        return net

    whole = train_to(7, tmp_path / "whole")
    train_to(stop, tmp_path / "parts")
    again = train_to(7, tmp_path / "parts", resume=True)
    for (name, got), want in zip(again.named_parameters(), whole.parameters(), strict=True):
        assert torch.equal(got, want) and got.requires_grad == want.requires_grad, name


def test_a_run_whose_weights_were_moved_goes_on_with_them(tmp_path):
    "Also where nobody moves them any more; the log and what is loaded say which they were."
    moves = {1: {"muscle": 0.0}, 3: {"position": 7.0, "muscle": 1.0}}.get
    few = {"batch_size": 4, "engine": "eager", "progress": False}
    env = point_mass_world()
    whole = network(env)
    log = train(whole, env, n_batches=6, reweight=moves, **few)
    for first in (2, 4):
        parts, folder = network(env), tmp_path / str(first)
        train(parts, env, n_batches=first, reweight=moves, checkpoint=folder, **few)
        again = network(env)
        more = {} if first == 4 else {"reweight": moves}
        resumed = train(again, env, n_batches=6, checkpoint=folder, resume=True, **more, **few)
        assert resumed.attrs["weights"] == log.attrs["weights"] and sorted(log.attrs["weights"]) == [0, 1, 3]
        for a, b in zip(whole.parameters(), again.parameters(), strict=True):
            assert_equal(b.detach(), a.detach())
        assert mn.load(folder).log.attrs["weights"] == log.attrs["weights"]

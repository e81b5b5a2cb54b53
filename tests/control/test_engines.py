"""Choosing an engine: auto, by name, and again in a second training."""

import copy
import errno
import gc
import os
import re
import warnings
import weakref

import pytest
import torch
from comparing import DOUBLE, check, double_world, run
from torch import nn
from worlds import Perceptron, network, point_mass_world

import motornet_nb as mn
from motornet_nb import fused
from motornet_nb.control.engine import EagerEngine
from motornet_nb.control.engines import ENGINES, AutoEngine, make_engine, recent_engine
from motornet_nb.control.fused_engine import FusedEngine


def test_auto_takes_the_fused_engine():
    "Without a warning, and says so."
    env = double_world()
    net = network(env)
    engine = make_engine("auto", net, env)
    assert isinstance(engine, AutoEngine) and engine.description == "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(net, env, engine)
        check(net, env, engine, n=9)
    assert isinstance(engine.chosen, FusedEngine)
    assert re.match(r"fused \(\w+, (built|from the cache) in [\d.]+ s\)$", engine.description)


def test_auto_without_a_compiler(tmp_path, monkeypatch):
    "One warning that says what to install; then the eager engine, bit for bit."
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    env = double_world()
    net = network(env)
    engine = make_engine("auto", net, env)
    with pytest.warns(UserWarning) as caught:
        got, slopes = run(engine, net, env)
        run(engine, net, env)
    assert len(caught) == 1 and re.search(r"eager.*slower.*apt install g\+\+", str(caught[0].message))
    assert isinstance(engine.chosen, EagerEngine)
    assert engine.description.startswith("eager, because:") and "g++" in engine.description
    want, want_slopes = run("eager", net, env)
    assert all(torch.equal(got[name], want[name]) for name in want)
    assert all(torch.equal(a, b) for a, b in zip(slopes, want_slopes, strict=True))


class Forgetful(nn.Module):
    "A network with dropout."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_actions)

    def init_hidden(self, batch_size):
        return None

    def forward(self, observation, hidden):
        return torch.sigmoid(nn.functional.dropout(self.layer(observation), 0.5, self.training)), None


def test_auto_with_a_policy_that_cannot_be_fused():
    "The warning names the operation and the line of the user's code; the engine by its own name refuses."
    env = double_world()
    net = Forgetful(env.n_observations, env.n_actions).to(DOUBLE)
    engine = make_engine("auto", net, env)
    with pytest.warns(UserWarning) as caught:
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine=engine)
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine=engine)
    words = str(caught[0].message)
    assert len(caught) == 1 and "random draw" in words and "test_engines.py:" in words and "dropout" in words
    assert isinstance(engine.chosen, EagerEngine) and "random draw" in engine.description
    with pytest.raises(fused.Unsupported, match="random draw"):
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine="fused")


def test_a_policy_that_changes_its_mode():
    "Dropout is off in eval mode and can be fused; back in train mode the program must not be used any more."
    env = double_world()
    net = Forgetful(env.n_observations, env.n_actions).to(DOUBLE).eval()
    engine = make_engine("fused", net, env)
    check(net, env, engine)
    net.train()
    with pytest.raises(fused.Unsupported, match="random draw"):
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine=engine)


def test_a_policy_that_decides_on_values_falls_back():
    "With the line of the decision."

    class Deciding(Perceptron):
        def forward(self, observation, hidden):
            if observation.mean() > 1000:
                observation = observation * 0
            return super().forward(observation, hidden)

    env = double_world()
    net = Deciding(env.n_observations, env.n_actions).to(DOUBLE)
    with pytest.warns(UserWarning, match=r"test_engines\.py:\d+ in forward"):
        mn.play(net, env, env.sample(4, 1, "train"), 1, engine="auto")


def test_engines_by_name():
    "An unknown one is refused with those there are; an engine belongs to one policy and one environment."
    env = double_world()
    net = network(env)
    assert set(ENGINES) == {"auto", "eager", "compile", "fused"}
    with pytest.raises(ValueError, match=r"'turbo'.*'auto', 'eager', 'compile', 'fused'"):
        make_engine("turbo", net, env)
    engine = make_engine("eager", net, env)
    assert make_engine(engine, net, env) is engine
    with pytest.raises(ValueError, match="this policy and this environment"):
        make_engine(engine, network(env, seed=1), env)


def test_an_engine_is_used_again_by_a_second_training(monkeypatch):
    "Whatever was read or differentiated before; other threads, another loss, a rollout in between."
    built = []
    scan_of = fused.Scan
    monkeypatch.setattr(fused, "Scan", lambda *a, **k: built.append(k["read"]) or scan_of(*a, **k))
    env = point_mass_world()
    net = network(env)
    quick = {"n_batches": 1, "batch_size": 4, "progress": False}
    for engine in ("fused", "auto"):
        built.clear()
        mn.train(net, env, engine=engine, **quick)
        mn.train(net, env, engine=engine, **quick)
        assert built == [["activation", "endpoint_position", "hidden"]]
        far = mn.Loss(weights={"far": 1.0}, terms={"far": lambda played: played["joint_position"].square().mean()})
        mn.train(net, env, engine=engine, loss=far, **quick)
        assert built[1:] == [None]  # a function may read anything
        mn.play(net, env, engine=engine)["muscle_force"].sum().backward()
        mn.train(net, env, engine=engine, **quick)
        assert len(built) == 2
    mn.train(net, env, engine="fused", loss=mn.ReachLoss().without("hidden", "hidden_rate"), **quick)
    assert built[2:] == [["activation", "endpoint_position"]]
    mn.play(net, env, engine="fused")["joint_velocity"].sum().backward()
    with torch.no_grad():
        mn.play(net, env, engine="fused")["joint_velocity"]
    assert built[3:] == []


def test_an_engine_that_fell_back_tries_again(tmp_path, monkeypatch):
    "For instance after a compiler was installed."
    env = point_mass_world()
    net = network(env)
    with monkeypatch.context() as patch:
        patch.setenv("CXX", str(tmp_path / "none"))
        with pytest.warns(UserWarning, match="eager engine runs"):
            log = mn.train(net, env, n_batches=1, batch_size=4, progress=False)
        assert log.attrs["engine"].startswith("eager")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        log = mn.train(net, env, n_batches=1, batch_size=4, progress=False)
    assert log.attrs["engine"].startswith("fused")


@pytest.mark.parametrize("engine", ["fused", "auto"])
def test_play_after_train_builds_no_second_program(monkeypatch, engine):
    "The one of the training will do; an output it does not store is played again, and the same as before."
    env = point_mass_world()
    net = network(env)
    mn.train(net, env, engine=engine, n_batches=1, batch_size=4, progress=False)
    built, scan_of = [], fused.Scan
    monkeypatch.setattr(fused, "Scan", lambda *a, **k: built.append(k["read"]) or scan_of(*a, **k))
    trials = env.sample(5, 1)
    played = mn.play(net, env, trials, engine="fused")
    torch.testing.assert_close(
        played["endpoint_position"], mn.play(net, env, trials)["endpoint_position"], rtol=1e-4, atol=1e-6
    )
    with torch.no_grad():
        mn.play(net, env, trials, engine=engine)["hidden"]
    assert built == []
    torch.testing.assert_close(
        played["musculotendon_length"], mn.play(net, env, trials)["musculotendon_length"], rtol=1e-4, atol=1e-6
    )
    assert built == [None]


def test_auto_goes_on_eagerly_when_the_fused_engine_refuses_later():
    "A network that begins to count in the second batch: one warning, and the numbers of the eager engine."

    class Counts(Perceptron):
        counting, steps = False, 0

        def forward(self, x, hidden):
            if self.counting:
                self.steps += 1
            return super().forward(x, hidden)

    env = point_mass_world()
    net = Counts(env.n_observations, env.n_actions)
    engine = AutoEngine(net, env)
    mn.play(net, env, engine=engine)
    assert isinstance(engine.chosen, FusedEngine)
    net.counting = True
    with pytest.warns(UserWarning, match=r"policy\.steps, which was not there before"):
        mn.play(net, env, engine=engine)
    assert isinstance(engine.chosen, EagerEngine) and net.steps == env.n_steps
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mn.play(net, env, engine=engine)


@pytest.mark.parametrize("replicates", [None, 2])
def test_a_folder_that_cannot_be_written_is_one_warning(tmp_path, monkeypatch, replicates):
    "Training goes on with the eager engine's numbers; who asked for the fused one gets the error."

    def read_only(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "programs"))
    monkeypatch.setattr(fused.compiler.tempfile, "TemporaryDirectory", read_only)
    few = {"n_batches": 3, "batch_size": 4, "progress": False, "replicates": replicates}
    losses = {}
    for engine in ("auto", "eager"):
        env = point_mass_world()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            log = mn.train(network(env), env, engine=engine, **few)
        losses[engine] = (log if replicates is None else log.log)["loss"].tolist()
        words = [str(w.message) for w in told if "MOTORNET_NB_CACHE" in str(w.message)]
        assert len(words) == (1 if engine == "auto" else 0)
    assert losses["auto"] == losses["eager"]
    env = point_mass_world()
    with pytest.raises(fused.CompilerError, match=r"Read-only file system.*MOTORNET_NB_CACHE"):
        mn.train(network(env), env, engine="fused", **few)


def test_engines_go_with_their_environment():
    "The last two are found again; nothing else keeps a policy alive, and copies of an environment have none."
    env = double_world()
    nets = [network(env, seed=s) for s in range(3)]
    engines = [recent_engine("fused", net, env) for net in nets]
    assert recent_engine("fused", nets[2], env) is engines[2] and recent_engine("auto", nets[1], env).chosen is None
    assert recent_engine("fused", nets[0], env) is not engines[0]
    assert copy.deepcopy(env) == env and not copy.deepcopy(env)._engines
    gone = [weakref.ref(net) for net in nets]
    del env, nets, engines
    gc.collect()
    assert not any(ref() for ref in gone)


def test_weights_are_kept_only_where_an_output_may_be_asked_for_later():
    "A program that stores everything can be read after the network has changed."
    env = point_mass_world()
    net = network(env)
    trials = env.sample(4, 0, "train")
    want = mn.play(net, env, trials)["musculotendon_length"].detach()
    played = mn.play(net, env, trials, engine="fused")
    with torch.no_grad():
        net.output.bias.add_(1.0)
    torch.testing.assert_close(played["musculotendon_length"].detach(), want, rtol=1e-4, atol=1e-6)

"""A folder of checkpoints is an experiment: what was trained, how far it is, and what it was trained with."""

import shutil
from pathlib import Path

import pytest
import torch
from short_trainings import quick
from worlds import Perceptron, network, point_mass_world

import motornet_nb as mn

OLD = Path(__file__).parent.parent / "data" / "version_0_1_0" / "run"


def test_a_run_is_loaded_from_its_checkpoints(tmp_path):
    "Environment, network, loss and log, to the last bit."
    env = point_mass_world()
    loss = mn.ReachLoss(beta=3.0)
    log, net = quick(env=env, n_batches=5, loss=loss, checkpoint=tmp_path, every=2)
    run = mn.load(tmp_path)
    assert run.policy == net and run.environment == env and run.loss == loss and run.log.equals(log)
    assert run.results is None and mn.simulate(run.policy, run.environment).equals(mn.simulate(net, env))


def test_replicates_and_their_precision_come_back(tmp_path):
    env = point_mass_world().double()
    both = mn.train(
        lambda: network(env).double(),
        env,
        replicates=2,
        n_batches=2,
        batch_size=3,
        engine="eager",
        progress=False,
        checkpoint=tmp_path,
    )
    run = mn.load(tmp_path)
    assert run.policy == both and run.log.equals(both.log) and run.log.index.names == ["replicate", "batch"]
    assert next(run.policy.parameters()).dtype == torch.float64


def test_a_network_of_ones_own_must_be_given(tmp_path):
    "Its class is named; what has no configuration is left out."
    env = point_mass_world()
    mine = Perceptron(env.n_observations, env.n_actions)
    quick(mine, env, loss=lambda rollout: rollout["activation"].square().mean(), checkpoint=tmp_path)
    with pytest.raises(TypeError, match="Perceptron to fill"):
        mn.load(tmp_path)
    run = mn.load(tmp_path, policy=Perceptron(env.n_observations, env.n_actions))
    assert run.loss is None and run.environment == env
    for a, b in zip(run.policy.parameters(), mine.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_run_of_an_earlier_version_needs_its_network(tmp_path):
    "Its checkpoints have weights and a log, and no configurations."
    shutil.copytree(OLD, tmp_path / "run")
    with pytest.raises(TypeError, match="PolicyGRU to fill"):
        mn.load(tmp_path / "run")
    net = mn.PolicyGRU(19, 4, 6, hidden_noise=0.01).double()
    run = mn.load(tmp_path / "run", policy=net)
    assert run.policy is net and run.environment is None and len(run.log) >= 1


def test_a_folder_of_neither_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no experiment.json, and no checkpoints"):
        mn.load(tmp_path)

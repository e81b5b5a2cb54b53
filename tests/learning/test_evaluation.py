"""What a loss says of a rollout, and which outputs it reads."""

import warnings

import numpy as np
import pytest
import torch
from short_trainings import Forgetful, four_batches, quick
from torch import nn
from worlds import assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import ReachLoss
from motornet_nb.learning.evaluation import outputs_read


def test_losses():
    "A Loss, a function giving a number, or one giving a number and parts."
    effort = lambda r: r["activation"].square().mean()  # noqa: E731
    log, _ = quick(loss=effort)
    assert list(log.columns) == ["loss", "gradient_norm", "learning_rate", "seconds"]
    both, _ = quick(loss=lambda r: (effort(r), {"effort": effort(r)}))
    np.testing.assert_array_equal(both["effort"], log["loss"])
    named, _ = quick(loss=mn.Loss({"effort": 1.0}, {"effort": effort}))
    np.testing.assert_array_equal(named["effort"], log["loss"])


def test_what_a_loss_reads_is_found_out():
    "Without playing the trials; a loss that cannot judge trials that stand still may read anything."
    env = point_mass_world()
    net = network(env)
    before = [p.clone() for p in net.parameters()]
    assert outputs_read(mn.ReachLoss(), net, env, 0) == {"endpoint_position", "activation", "hidden"}
    assert outputs_read(mn.ReachLoss().without("hidden", "hidden_rate", "kernel"), net, env, 0) == {
        "endpoint_position",
        "activation",
    }
    assert outputs_read(lambda played: played["hidden"].sum(), net, env, 0) is None

    class Moving(mn.Term):
        "Refuses hands that stand still."

        def forward(self, rollout):
            path = rollout["endpoint_position"]
            if not bool((path[:, -1] != path[:, 0]).any()):
                raise ValueError("nothing moves")
            return path.square().mean()

    judge = mn.Loss(weights={"moving": 1.0}, terms={"moving": Moving()})
    assert outputs_read(judge, net, env, 0) is None
    log = mn.train(net, env, loss=judge, n_batches=2, batch_size=4, progress=False, engine="fused")
    assert log["loss"].notna().all()
    assert not any(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True) if a.ndim > 1)


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


def test_a_loss_must_not_hide_the_log():
    "A term cannot be called like a column that the log has already."
    env = point_mass_world()
    with pytest.raises(ValueError, match="other names than"):
        four_batches(network(env), env, loss=lambda r: (r["activation"].mean(), {"seconds": r["activation"].mean()}))

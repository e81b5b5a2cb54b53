"""Batches that are skipped, runs that stop, and what is kept of them."""

import math

import numpy as np
import pytest
import torch
from short_trainings import ENGINES, assert_same, breaking, four_batches, quick, weights
from worlds import assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import ReachLoss
from motornet_nb.learning import training_run
from motornet_nb.learning.nonfinite import NonFiniteError


@pytest.mark.parametrize("engine", ENGINES)
def test_skipped_batches_change_nothing(engine):
    "Weights, optimiser and schedule stay; the log has a row with NaN; the run goes on."
    env = point_mass_world()
    seen = []
    net = network(env)
    log = four_batches(
        net,
        env,
        n_batches=6,
        engine=engine,
        loss=breaking(1, 3),
        on_nonfinite="skip",
        scheduler=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5),
        callbacks=lambda p: seen.append((p.loss, weights(net))),
    )
    bad = log["loss"].isna()
    assert bad.tolist() == [False, True, False, True, False, False] and log["gradient_norm"].isna().equals(bad)
    np.testing.assert_allclose(log["learning_rate"], np.array([1, 0.5, 0.5, 0.25, 0.25, 0.125]) * 1e-3)
    assert log["position"].notna().all() and [math.isnan(loss) for loss, _ in seen] == bad.tolist()
    for i in (1, 3):
        for a, b in zip(seen[i - 1][1], seen[i][1], strict=True):
            assert_equal(a, b)
    assert not torch.equal(seen[2][1][0], seen[1][1][0])


def test_an_infinite_gradient_is_skipped_too():
    env = point_mass_world()
    net = network(env)
    before = weights(net)
    bend = lambda r: (r.policy.output.bias - r.policy.output.bias.detach()).abs().sqrt().sum()  # noqa: E731
    log = four_batches(net, env, n_batches=2, loss=lambda r: r["activation"].mean() + bend(r), on_nonfinite="skip")
    assert log["loss"].notna().all() and log["gradient_norm"].isna().all()
    assert_same(before, net)


def test_patience_has_an_end(monkeypatch):
    "When batch after batch has to be left out, nothing is learnt any more, and the run says so."
    monkeypatch.setattr(training_run, "_PATIENCE", 3)
    env = point_mass_world()
    log = four_batches(network(env), env, n_batches=8, loss=breaking(0, 1, 3, 4, 6, 7), on_nonfinite="skip")
    assert len(log) == 8
    with pytest.raises(NonFiniteError, match=r"batch 4, as 3 batches in a row .*: the term broken of the loss is inf"):
        four_batches(network(env), env, n_batches=9, loss=breaking(2, 3, 4, value=math.inf), on_nonfinite="skip")


def test_patience_is_for_all_replicates(monkeypatch):
    "One that will never learn again does not end the run of the others."
    monkeypatch.setattr(training_run, "_PATIENCE", 3)
    env = point_mass_world()
    nets = [network(env, seed=i) for i in range(2)]
    with torch.no_grad():
        nets[0].output.bias.fill_(math.nan)
    trained = four_batches(mn.Replicates(nets), env, n_batches=5, engine="fused", on_nonfinite="skip")
    assert trained.log.loc[0]["loss"].isna().all() and trained.log.loc[1]["loss"].notna().all()


def test_the_last_good_checkpoint_is_kept(tmp_path):
    "The run stops in batch 3; what is on the disk is the state after three batches, and it resumes there: with the same loss, which counts anew."
    env = point_mass_world()
    net = network(env)
    with pytest.raises(NonFiniteError, match="batch 3") as caught:
        four_batches(net, env, n_batches=6, loss=breaking(3), checkpoint=tmp_path, every=2)
    assert "resume=True goes on from there" in caught.value.__notes__[0]
    assert [p.name for p in sorted(tmp_path.iterdir())][-1] == "checkpoint-00000003.safetensors"
    again, whole = network(env), network(env)
    four_batches(again, env, n_batches=6, loss=breaking(3), checkpoint=tmp_path, resume=True)
    four_batches(whole, env, n_batches=6, loss=breaking())
    assert_same(weights(whole), again)


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


MOVES = {0: {"muscle": 0.0}, 2: {"muscle": 4.0, "position": 1.0}, 3: {"hidden": 0.0}}


def weights_by_batch(n=4):
    "What MOVES makes of the weights of the paper's loss."
    now, all_of_them = dict(ReachLoss().weights), []
    for batch in range(n):
        now |= MOVES.get(batch, {})
        all_of_them.append(dict(now))
    return all_of_them


@pytest.mark.parametrize("engine", ENGINES)
def test_weights_that_are_moved_act_from_their_batch_on(engine):
    "As a loss that a function makes anew for each batch, played eagerly; one that was 0 is learnt by, too."
    env = point_mass_world()
    net = network(env)
    log = four_batches(net, env, engine=engine, reweight=MOVES.get)
    plain = network(env)
    judges = iter([mn.Loss(weights=w, terms=ReachLoss().terms) for w in weights_by_batch()])
    expected = four_batches(plain, env, loss=lambda rollout: next(judges)(rollout))
    for name in ("loss", "position", "muscle", "hidden", "gradient_norm"):
        np.testing.assert_allclose(log[name], expected[name], rtol=2e-5, err_msg=name)
    assert log["muscle"].isna().tolist() == [True, True, False, False]
    for a, b in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-5)
    unmoved = network(env)
    four_batches(unmoved, env, engine=engine)
    assert not all(torch.allclose(a, b, atol=1e-4) for a, b in zip(net.parameters(), unmoved.parameters(), strict=True))


def test_the_log_says_which_weights_each_batch_had():
    "From which batch on; also where none was moved. A loss that is a function has none."
    env = point_mass_world()
    by_batch = weights_by_batch()
    assert four_batches(network(env), env, reweight=MOVES.get).attrs["weights"] == {i: by_batch[i] for i in (0, 2, 3)}
    assert four_batches(network(env), env).attrs["weights"] == {0: ReachLoss().weights}
    assert "weights" not in four_batches(network(env), env, loss=lambda rollout: rollout["activation"].mean()).attrs


@pytest.mark.parametrize(
    "arguments, error, says",
    [
        ({"reweight": {2: {"muscle": 1.0}}}, TypeError, "reweight = .* called with the number of a batch"),
        ({"reweight": lambda batch: {"hope": 1.0}}, ValueError, "hope = 1.0 .* one of its terms"),
        ({"reweight": lambda batch: {"muscle": math.inf}}, ValueError, "muscle = inf .* finite"),
        ({"reweight": lambda batch: 3.0}, TypeError, "reweight = 3.0 .* dict of weights"),
        ({"reweight": MOVES.get, "loss": lambda rollout: rollout["activation"].mean()}, TypeError, "weighted sum"),
        (
            {"reweight": lambda batch: dict.fromkeys(ReachLoss().weights, 0.0) if batch == 1 else None},
            ValueError,
            "not all 0",
        ),
    ],
)
def test_weights_that_cannot_be_are_refused(arguments, error, says):
    env = point_mass_world()
    with pytest.raises(error, match=says):
        four_batches(network(env), env, **arguments)

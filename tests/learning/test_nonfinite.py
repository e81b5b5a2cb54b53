"""Numbers that are no numbers, and interrupts: what stops a run, what it says, and what it leaves."""

import math
import signal
import threading

import numpy as np
import pytest
import torch
from torch import nn
from worlds import assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import Environment, NonFiniteError, RandomTargetReach, ReachLoss, Streams, play, train
from motornet_nb.learning import training as training_room
from motornet_nb.learning.interrupts import Interrupts
from motornet_nb.learning.nonfinite import find_nonfinite, find_nonfinite_gradient
from motornet_nb.learning.progress import Progress

ENGINES = ["eager", "fused"]


def quick(net, env, **arguments):
    return train(net, env, **{"n_batches": 4, "batch_size": 6, "engine": "eager", "progress": False} | arguments)


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def assert_same(before, net):
    for a, b in zip(before, net.parameters(), strict=True):
        torch.testing.assert_close(b.detach(), a, rtol=0, atol=0, equal_nan=True)


def breaking(*batches, value=math.nan):
    "A loss with a term that is 0, but in some of the batches it is judged for."
    count = []

    def broken(rollout):
        count.append(1)
        return rollout["activation"].sum() * (value if len(count) - 1 in batches else 0.0)

    return ReachLoss().add("broken", broken)


# ---- what is named -------------------------------------------------------------------------------------------------


def pushed(value, start=0.045):
    "A load that is no number from some time on."

    def push(state, time, trial):
        return torch.where(time > start, value, 0.0) * torch.ones_like(state.endpoint_position)

    return point_mass_world(RandomTargetReach(loads=[push]))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("value", "word"), [(math.nan, "nan"), (math.inf, "inf")])
def test_the_first_tensor_and_step_are_named(engine, value, word):
    "A load that breaks at 50 ms breaks the body a moment later; the load is what is named."
    env = pushed(value)
    net = network(env)
    before = weights(net)
    with pytest.raises(NonFiniteError) as caught:
        quick(net, env, engine=engine)
    says = str(caught.value)
    assert says.startswith(f"training stopped in batch 0: endpoint_load[0] is {word} in trial 0 at step 6 (0.06 s). ")
    assert "keeps the weights it had before this batch" in says and "on_nonfinite='skip'" in says
    assert caught.value.__notes__ == ["0 of 4 batches are done; the network has the weights of the last of them"]
    assert_same(before, net)
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_that_the_loss_does_not_see_is_noticed(engine):
    "The loss looks at the drives only; the body has broken all the same."

    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(4))

        def init_hidden(self, batch_size):
            return torch.zeros(batch_size, 1)

        def forward(self, observation, hidden):
            return torch.sigmoid(self.bias).expand(len(observation), 4), hidden

    with pytest.raises(NonFiniteError, match=r"endpoint_load\[0\] is nan"):
        quick(Blind(), pushed(math.nan), engine=engine, loss=lambda r: r["action"].mean())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_gradient_is_named_by_its_parameter(engine):
    "A finite loss with an infinite slope."
    env = point_mass_world()
    net = network(env)
    before = weights(net)
    bend = lambda r: (r.policy.output.bias - r.policy.output.bias.detach()).abs().sqrt().sum()  # noqa: E731
    with pytest.raises(NonFiniteError, match=r"batch 0: the gradient of output.bias is not finite"):
        quick(net, env, engine=engine, loss=lambda r: r["activation"].mean() + bend(r))
    assert_same(before, net)


def test_a_gradient_that_is_too_long_is_noticed():
    "Every number finite, their norm not."
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.full((2,), 3e38)
    assert find_nonfinite_gradient([("p", p)]) == "the gradient of all parameters together is not finite"


def test_a_gradient_of_the_body_is_named():
    "A learnt mass is a parameter like any other."
    mass = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    env = Environment(mn.ReluPointMass24(mn.PointMass(mass=mass)), RandomTargetReach(), duration=0.1)
    with pytest.raises(NonFiniteError, match=r"environment\.effector\.skeleton\.mass"):
        quick(network(env), env, loss=lambda r: r["activation"].mean() + ((mass - 1).abs() + 0.0).sqrt())
    assert mass.item() == 1.0


def test_the_earliest_step_wins_then_the_order_of_computation():
    "Of everything that is broken, what broke first."
    env = point_mass_world(observation_noise=0.1, action_noise=0.1)
    streams = Streams(0)
    trials = env.sample(5, streams, "train")
    played = play(network(env), env, trials, streams)
    assert find_nonfinite(played) is None
    broken = dict(played.recorded)
    for name, trial, step in (("muscle_force", 1, 4), ("hidden", 2, 6), ("joint_velocity", 0, 4), ("activation", 3, 4)):
        broken[name] = broken[name].detach().clone()
        broken[name][trial, step, 1] = math.nan
    played.recorded, played._made = broken, {}
    assert find_nonfinite(played) == "activation of upper left is nan in trial 3 at step 5 (0.05 s)"


# ---- leaving batches out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_skipped_batches_change_nothing(engine):
    "Weights, optimiser and schedule stay; the log has a row with NaN; the run goes on."
    env = point_mass_world()
    seen = []
    net = network(env)
    log = quick(
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
    log = quick(net, env, n_batches=2, loss=lambda r: r["activation"].mean() + bend(r), on_nonfinite="skip")
    assert log["loss"].notna().all() and log["gradient_norm"].isna().all()
    assert_same(before, net)


def test_patience_has_an_end(monkeypatch):
    "When batch after batch has to be left out, nothing is learnt any more, and the run says so."
    monkeypatch.setattr(training_room, "_PATIENCE", 3)
    env = point_mass_world()
    log = quick(network(env), env, n_batches=8, loss=breaking(0, 1, 3, 4, 6, 7), on_nonfinite="skip")
    assert len(log) == 8
    with pytest.raises(NonFiniteError, match=r"batch 4, as 3 batches in a row .*: the term broken of the loss is inf"):
        quick(network(env), env, n_batches=9, loss=breaking(2, 3, 4, value=math.inf), on_nonfinite="skip")


def test_patience_is_for_all_replicates(monkeypatch):
    "One that will never learn again does not end the run of the others."
    monkeypatch.setattr(training_room, "_PATIENCE", 3)
    env = point_mass_world()
    nets = [network(env, seed=i) for i in range(2)]
    with torch.no_grad():
        nets[0].output.bias.fill_(math.nan)
    trained = quick(mn.Replicates(nets), env, n_batches=5, engine="fused", on_nonfinite="skip")
    assert trained.log.loc[0]["loss"].isna().all() and trained.log.loc[1]["loss"].notna().all()


def test_the_last_good_checkpoint_is_kept(tmp_path):
    "The run stops in batch 3; what is on the disk is the state after three batches, and it resumes there: with the same loss, which counts anew."
    env = point_mass_world()
    net = network(env)
    with pytest.raises(NonFiniteError, match="batch 3") as caught:
        quick(net, env, n_batches=6, loss=breaking(3), checkpoint=tmp_path, every=2)
    assert "resume=True goes on from there" in caught.value.__notes__[0]
    assert [p.name for p in sorted(tmp_path.iterdir())][-1] == "checkpoint-00000003.safetensors"
    again, whole = network(env), network(env)
    quick(again, env, n_batches=6, loss=breaking(3), checkpoint=tmp_path, resume=True)
    quick(whole, env, n_batches=6, loss=breaking())
    assert_same(weights(whole), again)


@pytest.mark.parametrize("wrong", ["ignore", None, True])
def test_other_ways_are_refused(wrong):
    env = point_mass_world()
    with pytest.raises(ValueError, match=r"on_nonfinite = .* one of 'stop', 'skip'"):
        quick(network(env), env, on_nonfinite=wrong)


def test_a_loss_must_not_hide_the_log():
    "A term cannot be called like a column that the log has already."
    env = point_mass_world()
    with pytest.raises(ValueError, match="other names than"):
        quick(network(env), env, loss=lambda r: (r["activation"].mean(), {"seconds": r["activation"].mean()}))


def test_progress_before_and_after_a_bad_batch():
    "No rows: nothing to tell. All bad: NaN."
    env = point_mass_world()
    state = Progress(network(env), env, 3)
    assert math.isnan(state.loss) and state.terms == {} and len(state.log) == 0
    state.rows.append({"batch": 0, "loss": math.nan, "effort": 1.0, "gradient_norm": 1.0})
    assert math.isnan(state.loss) and state.terms == {"effort": 1.0}


# ---- interrupts ----------------------------------------------------------------------------------------------------


def test_an_interrupt_waits_for_the_end_of_an_update():
    "Held back while it is held, then let through."
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # impatience changes nothing
            done.append("whole")
        done.append("never")
    assert done == ["whole"]


def test_an_interrupt_is_let_through_at_once_otherwise():
    done = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        with interrupts.held():
            done.append("held")
        signal.raise_signal(signal.SIGINT)
        done.append("never")
    assert done == ["held"]


def test_an_error_within_is_not_lost():
    "The error and the interrupt that waited: the interrupt comes, and names the error."
    with pytest.raises(KeyboardInterrupt) as caught, Interrupts() as interrupts, interrupts.held():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("within")
    assert isinstance(caught.value.__context__, ValueError)


def test_the_handler_is_put_back():
    "Whatever it was: torch's user may have one of their own, or none."
    before = signal.getsignal(signal.SIGINT)
    got = []
    try:
        for handler in (lambda *a: got.append(a[0]), signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(signal.SIGINT, handler)
            with Interrupts() as interrupts:
                if callable(handler) and handler is not signal.SIG_DFL and handler is not signal.SIG_IGN:
                    with interrupts.held():
                        signal.raise_signal(signal.SIGINT)
                        assert got == []
                    assert got == [signal.SIGINT]
            assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_get_no_interrupts():
    "Training in a thread leaves the handlers alone, and works."
    env = point_mass_world()
    found = []

    def work():
        found.append(len(quick(network(env), env, n_batches=2)))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [2] and signal.getsignal(signal.SIGINT) is before

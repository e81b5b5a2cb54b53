"""What an optimiser remembers goes on into the next training: exactly, for each network, from memory or from a folder."""

import copy

import pytest
import torch
from short_trainings import quick, weights
from worlds import network

import motornet_nb as mn


class OneTrial(mn.PosturalHold):
    "The same trial again and again, so that two calls can be compared with one."

    def draw(self, n, effector, n_steps, streams, split, joint_state):
        return super().draw(n, effector, n_steps, streams, "test", joint_state)


@pytest.fixture
def env():
    return mn.Environment(mn.ReluPointMass24(), OneTrial(start_posture=[0.1, 0.2]), duration=0.05)


def phases(env, *n, how, engine="eager", net=None):
    "Train in several calls; `how` gives the state for the next."
    torch.manual_seed(0)
    net = network(env) if net is None else net
    state = None
    for i, each in enumerate(n):
        mn.train(
            net, env, n_batches=each, batch_size=2, engine=engine, progress=False, optimizer_state=state, **how(i)[0]
        )
        state = how(i)[1](net)
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def by_memory(i):
    return {}, mn.optimizer_state


def forgetting(i):
    return {}, lambda net: None


def test_two_phases_are_one_training(env):
    "To the last bit; without the state they are not."
    whole = phases(env, 6, how=by_memory)
    assert torch.equal(whole, phases(env, 3, 3, how=by_memory))
    assert not torch.allclose(whole, phases(env, 3, 3, how=forgetting), atol=1e-5)


def test_the_state_comes_from_a_folder_as_from_memory(env, tmp_path):
    def by_folder(i):
        return {"checkpoint": tmp_path / str(i)}, lambda net: tmp_path / str(i)

    assert torch.equal(phases(env, 6, how=by_memory), phases(env, 3, 3, how=by_folder))


def test_replicates_hand_on_one_state_each(env):
    "Each goes on as it would have alone."
    torch.manual_seed(1)
    nets = [network(env) for _ in range(2)]
    apart = [phases(env, 3, 3, how=by_memory, net=copy.deepcopy(net)) for net in nets]
    both = mn.Replicates(nets)
    for n in (3, 3):
        state = mn.optimizer_state(both) if n == 3 and both.log is not None else None
        mn.train(both, env, n_batches=n, batch_size=2, engine="eager", progress=False, optimizer_state=state)
    for alone, net in zip(apart, both, strict=True):
        together = torch.cat([p.detach().reshape(-1) for p in net.parameters()])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


def test_rate_and_schedule_are_those_of_the_new_call(env):
    _, net = quick(env=env, n_batches=2)
    after = mn.train(
        net,
        env,
        n_batches=3,
        batch_size=4,
        engine="eager",
        progress=False,
        learning_rate=0.5,
        scheduler=mn.schedules.warm_constant(warm_up=4),
        optimizer_state=mn.optimizer_state(net),
    )
    assert after["learning_rate"].tolist() == [0.125, 0.25, 0.375]


def test_what_does_not_fit_is_refused(env):
    _, net = quick(env=env, n_batches=1)
    state = mn.optimizer_state(net)
    other = mn.PolicyGRU(env.n_observations, 7, env.n_actions)
    with pytest.raises(ValueError, match=r"optimizer_state = 'exp_avg of weight_ih of shape"):
        quick(other, env, optimizer_state=state)
    with pytest.raises(ValueError, match=r"optimizer_state = 'of Adam'.*SGD"):
        quick(net, env, optimizer_state=state, optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
    with pytest.raises(ValueError, match="of 2 networks"):
        both = mn.train(lambda: network(env), env, replicates=2, n_batches=1, batch_size=2, progress=False)
        quick(net, env, optimizer_state=mn.optimizer_state(both))
    with pytest.raises(TypeError, match="optimizer_state"):
        quick(net, env, optimizer_state={"exp_avg": 1})
    with pytest.raises(ValueError, match="trained since the program began"):
        mn.optimizer_state(copy.deepcopy(net))


def test_a_state_is_not_changed_by_the_training_that_goes_on_with_it(env):
    _, net = quick(env=env, n_batches=2)
    state = mn.optimizer_state(net)
    before = state.digest
    quick(net, env, n_batches=2, optimizer_state=state)
    assert state.digest == before != mn.optimizer_state(net).digest and "2 steps" in repr(state)


def test_a_run_is_resumed_with_the_state_it_began_with(env, tmp_path):
    "Another state in the middle of a run would be another run."
    _, net = quick(env=env, n_batches=2)
    first, again = mn.optimizer_state(net), copy.deepcopy(net)
    quick(net, env, n_batches=2, optimizer_state=first, checkpoint=tmp_path)
    quick(again, env, n_batches=3, optimizer_state=first, checkpoint=tmp_path, resume=True)
    assert weights(again)
    with pytest.raises(ValueError, match="optimizer_state"):
        quick(copy.deepcopy(net), env, n_batches=4, checkpoint=tmp_path, resume=True)

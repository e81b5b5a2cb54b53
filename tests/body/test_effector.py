"""The shell: reset and step, seeds, states that are kept, copies."""

import numpy as np
import pytest
import torch
from bodies import BODIES, arm, make_body, same, tensor

from motornet_nb import (
    CompliantTendonArm26,
    ReluPointMass24,
)

PRECISE = torch.float64


@pytest.mark.parametrize("name", BODIES)
def test_a_seed_reproduces_bit_for_bit(name):
    first, second = make_body(name), make_body(name)
    kept = [b.reset(seed=7, options={"batch_size": 2}) for b in (first, second)]
    assert same(*kept)
    follow = [b.reset(options={"batch_size": 2}) for b in (first, second)]
    assert same(*follow) and not torch.equal(kept[0]["joint"], follow[0]["joint"])
    assert same(first.reset(seed=7, options={"batch_size": 2}), kept[0])
    assert not torch.equal(first.reset(seed=8, options={"batch_size": 2})["joint"], kept[0]["joint"])


def test_a_seed_gives_the_same_start_in_both_precisions_whatever_was_done_before():
    single, double = arm(), arm(dtype=PRECISE)
    a = single.reset(seed=3, options={"batch_size": 4})["joint"]
    for _ in range(5):
        double.reset()
        double.step([0.5] * 6)
    b = double.reset(seed=np.int64(3), options={"batch_size": np.int64(4)})["joint"]
    assert torch.equal(a, b.float())


def test_bodies_without_a_seed_start_differently_and_leave_torchs_own_stream_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    a, b = arm().reset()["joint"], arm().reset()["joint"]
    assert not torch.equal(a, b)
    assert torch.equal(torch.rand(3), expected)


def test_states_that_were_kept_do_not_change_later():
    body = arm()
    kept = [body.reset(seed=0)] + [body.step([0.6] * 6) for _ in range(3)]
    copies = [{k: v.clone() for k, v in s.items()} for s in kept]
    state, muscle = body.state, dict(body.state.muscle)
    for _ in range(5):
        body.step([0.1] * 6)
    body.reset(seed=1)
    assert all(same(a, b) for a, b in zip(kept, copies, strict=True))
    assert state.muscle == muscle or all(torch.equal(state.muscle[k], muscle[k]) for k in muscle)
    assert not torch.equal(kept[0]["muscle"], kept[1]["muscle"])


def test_writing_into_kept_states_does_not_disturb_the_body():
    body, other = arm(), arm()
    states = body.reset(seed=0)
    other.reset(seed=0)
    for value in states.values():
        value.fill_(99.0)
    assert same(body.step([0.3] * 6), other.step([0.3] * 6))
    assert same(body.states, other.states)


def test_the_shell_and_the_pure_functions_do_the_same():
    body = CompliantTendonArm26(dtype=PRECISE)
    body.reset(options={"joint_state": [[0.8, 1.5], [0.5, 1.0]]})
    c, state = body.coefficients(), body.state
    drive, push, torque = torch.full((2, 6), 0.4).double(), tensor([[1.0, 2.0]] * 2), tensor([[0.1, -0.2]] * 2)
    for _ in range(3):
        state = body.advance(state, drive, push, torque, c)
        states = body.step(drive, endpoint_load=push, joint_load=torque)
        assert same(states, body.stack_states(state, c))
    assert same(body.stack_states(body.advance(state, drive), c), body.step(drive)), "loads are 0 by default"


def test_nothing_can_be_stepped_before_a_reset():
    body = arm()
    for use in (lambda: body.step([0.0] * 6), lambda: body.state, lambda: body.states):
        with pytest.raises(RuntimeError, match=r"RigidTendonArm26 has no state yet: call reset\(\) first"):
            use()


def test_gradients_flow_through_the_shell():
    body = ReluPointMass24(dtype=PRECISE)
    start = tensor([0.1, -0.2]).requires_grad_()
    body.reset(options={"joint_state": start})
    drive = torch.full((1, 4), 0.1, dtype=PRECISE, requires_grad=True)
    push = torch.zeros(1, 2, dtype=PRECISE, requires_grad=True)
    for _ in range(4):
        states = body.step(drive, endpoint_load=push)
    grads = torch.autograd.grad(states["fingertip"].sum() + states["geometry"].sum(), (start, drive, push))
    assert all((g != 0).all() for g in grads)


def test_adding_a_muscle_asks_for_a_new_reset():
    body = ReluPointMass24()
    body.reset()
    body.add_muscle([0, 1], [[0.0, 3.0], [0.0, 0.0]])
    with pytest.raises(RuntimeError, match="call reset"):
        body.step([0.1] * 5)
    body.reset()
    assert body.step([0.1] * 5)["muscle"].shape == (1, 4, 5)


def test_a_state_that_is_there_follows_the_precision():
    body = arm()
    kept = body.reset(seed=0)
    body.double()
    assert body.states["joint"].dtype == PRECISE and torch.equal(body.states["joint"].float(), kept["joint"])
    assert body.step([0.1] * 6)["muscle"].dtype == PRECISE


def test_a_state_that_is_there_follows_the_device():
    body = arm()
    body.reset()
    state = body.to("meta").state
    assert {t.device.type for t in (state.position, *state.muscle.values(), *state.geometry)} == {"meta"}


@pytest.mark.parametrize("options", [[], "x", 3])
def test_options_must_be_a_dict(options):
    with pytest.raises(TypeError, match=r"Effector.reset: options = .* must be a dict with batch_size, joint_state"):
        arm().reset(options=options)

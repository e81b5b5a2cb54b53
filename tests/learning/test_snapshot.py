"""The global random generators go on from a state they were in."""

import random

import numpy as np
import pytest
import torch
from states import no_warnings, same, through_a_file

from motornet_nb.learning.packing import pack, unpack
from motornet_nb.learning.snapshot import random_states, restore_random_states


def draw() -> tuple:
    one_normal = np.random.standard_normal(1).tolist()  # noqa: NPY002, an odd number: the legacy generator keeps a second
    return torch.randn(3).tolist(), torch.rand(2).tolist(), one_normal, random.gauss(0, 1), random.random()


def test_random_states_come_back_exactly(tmp_path):
    draw()
    before = random_states()
    again = through_a_file(before, tmp_path)
    assert same(again, before)
    expected = [draw() for _ in range(3)]
    restore_random_states(again)
    assert [draw() for _ in range(3)] == expected
    restore_random_states(before)


def test_random_states_of_cuda_devices(monkeypatch):
    states = {0: torch.tensor([1], dtype=torch.uint8), 1: torch.tensor([2], dtype=torch.uint8)}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(states))
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: [states[i].clone() for i in sorted(states)])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: states.__setitem__(device, state))
    before = unpack(*pack(random_states()))
    states[0], states[1] = states[1], states[0]
    with no_warnings():
        restore_random_states(before)
    assert [s.item() for s in states.values()] == [1, 2]
    del states[1]
    with pytest.warns(UserWarning, match="2 CUDA devices, here are 1"):
        restore_random_states(before)


@pytest.mark.parametrize("state", [None, {}, {"torch": 1}])
def test_wrong_random_states_are_refused(state):
    with pytest.raises(TypeError, match="must be a dict of torch, cuda, numpy, python"):
        restore_random_states(state)

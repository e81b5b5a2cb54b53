"""A step is captured twice, and has to be the same step."""

import cProfile
import itertools
import time

import numpy as np
import pytest
import torch

from motornet_nb import fused

ARGUMENTS = ((), (), torch.ones(4, 3), torch.zeros(5, 4, 1))


def test_what_nobody_sees_change_is_found_by_the_second_look():
    "A clock, an iterator, fresh noise from a generator that is made anew: the numbers differ."
    steps = itertools.count(1)

    def clock(parameters, constants, carry, inputs, feedback):
        return carry * time.perf_counter(), {"x": carry}

    def iterator(parameters, constants, carry, inputs, feedback):
        return carry * next(steps), {"x": carry}

    def noise(parameters, constants, carry, inputs, feedback):
        drawn = np.random.default_rng().normal(size=3).astype(np.float32)
        return carry * torch.from_numpy(drawn), {"x": carry}

    for step in (clock, iterator, noise):
        with pytest.raises(fused.Unsupported, match=r"something else each time|a step that changes"):
            fused.Recording(step, *ARGUMENTS)


def test_recordings_of_the_same_step_are_the_same():
    "Node by node; another number is another step, a tensor with other numbers is not."
    table = {"gain": 1.0, "tensor": torch.ones(3)}

    def step(parameters, constants, carry, inputs, feedback):
        return carry * (table["gain"] + 0.5) * table["tensor"], {"x": carry}

    first = fused.Recording(step, *ARGUMENTS)
    assert first.captured.same(fused.Recording(step, *ARGUMENTS).captured)
    table["tensor"] = torch.zeros(3)
    other = fused.Recording(step, *ARGUMENTS)
    assert not first.captured.same(other.captured) and first.captured.same(other.captured, numbers=False)
    table["gain"] = 2.0
    assert not first.captured.same(fused.Recording(step, *ARGUMENTS).captured, numbers=False)


def test_a_scan_refuses_to_run_when_what_it_reads_has_changed():
    "Used on its own, without an engine that would record again."
    table = {"gain": 1.0}

    def step(parameters, constants, carry, inputs, feedback):
        return carry * table["gain"] + inputs, {"x": carry}

    scan = fused.Scan(step, *ARGUMENTS)
    scan(*ARGUMENTS)
    table["gain"] = 2.0
    assert (
        str(scan.change())
        == "table (of test_a_scan_refuses_to_run_when_what_it_reads_has_changed.<locals>.step)['gain'] (1.0 before, 2.0 now)"
    )
    with pytest.raises(ValueError, match="something that it reads besides its arguments has changed"):
        scan(*ARGUMENTS)
    table["gain"] = 1.0
    scan(*ARGUMENTS)


def test_a_profiler_goes_on():
    "Who profiles a training still has a profile of what comes after the recording."

    def later():
        return sum(range(10))

    def step(parameters, constants, carry, inputs, feedback):
        return carry + inputs, {"x": carry}

    profiler = cProfile.Profile()
    profiler.enable()
    fused.Recording(step, *ARGUMENTS)
    later()
    profiler.disable()
    assert any(entry.code.co_name == "later" for entry in profiler.getstats() if not isinstance(entry.code, str))

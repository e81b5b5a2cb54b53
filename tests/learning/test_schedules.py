"""The factor of the learning rate in every batch."""

import math

import pytest
import torch
from short_trainings import quick

from motornet_nb import schedules


def rates(schedule, n):
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=2.0)
    scheduler, seen = schedule(optimizer), []
    for _ in range(n):
        seen.append(optimizer.param_groups[0]["lr"] / 2.0)
        optimizer.step()
        scheduler.step()
    return seen


def test_a_cosine_after_a_warm_up():
    seen = rates(schedules.warm_cosine(100, warm_up=10, last=0.1), 130)
    expected = [min(1, (b + 1) / 10) * (0.1 + 0.45 * (1 + math.cos(math.pi * min(b, 100) / 100))) for b in range(130)]
    assert seen == pytest.approx(expected, rel=1e-12) and seen[110] == seen[129] == pytest.approx(0.1)


def test_the_other_schedules():
    assert rates(schedules.warm_constant(4), 6) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert rates(schedules.warm_constant(0), 2) == [1, 1]
    falling = rates(schedules.warm_exponential(100, warm_up=1, last=0.01), 102)
    assert falling[50] == pytest.approx(0.1) and falling[100] == falling[101] == pytest.approx(0.01)
    assert rates(schedules.warm_steps([2, 4], factor=0.5, warm_up=0), 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: schedules.warm_cosine(0),
        lambda: schedules.warm_cosine(10, warm_up=-1),
        lambda: schedules.warm_cosine(10, last=0),
        lambda: schedules.warm_exponential(10, last=2.0),
        lambda: schedules.warm_steps([1.5]),
    ],
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="warm_"):
        wrong()


def test_a_run_is_resumed_with_its_schedule(tmp_path):
    "The same one goes on; another one is refused."
    _, net = quick(n_batches=2, checkpoint=tmp_path, scheduler=schedules.warm_cosine(8))
    with pytest.raises(ValueError, match="scheduler"):
        quick(net, n_batches=4, checkpoint=tmp_path, resume=True, scheduler=schedules.warm_cosine(9))
    log, _ = quick(net, n_batches=4, checkpoint=tmp_path, resume=True, scheduler=schedules.warm_cosine(8))
    assert log["learning_rate"].tolist() == pytest.approx([1e-3 * f for f in rates(schedules.warm_cosine(8), 4)])

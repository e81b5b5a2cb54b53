"""Named random streams."""

import numpy as np
import pytest
import torch

from motornet_nb.core.streams import Streams, draw_normal


def test_a_stream_is_a_function_of_seed_batch_and_name():
    "The same three give the same numbers, in any order of asking; another of any of them gives others."
    streams = Streams(3, batch=5)
    first = torch.rand(8, generator=streams["goal"])
    torch.rand(100, generator=streams["start"])
    assert torch.equal(torch.rand(8, generator=streams["goal"]), first)
    assert torch.equal(torch.rand(8, generator=Streams(3, 5)["goal"]), first)
    for other in (Streams(3, 5)["start"], Streams(3, 4)["goal"], Streams(2, 5)["goal"], Streams(35)["goal"]):
        assert not torch.equal(torch.rand(8, generator=other), first)


def test_streams_are_the_same_in_every_version_and_on_every_machine():
    "Fixed numbers for a fixed seed: results can be reproduced years later."
    assert torch.randint(1000, (4,), generator=Streams(0)["goal"]).tolist() == [126, 161, 417, 217]


def test_neighbouring_streams_are_independent():
    "Streams of successive seeds, batches and names do not correlate."
    columns = [torch.randn(4000, generator=Streams(s, b)[n]) for s in (0, 1) for b in (0, 1) for n in ("a", "b")]
    correlation = torch.corrcoef(torch.stack(columns)) - torch.eye(8)
    assert correlation.abs().max() < 5 / 4000**0.5


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "1", None])
def test_wrong_seeds_are_refused(wrong):
    "Seeds and batches are whole numbers from 0."
    with pytest.raises(ValueError, match="seed"):
        Streams(wrong)
    with pytest.raises(ValueError, match="batch"):
        Streams(0, wrong)


def test_streams_from_whatever_says_where_chance_comes_from():
    "Numbers, arrays, lists, streams; one serves several."
    assert Streams.several(3) == [Streams(3)] and Streams.several(np.int64(3), 2) == [Streams(3), Streams(3)]
    assert Streams.several([1, Streams(2, 5)]) == [Streams(1), Streams(2, 5)]
    assert Streams.several(torch.tensor([1, 2])) == [Streams(1), Streams(2)]
    assert Streams.several(torch.tensor(4)) == [Streams(4)]
    for wrong in ("12", [1, "2"], -1, None):
        with pytest.raises(ValueError, match="seed"):
            Streams.several(wrong)


def test_numbers_of_several_streams_are_those_of_each_alone():
    "Consecutive trials have equal shares; time comes first."
    several = Streams.several([3, 4])
    drawn = draw_normal(several, "noise", 6, times=5, size=2)
    assert drawn.shape == (5, 6, 2) and drawn.dtype == torch.float64
    for i, streams in enumerate(several):
        alone = draw_normal([streams], "noise", 3, times=5, size=2)
        assert torch.equal(drawn[:, 3 * i : 3 * i + 3], alone)

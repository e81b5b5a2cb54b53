"""Activity in a window after the go cue, and analyses of several networks, from activity that is known."""

import numpy as np
import pytest
import xarray as xr
from populations import population

from motornet_nb.results.activity import aligned, per_replicate, unit_dimension

COUNT = np.broadcast_to(np.arange(1, 21.0)[:, None], (3, 20, 2))  # the number of the sample
GO = np.array([0.05, 0.08, np.nan])


def test_trials_are_shifted_to_their_go_cues():
    ds = population(COUNT, go_time=GO, condition=["a", "b", "c"])
    shifted = aligned(ds, (-0.02, 0.03))
    np.testing.assert_array_equal(
        shifted["hidden"].transpose("trial", "time", "unit")[..., 1], [[3, 4, 5, 6, 7, 8], [6, 7, 8, 9, 10, 11]]
    )
    np.testing.assert_allclose(shifted["time"], np.arange(-2, 4) * 0.01, atol=1e-12)
    np.testing.assert_array_equal(shifted["go_time"], 0)
    assert list(shifted["trial"]) == [0, 1] and list(shifted["condition"].values) == ["a", "b"]
    assert shifted["hidden"].attrs == ds["hidden"].attrs and shifted["time"].attrs["units"] == "s"


def test_what_is_not_over_time_stays():
    ds = population(COUNT, go_time=GO)
    ds["goal"] = ("trial", [1.0, 2.0, 3.0])
    ds["common"] = ("time", np.arange(20.0))
    shifted = aligned(ds, (0.0, 0.01))
    np.testing.assert_array_equal(shifted["goal"], [1, 2])
    np.testing.assert_array_equal(shifted["common"], [[4, 5], [7, 8]])


def test_without_a_window_nothing_changes():
    ds = population(COUNT, go_time=GO)
    xr.testing.assert_identical(aligned(ds), ds)
    assert aligned(ds.isel(trial=0)).sizes["trial"] == 1


@pytest.mark.parametrize(
    "window, says",
    [
        (0.1, "two numbers"),
        ((0.1, "end"), "two numbers"),
        ((0.2, 0.1), "the second one larger"),
        ((-0.05, 0.1), "within -0.04 to 0.12 s"),
        ((0.0, 0.13), "within -0.04 to 0.12 s"),
        ((0.001, 0.002), "at least one sample"),
    ],
)
def test_wrong_windows_are_refused(window, says):
    with pytest.raises(ValueError, match=says):
        aligned(population(COUNT, go_time=GO), window)


def test_without_go_cues_there_is_no_window():
    with pytest.raises(ValueError, match="without go cues"):
        aligned(population(COUNT, go_time=np.full(3, np.nan)), (0, 0.1))
    with pytest.raises(ValueError, match="without go cues"):
        aligned(population(COUNT), (0, 0.1))


def test_the_dimension_of_units():
    ds = population(COUNT)
    assert unit_dimension(ds, "hidden", "me") == "unit"
    with pytest.raises(ValueError, match=r"me: variable = 'spikes' .* hidden"):
        unit_dimension(ds, "spikes", "me")


def test_networks_one_by_one():
    every = xr.concat([population(COUNT * k) for k in (1, 2)], "replicate").assign_coords(seed=("replicate", [7, 8]))
    found = per_replicate(every, lambda one: xr.Dataset({"mean": one["hidden"].mean()}))
    assert found["mean"].dims == ("replicate",) and list(found["seed"].values) == [7, 8]
    np.testing.assert_allclose(found["mean"], [10.5, 21.0])

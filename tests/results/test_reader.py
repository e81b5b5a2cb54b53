"""Reading a few trials of a Dataset that may be larger than memory."""

import numpy as np
import pytest
import xarray as xr
from worlds import arm_world, network

import motornet_nb as mn
from motornet_nb.results.reader import TrialReader, stratified_sample, whole_trials
from motornet_nb.results.tuning import preferred_directions


@pytest.fixture(scope="module")
def env():
    return arm_world(mn.CenterOutReach(n_targets=4))


@pytest.fixture(scope="module")
def ds(env):
    return mn.simulate(network(env), env)


def test_a_sample_has_equally_many_of_each_kind():
    kinds = ["a"] * 300 + ["b"] * 30 + ["c"] * 5
    kept = stratified_sample(kinds, 45)
    assert np.unique(np.array(kinds)[kept], return_counts=True)[1].tolist() == [20, 20, 5]
    assert (np.diff(kept) > 0).all() and (kept == stratified_sample(kinds, 45)).all()
    assert stratified_sample(kinds[:3], 10).tolist() == [0, 1, 2] and not len(stratified_sample([], 3))


def test_what_is_known_of_the_trials(ds, env):
    reader = TrialReader(ds)
    assert reader.n == 4 and reader.shown.tolist() == [0, 1, 2, 3] and not reader.single and reader.by_label
    assert reader.direction_name == ["0°", "90°", "180°", "270°"] and reader.condition == ["reach"] * 4
    np.testing.assert_allclose(reader.direction, ds.target_direction)
    np.testing.assert_array_equal(reader.hand, ds.endpoint_position)
    np.testing.assert_array_equal(reader.seconds, ds.time)
    assert reader.body == env.effector and reader.name(1) == "1: 90°, reach"


@pytest.mark.parametrize("how", ["memory", "file", "chunks"])
def test_a_few_trials_are_read(ds, how, tmp_path):
    "With all that is drawn of them and their labels, the same from wherever."
    ds.to_netcdf(tmp_path / "ds.nc", engine="h5netcdf")
    chunks = {"chunks": {"trial": 1}} if how == "chunks" else {}
    with xr.open_dataset(tmp_path / "ds.nc", engine="h5netcdf", **chunks) as stored:
        reader = TrialReader(ds if how == "memory" else stored)
        for positions in ([2], [3, 0]):
            few = reader.read(positions)
            for name in ("joint_position", "hidden", "muscle_force", "target_direction", "condition"):
                np.testing.assert_array_equal(few[name], ds[name].isel(trial=positions), err_msg=name)
            assert all(isinstance(v.data, np.ndarray) for v in few.data_vars.values())


def test_trials_are_found_by_label_or_by_position(ds):
    named = TrialReader(ds.assign_coords(trial=[10, 20, 30, 40]))
    assert named.positions([30, 10, 30]) == [2, 0] and named.positions(40) == [3] and named.by_label
    alike = TrialReader(ds.assign_coords(trial=[7, 7, 7, 8]))
    assert not alike.by_label and alike.positions([3]) == [3]
    assert TrialReader(ds.assign_coords(trial=list("abcd"))).positions("c") == [2]
    for wrong in (5, "0", True):
        with pytest.raises(ValueError, match=r"TrialReader: trial = .* one of the 4 trials \(10 to 40\)"):
            named.positions(wrong)


def test_groups_are_of_conditions_and_directions(ds):
    assert TrialReader(ds).groups() == {
        "one of each direction": [0, 1, 2, 3], "0°": [0], "90°": [1], "180°": [2], "270°": [3],
    }  # fmt: skip
    both = ds.assign_coords(condition=("trial", np.array(["reach", "reach", "field", "field"], object)))
    names = list(TrialReader(both).groups())
    assert "one of each direction, reach" in names and "field, 180°" in names
    assert TrialReader(ds.isel(trial=[1])).groups() == {"reach": [0]} and TrialReader(ds.isel(trial=1)).single


def test_trials_of_another_dataset_that_go_in_the_same_direction(ds):
    here, there = TrialReader(ds), TrialReader(ds.isel(trial=[2, 1]))
    assert there.matching_trials(here, [1, 2]) == [1, 0] and there.matching_trials(here, [0, 3]) == []
    twice = TrialReader(xr.concat([ds, ds], "trial").assign_coords(trial=np.arange(8)[::-1]))
    assert twice.matching_trials(here, [0]) == [0]  # no trial of that direction has the same label: the first
    assert twice.matching_trials(TrialReader(ds.assign_coords(trial=[3, 2, 1, 0])), [0]) == [4]


def test_preferred_directions_of_what_is_read(ds):
    tuned, note = TrialReader(ds).tuning()
    assert note == "" and tuned.equals(preferred_directions(ds, window="movement"))
    assert TrialReader(ds.isel(trial=[0, 1])).tuning() == (None, "")
    assert TrialReader(ds.drop_vars("hidden")).tuning() == (None, "")
    many = xr.concat([ds] * 60, "trial").assign_coords(trial=np.arange(240))
    assert TrialReader(many).tuning()[1] == ", tuning from 200 trials"


@pytest.mark.parametrize("dims", [{"trial": []}, {"time": []}])
def test_nothing_to_read_is_refused(ds, dims):
    with pytest.raises(ValueError, match="a Dataset without trials"):
        TrialReader(ds.isel(dims))


def test_a_trial_is_whole_if_it_is_finite_wherever_any_is():
    values = np.zeros((4, 5, 2))
    values[1, 3:] = np.nan
    values[2, 4, 1] = np.inf
    values[:, 0, 0] = np.nan  # which no trial has
    assert whole_trials(values).tolist() == [True, False, False, True]
    assert whole_trials(np.full((2, 3), np.nan)).all()


@pytest.mark.parametrize("broken", [slice(0, 5), slice(10, None), slice(None)])
def test_trials_that_are_not_finite_do_not_spoil_the_tuning(ds, broken):
    many = xr.concat([ds, ds], "trial").assign_coords(trial=np.arange(10, 18))
    good = TrialReader(many).tuning()[0]
    many["hidden"][5, broken, 3] = np.nan
    many["hidden"][6, broken] = np.nan
    reader = TrialReader(many)
    tuned, note = reader.tuning()
    assert reader.left_out == [15, 16] and note == ", tuning from 6 trials"
    xr.testing.assert_allclose(tuned, preferred_directions(many.isel(trial=[0, 1, 2, 3, 4, 7]), window="movement"))
    close = np.cos(tuned["preferred_direction"] - good["preferred_direction"])
    assert (close > 0.999).all()  # the trials that are left are like those that are not
    many["hidden"][:] = many["hidden"].where(many["trial"] < 12)
    assert TrialReader(many).tuning() == (None, "")  # two directions are left


def test_any_trial_is_found(ds):
    many = xr.concat([ds] * 1000, "trial").assign_coords(trial=np.arange(4000) * 2)
    kinds = np.where(np.arange(4000) % 1000, "reach", "catch").astype(object)
    reader = TrialReader(many.assign_coords(condition=("trial", kinds)))
    assert reader.find("3998") == [1999] and reader.find("20-26") == [10, 11, 12, 13]
    assert reader.find("6, 2, 4–6") == [3, 1, 2]
    assert reader.find("90°") == list(range(1, 4000, 4)) and reader.find("CATCH") == [0, 1000, 2000, 3000]
    assert reader.find("0° catch") == [0, 1000, 2000, 3000] and reader.name(3000) == "6000: 0°, catch"
    for none in ("3999", "5°", "wobble", "", "0, wobble"):
        with pytest.raises(ValueError, match=r"trial = .*a label \(0 to 7998\).*a condition \(catch, reach\)"):
            reader.find(none)
    words = TrialReader(ds.assign_coords(trial=list("abcd")))
    assert words.find("c") == [2] and words.find("1-3") == [1, 2, 3] and words.find("reach") == [0, 1, 2, 3]


def test_trials_are_matched_one_by_one(ds):
    here, there = TrialReader(ds), TrialReader(ds.isel(trial=[2, 1]))
    assert there.matches(here, [1, 0, 2]) == [1, None, 0]
    many = xr.concat([ds] * 300, "trial").assign_coords(trial=np.arange(1200))
    assert TrialReader(many).matches(TrialReader(many), list(range(1000, 1200))) == list(range(1000, 1200))


def test_a_hand_that_is_not_finite_is_named(ds):
    broken = ds.copy(deep=True)
    broken["endpoint_position"][2, 4:] = np.nan
    reader = TrialReader(broken)
    assert reader.name(2) == "2: 180°, reach, not finite" and reader.name(1) == "1: 90°, reach"

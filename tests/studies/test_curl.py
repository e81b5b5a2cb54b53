"""The curl field: the whole pipeline in its smallest size, runs that were interrupted, and what the networks of the package do."""

import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from short_trainings import quick
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb.studies.curl import STRENGTH, Snapshots, curl_field, curl_measures, curl_test, mean_curve, part

RESULTS = ("naive", "adapted", "measures", "curve", "rate", "log_naive", "log_adapted")


def assert_same_numbers(one, other):
    assert set(one.children) == set(other.children) == set(RESULTS)
    for name in RESULTS:
        xr.testing.assert_equal(one[name].to_dataset(), other[name].to_dataset())


def test_the_smallest_run_has_everything(curl_run):
    """Two networks, eight targets in three conditions, a learning curve from 0 to 2 batches, logs of each batch; the file holds the same."""
    tree = curl_run.tree
    assert dict(tree["naive"].sizes)["trial"] == dict(tree["adapted"].sizes)["trial"] == 24
    assert dict(tree["curve"].sizes) == {"replicate": 2, "batch": 3, "trial": 8}
    assert tree["curve"]["batch"].values.tolist() == [0, 1, 2]
    assert tree["log_naive"].sizes["batch"] == 3 and tree["log_adapted"].sizes["batch"] == 2
    assert tree["measures"]["seed"].values.tolist() == [3, 4] and tree.attrs["seed"] == 3
    with xr.open_datatree(curl_run.folder / "results.nc", engine="h5netcdf") as kept:
        for name in RESULTS:
            xr.testing.assert_equal(kept[name].to_dataset().load(), tree[name].to_dataset())


def test_the_curve_begins_with_the_naive_and_ends_with_the_adapted(curl_run):
    """What was measured on the way is what the tests before and after say, to the last bit."""
    tree = curl_run.tree
    for name, batch in (("naive", 0), ("adapted", 2)):
        field = part(tree[name].to_dataset(), "field")
        error = mn.analysis.reach_measure(field, "endpoint_error").values
        assert np.array_equal(tree["curve"]["endpoint_error"].sel(batch=batch).values, error)
    assert not np.array_equal(*(tree["curve"]["endpoint_error"].sel(batch=b).values for b in (0, 2)))


def test_a_run_goes_on_after_the_first_training(curl_run, tmp_path):
    """With the folder of the reaching only, the adapting comes out as in one go: weights, optimiser and chance go on."""
    folder = tmp_path / "run"
    shutil.copytree(curl_run.folder / "naive", folder / "naive")
    shutil.copy(curl_run.folder / "study.json", folder)
    assert_same_numbers(curl_field("smoke", folder, seed=3, progress=False), curl_run.tree)


def test_a_run_goes_on_where_it_was_interrupted(curl_run, tmp_path, monkeypatch):
    """Ctrl-C in the middle of the adapting: a second call ends with the same numbers, those on the way included."""
    train = mn.studies.runs.train

    def interrupted(networks, environment, **options):
        def stop(progress):
            if progress.batch == 1:
                raise KeyboardInterrupt

        callbacks = [*options.pop("callbacks", []), *([stop] if options["n_batches"] == 2 else [])]
        return train(networks, environment, callbacks=callbacks, **options)

    with monkeypatch.context() as patch:
        patch.setattr(mn.studies.runs, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            curl_field("smoke", tmp_path / "run", seed=3, progress=False)
    assert not (tmp_path / "run" / "results.nc").exists()
    assert_same_numbers(curl_field("smoke", tmp_path / "run", seed=3, progress=False), curl_run.tree)


def test_in_memory_as_in_a_folder(curl_run):
    assert_same_numbers(curl_field("smoke", seed=3, progress=False), curl_run.tree)


def test_networks_that_are_given_are_tested_only(curl_run):
    """Their numbers are those of the run that made them; the tree does not say that it has trained them."""
    networks = {name: mn.load(curl_run.folder / name).policy for name in ("naive", "adapted")}
    tree = curl_field("smoke", networks=networks, progress=False)
    assert set(tree.children) == {"naive", "adapted", "measures"}
    xr.testing.assert_equal(tree["measures"].to_dataset(), curl_run.tree["measures"].to_dataset())
    assert "elsewhere" in tree.attrs["settings"] and "batches" not in tree.attrs["settings"]


# ---- networks that have learnt -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    "Two of the networks of the package, tested."
    several = {n: mn.pretrained(f"curl_field/{n}").policy for n in ("naive", "adapted")}
    return {n: curl_test(mn.Replicates([x[i] for i in (0, 3)])) for n, x in several.items()}


def test_naive_to_the_left_straight_again_and_an_after_effect_to_the_right(shipped):
    m = curl_measures(shipped["naive"], shipped["adapted"])
    assert (m["naive_deviation"] >= 0.02).all() and (m["naive_left"] >= 7 / 8).all()
    assert (m["adapted_size"] <= 0.4 * m["naive_size"]).all()
    assert (m["after_effect"] <= -0.015).all() and (m["after_effect_right"] >= 7 / 8).all()
    assert (abs(m["naive_compensation"]) <= 0.3).all() and (m["compensation"] >= 0.6).all()
    assert (m["endpoint_error_null"] <= 0.01).all() and (m["endpoint_error_field"] <= 0.01).all()


def test_measures_by_hand(shipped):
    """From positions, without the functions of `analysis`; those look between onset and end of the movement only."""
    field = part(shipped["naive"], "field")
    start, goal = (field[n].values for n in ("start_position", "goal_position"))
    hand = field["endpoint_position"].values - start[..., None, :]
    along = (goal - start) / np.linalg.norm(goal - start, axis=-1, keepdims=True)
    left = along[..., None, 0] * hand[..., 1] - along[..., None, 1] * hand[..., 0]
    largest = np.take_along_axis(left, abs(left).argmax(-1)[..., None], -1)[..., 0]
    m = curl_measures(shipped["naive"], shipped["adapted"])
    np.testing.assert_allclose(m["naive_deviation"], largest.mean(-1), atol=1e-4)
    np.testing.assert_allclose(m["naive_size"], abs(largest).mean(-1), atol=1e-4)
    error = np.linalg.norm((field["endpoint_position"].values[:, :, -1] - goal), axis=-1).mean(-1)
    swapped = curl_measures(shipped["adapted"], shipped["naive"])
    np.testing.assert_allclose(swapped["endpoint_error_field"], error, atol=1e-6)


def test_the_field_pushes_to_the_left_of_the_motion(shipped):
    """f = b (-vy, vx) with the velocity at the start of the step; none without the field."""
    field = part(shipped["naive"], "field")
    load, v = field["endpoint_load"].values[:, :, 1:], field["endpoint_velocity"].values[:, :, :-1]
    np.testing.assert_allclose(load, STRENGTH * np.stack((-v[..., 1], v[..., 0]), -1), atol=1e-5)
    null = part(shipped["naive"], "null")
    assert float(abs(null["endpoint_load"]).fillna(0).max()) == 0


# ---- the networks on the way ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", ["memory", "folder"])
def test_snapshots(kept, tmp_path):
    """Every second batch and the last one, as the weights were; the object that was trained stays as it is."""
    env = point_mass_world()
    seen = {}
    snapshots = Snapshots(2, tmp_path / "curve" if kept == "folder" else None)

    def watch(progress):
        seen[progress.batch] = {n: t.detach().clone() for n, t in progress.policy.state_dict().items()}

    trained, _ = quick(mn.Replicates([network(env), network(env)]), env, n_batches=5, callbacks=[watch, snapshots])
    batches = []
    for batch, several in snapshots.networks(trained, 5):
        batches.append(batch)
        assert several is not trained
        for name, tensor in several.state_dict().items():
            assert torch.equal(tensor, seen[batch][name])
    assert batches == [2, 4, 5]
    for name, tensor in trained.state_dict().items():
        assert torch.equal(tensor, seen[5][name])
    if kept == "folder":
        assert len(list((tmp_path / "curve").iterdir())) == 3


def test_mean_curve():
    """Means over targets; the size keeps left and right apart, in single precision."""
    lateral = xr.DataArray([[[0.02, -0.02], [0.01, 0.03]]], dims=("replicate", "batch", "trial"), attrs={"units": "m"})
    mean = mean_curve(xr.Dataset({"max_lateral_deviation": lateral}, {"batch": [0, 16]}))
    np.testing.assert_allclose(mean["max_lateral_deviation"], [[0, 0.02]], atol=1e-9)
    np.testing.assert_allclose(mean["lateral_size"], [[0.02, 0.02]])
    assert mean["lateral_size"].dtype == np.float32 and mean["lateral_size"].attrs["units"] == "m"

"""Perturbations: the whole pipeline in its smallest size, which way a push goes, and what is compared."""

import numpy as np
import pytest
import torch
import xarray as xr

import motornet_nb as mn
from motornet_nb.studies.pushes import (
    GROUPS,
    compare_pairs,
    perturbations,
    posture_test,
    push_measures,
    reach_test,
    training,
    twins_of,
)


@pytest.fixture(scope="module")
def networks():
    "Two that have not learnt anything."
    env = training("perturbed")
    made = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        made.append(mn.PolicyGRU(env.n_observations, 8, env.n_actions))
    return mn.Replicates(made)


@pytest.fixture(scope="module")
def reaches(networks):
    return reach_test(networks)


@pytest.fixture(scope="module")
def postures(networks):
    return posture_test(networks)


# ---- the run -------------------------------------------------------------------------------------------------------


def test_the_smallest_run_has_everything(push_run):
    tree = push_run.tree
    assert set(tree.children) == {*GROUPS, "pairs"}
    for group in GROUPS:
        measured = {f"{n}_{what}" for n in ("reach", "posture") for what in ("responses", "muscles")}
        assert set(tree[group].children) == {"log", "reaches", "postures", *measured}
        assert tree[group]["reaches"].sizes["trial"] == 8 * 5 and tree[group]["postures"].sizes["trial"] == 4 * 3
        assert tree[group]["log"].sizes["batch"] == 3
    assert dict(tree["pairs"].sizes) == {"replicate": 2, "push": 2}
    assert tree["pairs"]["push"].values.tolist() == [6.0, 12.0]
    with xr.open_datatree(push_run.folder / "results.nc", engine="h5netcdf") as kept:
        xr.testing.assert_equal(kept["pairs"].to_dataset().load(), tree["pairs"].to_dataset())


def test_a_second_call_finds_all_that_is_done(push_run):
    again = perturbations("smoke", push_run.folder, seed=3, progress=False)
    for name in ("pairs", "perturbed/reaches", "unperturbed/log"):
        xr.testing.assert_equal(again[name].to_dataset(), push_run.tree[name].to_dataset())


def test_networks_that_are_given_are_tested_only(push_run):
    networks = {group: mn.load(push_run.folder / group).policy for group in GROUPS}
    tree = perturbations("smoke", networks=networks, progress=False)
    xr.testing.assert_equal(tree["pairs"].to_dataset(), push_run.tree["pairs"].to_dataset())
    assert "log" not in tree["perturbed"].children and "elsewhere" in tree.attrs["settings"]


def test_a_pair_begins_with_the_same_weights(push_run, monkeypatch):
    """Of each pair the two networks that train() is given; those of different pairs differ."""
    given = []

    def no_training(networks, environment, **options):
        given.append({n: t.clone() for n, t in networks.state_dict().items()})
        raise KeyboardInterrupt

    monkeypatch.setattr(mn.studies.runs, "train", no_training)
    done = mn.load(push_run.folder / "perturbed").policy
    for networks in (None, {"perturbed": done, "unperturbed": None}):
        with pytest.raises(KeyboardInterrupt):
            perturbations("smoke", seed=3, networks=networks, progress=False)
    first, second = given
    assert all(torch.equal(first[name], second[name]) for name in first)
    weights = [t for name, t in first.items() if "weight" in name]
    assert any(not torch.equal(a, b) for a in weights for b in weights if a.shape == b.shape)


# ---- pushes in the training ----------------------------------------------------------------------------------------


def test_half_of_the_perturbed_trials_are_pushed():
    """By 0 to 4 N, without a go cue by 0 to 8 N, for 100 ms, in any direction; nobody else is."""
    env = training("perturbed")
    trials = env.sample(2000, 0, "train")
    catch = trials.labels["is_catch"].numpy()
    go, still = ({k: v.numpy() for k, v in load.items()} for load in trials.loads)
    assert not go["mask"][catch].any() and not still["mask"][~catch].any()
    assert abs(go["mask"][~catch].mean() - 0.5) < 0.05 and abs(still["mask"][catch].mean() - 0.5) < 0.05
    ds = mn.simulate(_still(env), env, env.sample(400, 0, "train"), deterministic=True)
    catch = np.isnan(ds["go_time"].values)
    load = ds["endpoint_load"].values
    size = np.linalg.norm(load, axis=-1)
    largest, lasts = size.max(1), (size > 0).sum(1)
    assert 3.5 < largest[~catch].max() <= 4 + 1e-5 and 7 < largest[catch].max() <= 8 + 1e-5
    assert set(lasts[largest > 0]) == {10}
    pushed = load[largest > 0, size[largest > 0].argmax(1)]
    quarter = np.floor(np.arctan2(pushed[:, 1], pushed[:, 0]) / (np.pi / 2)).astype(int) % 4
    assert np.bincount(quarter, minlength=4).min() > 0.15 * len(pushed)
    assert not training("unperturbed").sample(50, 0, "train").loads


def _still(env):
    "A network that does next to nothing."
    torch.manual_seed(0)
    return mn.PolicyGRU(env.n_observations, 4, env.n_actions)


def test_both_groups_live_in_the_same_world():
    """Noise and delays; the noise is that of the authors' script."""
    one, other = (training(group) for group in GROUPS)
    assert other.replace(task=one.task).to_config() == one.to_config()
    assert float(one.action_noise) == pytest.approx(1e-4)


# ---- pushes in the tests -------------------------------------------------------------------------------------------


def test_twins_are_the_same_trials(reaches, postures):
    """The same start and target as the pushed trial, no load, and the same hand until the push begins."""
    for tests, n, onset in ((reaches, 8, 0.22), (postures, 4, 0.22)):
        pushed, twins = twins_of(tests)
        assert pushed.sizes == twins.sizes and set(twins["loads"].values) == {"none"}
        assert pushed.sizes["trial"] == tests.sizes["trial"] - n
        for name in ("start_position", "goal_position"):
            np.testing.assert_array_equal(pushed[name].values, twins[name].values)
        assert float(abs(twins["endpoint_load"].fillna(0)).max()) == 0
        before = (pushed["time"] <= onset + 1e-9).values
        hand = [x["endpoint_position"].values for x in (pushed, twins)]
        np.testing.assert_array_equal(*(h[:, :, before] for h in hand))
        later = np.linalg.norm(hand[0] - hand[1], axis=-1)[:, :, ~before].max(-1)
        assert (later > 1e-4).all()


def test_a_positive_push_is_to_the_right_of_the_reach(reaches):
    """(dy, -dx) for a reach in the direction d; 120 ms after the go cue, for 100 ms."""
    for label, newton in (("+3 N", 3), ("-3 N", -3), ("+6 N", 6), ("-6 N", -6)):
        ds = reaches.isel(trial=(reaches["loads"] == label).values, replicate=0)
        angle = ds["target_direction"].values
        right = np.stack((np.sin(angle), -np.cos(angle)), -1)
        time = ds["time"].values
        acts = (time > 0.22 + 1e-9) & (time < 0.32 + 1e-9)
        load = ds["endpoint_load"].values
        np.testing.assert_allclose(load[:, acts], np.broadcast_to(newton * right[:, None], (8, 10, 2)), atol=1e-5)
        assert not load[:, ~acts].any()
    pushed, twins = twins_of(reaches)
    response = mn.analysis.perturbation_response(pushed, twins)
    sides = {
        str(label): set(response["side"].values[:, pushed["loads"].values == label].ravel())
        for label in set(pushed["loads"].values)
    }
    assert sides == {"+3 N": {"right"}, "+6 N": {"right"}, "-3 N": {"left"}, "-6 N": {"left"}}


def test_postures_are_pushed_in_the_four_directions(postures):
    for label, newton in (("6 N", 6), ("12 N", 12)):
        load = postures.isel(trial=(postures["loads"] == label).values, replicate=0)["endpoint_load"]
        largest = load.sel(time=0.25, method="nearest").values
        directions = {tuple(np.round(row / newton, 5) + 0.0) for row in largest.astype(float)}
        assert directions == {(1, 0), (0, 1), (-1, 0), (0, -1)}
    assert np.isnan(postures["go_time"].values).all()


# ---- what is compared ----------------------------------------------------------------------------------------------


def responses(peak, left_over, magnitude):
    "Of two networks."
    dims = ("replicate", "trial")
    values = {"peak_deviation": (dims, peak), "left_over": (dims, left_over)}
    sizes = np.broadcast_to(np.float32(magnitude), np.shape(peak))
    return xr.Dataset(values | {"magnitude": (dims, sizes)}, {"replicate": [0, 1]})


def test_pairs_by_the_size_of_the_push():
    """Means over directions, a row for each pair, and the ratio perturbed to unperturbed."""
    size = [6, 12, 6, 12]
    perturbed = responses([[1, 4, 3, 6], [2, 2, 2, 2]], [[0, 1, 2, 1], [1, 1, 1, 3]], size)
    unperturbed = responses([[4, 10, 4, 10], [4, 8, 4, 8]], [[2, 4, 2, 4], [1, 4, 3, 4]], size)
    pairs = compare_pairs(perturbed, unperturbed)
    assert pairs["push"].values.tolist() == [6, 12] and pairs["peak_ratio"].dims == ("replicate", "push")
    np.testing.assert_allclose(pairs["peak_perturbed"], [[2, 5], [2, 2]])
    np.testing.assert_allclose(pairs["peak_unperturbed"], [[4, 10], [4, 8]])
    np.testing.assert_allclose(pairs["peak_ratio"], [[0.5, 0.5], [0.5, 0.25]])
    np.testing.assert_allclose(pairs["left_over_ratio"], [[0.5, 0.25], [0.5, 0.5]])
    assert pairs["peak_ratio"].attrs["units"] == "1" and pairs["left_over_perturbed"].attrs["units"] == "m"


def test_measures_of_a_group(networks, postures):
    """Those of the pushed trials against their twins."""
    found = push_measures(networks)
    xr.testing.assert_equal(found["postures"], postures)
    pushed, twins = twins_of(postures)
    apart = np.linalg.norm((pushed["endpoint_position"] - twins["endpoint_position"].values).astype(float), axis=-1)
    np.testing.assert_allclose(found["posture_responses"]["left_over"], apart[:, :, -1], atol=1e-7)
    np.testing.assert_allclose(found["posture_responses"]["peak_deviation"], apart.max(-1), atol=1e-7)
    assert found["reach_muscles"]["latency"].sizes == {"replicate": 2, "trial": 32, "muscle": 6}


# ---- networks that have learnt -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    "Two pairs of the networks of the package, tested: of each group what `push_measures` gives."
    several = {group: mn.pretrained(f"perturbations/{group}").policy for group in GROUPS}
    return {group: push_measures(mn.Replicates([x[i] for i in (1, 2)])) for group, x in several.items()}


def test_pushes_in_training_make_a_posture_stiff(shipped):
    """At 6 N, which the training had: in each pair a smaller peak, and less left over."""
    pairs = compare_pairs(*(shipped[group]["posture_responses"] for group in GROUPS)).sel(push=6.0)
    assert (pairs["peak_ratio"] <= 0.7).all() and (pairs["left_over_ratio"] <= 0.65).all()
    assert (pairs["left_over_perturbed"] <= 0.015).all() and (pairs["left_over_unperturbed"] > 0.02).all()


def test_reaches_that_are_pushed_come_to_the_target_in_both_groups(shipped):
    """Into 1 cm on average after 3 and 6 N; the groups differ by less than 5 mm of 2 to 3 cm at the peak and 2 mm at the end."""
    means = {}
    for group in GROUPS:
        found = shipped[group]["reach_responses"]
        assert (found["left_over_target"].mean("trial") < 0.01).all()
        means[group] = found[["peak_deviation", "left_over"]].mean("trial")
    apart = abs(means["perturbed"] - means["unperturbed"])
    assert (apart["peak_deviation"] < 0.005).all() and (apart["left_over"] < 0.002).all()


def test_no_muscle_answers_before_it_can(shipped):
    """20 ms of delay and a step of activation; the extensor over both joints is among the first in an upward reach."""
    tests = shipped["perturbed"]["reaches"]
    pushed, _ = twins_of(tests)
    up = (abs(pushed["target_direction"].values - np.pi / 2) < 0.01) & (pushed["loads"].values == "-6 N")
    latency = shipped["perturbed"]["reach_muscles"]["latency"].isel(trial=up).isel(trial=0)
    assert (latency.fillna(1.0) >= 0.03 - 1e-9).all()
    assert (latency.sel(muscle="triceps long") <= latency.fillna(1.0).min("muscle") + 0.011).all()

"The study of preferred directions: the pipeline at its smallest size, the body's axis, the reaches of the training, the shipped networks."

import json

import numpy as np
import pytest
import torch
import xarray as xr

import motornet_nb as mn
from motornet_nb.results.axes import axial_statistics
from motornet_nb.results.tuning import preferred_directions
from motornet_nb.studies.directions import (
    DIRECTIONS,
    GROUPS,
    direction_measures,
    endpoint_inertia,
    examination,
    training_directions,
)

MEASURES = {"trials", "errors", "directions", "axes", "muscle_directions", "muscle_axes"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def tree(folder):
    return mn.studies.preferred_directions("smoke", folder, progress=False)


def test_the_tree_has_all_that_the_figure_needs(tree):
    groups = set(GROUPS)
    assert set(tree.children) == groups | {"untrained", "comparison", "inertia"}
    assert set(tree["arm"].children) == set(tree["point_mass"].children) == MEASURES | {"log", "training"}
    assert set(tree["arm_uniform"].children) == MEASURES | {"log", "training", "comparison"}
    assert set(tree["untrained"].children) == MEASURES
    assert tree.attrs["size"] == "smoke" and json.loads(tree.attrs["settings"]) == dict(DIRECTIONS["smoke"])


@pytest.mark.parametrize("group", [*GROUPS, "untrained"])
def test_measures_of_a_group(tree, group):
    muscles = 4 if group == "point_mass" else 6
    trials = tree[group]["trials"].to_dataset()
    assert trials.sizes["replicate"] == 2 and trials.sizes["trial"] == 24
    assert trials.sizes["unit"] == 12 and trials.sizes["muscle"] == muscles and trials.sizes["time"] == 80
    assert tree[group]["directions"]["tuned"].shape == (2, 12)
    assert tree[group]["muscle_directions"]["tuned"].shape == (2, muscles)
    assert tree[group]["directions"].attrs["window"] == "0.05 to 0.2 s after the go cue"
    assert tree[group]["muscle_directions"].attrs["variable"] == "muscle_force"
    errors = tree[group]["errors"]["endpoint_error"]
    far = np.linalg.norm(trials.endpoint_position.isel(time=-1) - trials.goal_position, axis=-1)
    np.testing.assert_allclose(errors, far, atol=1e-6)
    assert (0.02 < errors).all() and (errors < 0.3).all()  # they do not reach yet, and stay near
    axes = tree[group]["axes"].to_dataset()
    assert axes.network_axis.dims == ("weighting", "replicate") and np.isfinite(axes.network_resultant).all()
    assert (axes.resultant >= 0).all() and (axes.resultant <= 1).all()
    assert np.isfinite(axes.rayleigh_p.sel(weighting="unit")) and np.isnan(axes.rayleigh_p.sel(weighting="depth"))


def test_trees_compare_networks(tree):
    for place in ("comparison", "arm_uniform/comparison"):
        found = tree[place].to_dataset()
        assert (found.n_permutations == 6).all()  # 4 over 2
        assert ((found.p_value > 1 / 6 - 1e-9) & (found.p_value <= 1)).all() and found.attrs["exact"] == 1
    arm, mass = (tree[g]["axes"]["resultant"] for g in ("arm", "point_mass"))
    np.testing.assert_allclose(tree["comparison"]["difference"], arm - mass)


def test_the_log_holds_the_training(tree):
    log = tree["arm"]["log"].to_dataset()
    assert log.sizes == {"replicate": 2, "batch": 3} and np.isfinite(log.loss).all()
    assert not np.allclose(log.loss[0], log.loss[1])


def test_networks_start_from_the_seed_and_learn(tree):
    "Arms of both trainings start as the untrained ones; all are trained away from them."
    untrained, arm, uniform = (tree[g]["trials"]["hidden"].values for g in ("untrained", "arm", "arm_uniform"))
    assert not np.allclose(untrained, arm) and not np.allclose(arm, uniform)
    env = examination("arm")
    torch.manual_seed(1)
    net = mn.PolicyGRU(env.n_observations, 12, env.n_actions)
    np.testing.assert_allclose(mn.simulate(net, env).hidden, untrained[1], atol=1e-6)


def test_a_run_goes_on_from_its_folder(tree, folder):
    with xr.open_datatree(folder / "results.nc", engine="h5netcdf") as stored:
        assert stored["arm/axes"].to_dataset().equals(tree["arm/axes"].to_dataset())
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*/checkpoints/*")}
    again = mn.studies.preferred_directions("smoke", folder, groups=("arm", "point_mass"), progress=False)
    assert {p: p.stat().st_mtime_ns for p in folder.glob("*/checkpoints/*")} == before  # nothing was trained
    assert set(again.children) == {"arm", "point_mass", "untrained", "comparison", "inertia"}
    for node in again.subtree:
        xr.testing.assert_equal(node.to_dataset(), tree[node.path].to_dataset())
    with pytest.raises(ValueError, match=r"seed = 5 .* another run needs another folder"):
        mn.studies.preferred_directions("smoke", folder, seed=5, progress=False)


def test_networks_that_are_given_are_not_trained(folder, tree):
    arms = mn.load(folder / "arm").policy
    found = mn.studies.preferred_directions("smoke", networks={"arm": arms}, progress=False)
    assert set(found.children) == {"arm", "inertia"} and "log" not in found["arm"].children
    xr.testing.assert_allclose(found["arm/axes"].to_dataset(), tree["arm/axes"].to_dataset())


@pytest.mark.parametrize(
    "options, says",
    [
        ({"groups": ("leg",)}, "groups = .*leg.* arm, point_mass, arm_uniform"),
        ({"groups": ()}, "groups"),
        ({"groups": ("arm", "point_mass"), "networks": {"arm": None}}, "groups = .*point_mass.* of arm"),
        ({"size": "huge"}, "size = 'huge'"),
    ],
)
def test_what_does_not_fit_is_refused(options, says):
    with pytest.raises(ValueError, match=says):
        mn.studies.preferred_directions(**{"size": "smoke", "progress": False} | options)


# ---- the body's own axis


def test_inertia_by_hand():
    "A second implementation: the mass matrix and the Jacobian of two rods, from textbook formulas and the arm's parameters."
    arm = examination("arm").effector
    s = arm.skeleton
    l1, l2, m1, m2, i1, i2, c1, c2 = (float(getattr(s, n)) for n in ("l1", "l2", "m1", "m2", "i1", "i2", "l1g", "l2g"))
    for q1, q2 in ((np.pi / 4, np.pi / 2), (0.4, 1.2)):
        a = i1 + i2 + m1 * c1**2 + m2 * (l1**2 + c2**2 + 2 * l1 * c2 * np.cos(q2))
        b = i2 + m2 * (c2**2 + l1 * c2 * np.cos(q2))
        mass = np.array([[a, b], [b, i2 + m2 * c2**2]])
        outer = l2 * np.array([-np.sin(q1 + q2), np.cos(q1 + q2)])
        jacobian = np.stack([l1 * np.array([-np.sin(q1), np.cos(q1)]) + outer, outer], 1)
        mobility = jacobian @ np.linalg.inv(mass) @ jacobian.T
        found = endpoint_inertia(arm, [q1, q2])
        for direction, value in zip(found.direction.values, found.apparent_mass.values, strict=True):
            u = np.array([np.cos(direction), np.sin(direction)])
            assert value == pytest.approx(1 / (u @ mobility @ u), rel=1e-4)


def test_the_hand_of_the_arm_is_heavy_along_the_forearm():
    found = endpoint_inertia(examination("arm").effector)
    assert found.heaviest == pytest.approx(2.31, abs=0.005) and found.lightest == pytest.approx(0.865, abs=0.005)
    assert np.degrees([found.heaviest_direction, found.lightest_direction]) == pytest.approx([135, 45], abs=1e-3)
    at = found.apparent_mass.sel(direction=np.radians([135, 315, 45, 225]), method="nearest")
    np.testing.assert_allclose(at, [found.heaviest] * 2 + [found.lightest] * 2, rtol=1e-5)
    np.testing.assert_allclose(endpoint_inertia(examination("point_mass").effector).apparent_mass, 1, rtol=1e-6)


# ---- what the networks are trained on


@pytest.mark.parametrize("group, low, high", [("arm", 0.2, 0.27), ("arm_uniform", 0, 0.05), ("point_mass", 0, 0.06)])
def test_directions_of_the_training_reaches(group, low, high):
    environment = examination(group).replace(task=GROUPS[group][1]())
    found = training_directions(environment)
    assert low <= float(found.resultant) < high
    assert found.sizes["trial"] == 2000  # catch trials have no reach
    doubled = np.exp(2j * found.direction.values).mean()
    assert float(found.resultant) == pytest.approx(abs(doubled))
    assert np.exp(2j * float(found.axis)) == pytest.approx(doubled / abs(doubled))
    assert group != "arm" or np.degrees(float(found.axis)) == pytest.approx(18, abs=5)


# ---- the networks that come with the package


def test_shipped_arms_prefer_an_axis_and_shipped_point_masses_do_not():
    found = {}
    for group in ("arm", "point_mass"):
        networks = mn.pretrained(f"preferred_directions/{group}").policy
        found[group] = direction_measures(mn.Replicates(networks[:3]), group)
        assert float(found[group]["errors"].endpoint_error.max()) < 0.025
    arm, mass = (found[g]["axes"] for g in ("arm", "point_mass"))
    assert ((np.degrees(arm.axis) > 100) & (np.degrees(arm.axis) < 130)).all() and (arm.resultant > [0.2, 0.35]).all()
    assert (np.abs(np.degrees(arm.network_axis) - 115) < 15).all()
    assert (mass.resultant < 0.12).all()
    forces = found["arm"]["muscle_axes"]
    assert ((np.degrees(forces.axis) > 125) & (np.degrees(forces.axis) < 150)).all()


def test_the_axis_survives_the_papers_method_and_the_lobes_do_not():
    "The direction of greatest magnitude is the anti-preferred one of about half of the units."
    network = mn.pretrained("preferred_directions/arm", replicate=0).policy
    trials = mn.simulate(network, examination("arm"))
    peak, magnitude = (preferred_directions(trials, method=m) for m in ("peak", "peak_of_magnitude"))
    apart = np.cos(peak.preferred_direction - magnitude.preferred_direction).where(peak.tuned, drop=True)
    assert 0.3 < float((apart < -0.5).mean()) < 0.7
    axes = [np.degrees(float(axial_statistics(d).axis.sel(weighting="depth"))) for d in (peak, magnitude)]
    assert all(100 < axis < 130 for axis in axes)

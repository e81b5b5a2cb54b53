"""Axes of preferred directions, of networks that are known."""

import numpy as np
import pytest
import xarray as xr

from motornet_nb.results.axes import axial_statistics, compare_axes
from motornet_nb.results.circular import axial_mean, bootstrap_axis, permutation_test, rayleigh_test

AXIS = np.radians(135)


def made(seed, n=8, share=0.6, units=50, unit="unit"):
    "Preferred directions of networks, a share of the units along an axis; some untuned, some without direction."
    rng = np.random.default_rng(seed)
    angle = rng.uniform(-np.pi, np.pi, (n, units))
    lobe = np.angle(np.exp(1j * (AXIS + np.pi * rng.integers(2, size=angle.shape) + rng.normal(0, 0.3, angle.shape))))
    angle = np.where(rng.random(angle.shape) < share, lobe, angle)
    angle[:, 0] = np.nan
    tuned = (rng.random(angle.shape) < 0.8) & np.isfinite(angle)
    dims = ("replicate", unit)
    depth = np.where(np.isnan(angle), 0.0, rng.uniform(0.1, 1, angle.shape))
    variables = {"preferred_direction": (dims, angle), "modulation_depth": (dims, depth), "tuned": (dims, tuned)}
    return xr.Dataset(variables, {"replicate": np.arange(n) + 10, "seed": ("replicate", np.arange(n))}, {"method": "m"})


def test_every_number_is_that_of_the_circular_statistics():
    ds = made(0)
    found = axial_statistics(ds, n_bootstrap=200, seed=4)
    angle, depth, tuned = (ds[n].values for n in ("preferred_direction", "modulation_depth", "tuned"))
    networks = [a[t] for a, t in zip(angle, tuned, strict=True)]
    weights = [d[t] for d, t in zip(depth, tuned, strict=True)]
    for name, w in (("unit", None), ("depth", weights)):
        own = found.sel(weighting=name)
        expected = bootstrap_axis(networks, w, n_resamples=200, seed=4)
        np.testing.assert_allclose([own[n] for n in expected._fields], expected)
        alone = [axial_mean(a, None if w is None else w[i]) for i, a in enumerate(networks)]
        np.testing.assert_allclose(own["network_axis"], [a.axis for a in alone])
        np.testing.assert_allclose(own["network_resultant"], [a.resultant for a in alone])
        assert own["n_units"] == tuned.sum()
    np.testing.assert_allclose(found["rayleigh_p"], [rayleigh_test(angle[tuned], axial=True), np.nan])
    np.testing.assert_array_equal(found["replicate"], ds["replicate"])
    np.testing.assert_array_equal(found["seed"], ds["seed"])
    assert found.attrs["method"] == "m" and "200 resamples of 8 networks" in found.attrs["interval"]


def test_the_axis_that_is_there_is_found():
    found = axial_statistics(made(1))
    assert (found["axis_low"] < AXIS).all() and (found["axis_high"] > AXIS).all()
    assert (found["axis_high"] - found["axis_low"] < np.radians(20)).all()
    assert (abs(found["network_axis"] - AXIS) < np.radians(25)).all()
    none = axial_statistics(made(1, share=0.0))
    assert (none["resultant"] < 0.12).all() and none["rayleigh_p"][0] > 0.01


def test_weights_are_the_depths():
    ds = made(2, n=2, units=4, share=0)
    ds["preferred_direction"][:] = [0.0, 0.0, np.pi / 2, np.pi / 2]
    ds["modulation_depth"][:] = [1.0, 1.0, 3.0, 3.0]
    ds["tuned"][:] = True
    found = axial_statistics(ds)
    np.testing.assert_allclose(found["resultant"], [0, 0.5], atol=1e-12)
    np.testing.assert_allclose(found["axis"][1], np.pi / 2)


def test_untuned_units_count_only_if_asked_for():
    ds = made(3)
    everyone = axial_statistics(ds, tuned_only=False)
    assert (everyone["n_units"] == 8 * 49).all() and everyone.attrs["units_counted"] == "all units that vary"
    all_tuned = ds.assign(tuned=xr.ones_like(ds["tuned"]))
    xr.testing.assert_equal(everyone, axial_statistics(all_tuned))
    nobody = axial_statistics(ds.assign(tuned=xr.zeros_like(ds["tuned"])))
    assert (nobody["n_units"] == 0).all() and np.isnan(nobody["axis"]).all() and np.isnan(nobody["resultant"]).all()


@pytest.mark.parametrize("unit", ["unit", "muscle"])
def test_one_network_has_no_intervals(unit):
    ds = made(4, unit=unit)
    found = axial_statistics(ds.isel(replicate=2, drop=True))
    assert dict(found.sizes) == {"weighting": 2, "replicate": 1}
    assert np.isnan(found["axis_low"]).all() and np.isnan(found["resultant_high"]).all()
    together = axial_statistics(ds).isel(replicate=2)
    np.testing.assert_allclose(found["axis"], together["network_axis"])
    np.testing.assert_allclose(found["network_resultant"][:, 0], together["network_resultant"])


def test_groups_are_compared_by_permutation():
    arm, mass = made(5, n=4, share=0.5), made(6, n=3, share=0.0)
    found = compare_axes(arm, mass)
    difference = axial_statistics(arm)["resultant"] - axial_statistics(mass)["resultant"]
    np.testing.assert_allclose(found["difference"], difference)
    np.testing.assert_allclose(found["p_value"], 2 / 35)
    assert (found["n_permutations"] == 35).all() and found.attrs["exact"] == 1 and found.attrs["networks"] == "4 and 3"
    drawn = compare_axes(arm, mass, max_permutations=20, seed=1)
    assert (drawn["n_permutations"] == 20).all() and drawn.attrs["exact"] == 0
    angles = [[a[np.isfinite(a)] for a in g["preferred_direction"].values] for g in (arm, mass)]
    everyone = compare_axes(arm, mass, tuned_only=False)
    assert everyone["p_value"][0] == pytest.approx(permutation_test(*angles).p_value)
    np.testing.assert_allclose(compare_axes(mass, arm)["difference"], -found["difference"])


def test_results_can_be_written(tmp_path):
    for i, ds in enumerate((axial_statistics(made(7)), compare_axes(made(7), made(8)))):
        ds.to_netcdf(tmp_path / f"{i}.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / f"{i}.nc", engine="h5netcdf") as read:
            xr.testing.assert_identical(read.load(), ds)
        assert all(v.attrs["long_name"] and v.attrs["units"] for v in ds.data_vars.values())


def test_what_is_not_understood_is_refused():
    ds = made(9)
    for wrong in (3, ds.drop_vars("tuned"), ds["tuned"]):
        with pytest.raises(TypeError, match="axial_statistics: directions"):
            axial_statistics(wrong)
    with pytest.raises(ValueError, match="over units, or replicate and units"):
        axial_statistics(ds.expand_dims("study"))
    with pytest.raises(TypeError, match="tuned_only"):
        axial_statistics(ds, tuned_only="yes")
    with pytest.raises(ValueError, match="compare_axes: second"):
        compare_axes(ds, ds.assign(tuned=xr.zeros_like(ds["tuned"])))

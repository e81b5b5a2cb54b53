"""Demixed components, from activity that is known."""

import numpy as np
import pytest
import xarray as xr
from populations import directions, population

from motornet_nb.results.demixing import demixed
from motornet_nb.results.population import pca

RAMP, COSINE = np.linspace(-1, 1, 50), np.cos(directions(8))
PURE = np.stack(np.broadcast_arrays(2 * RAMP, 1.5 * COSINE[:, None], RAMP * COSINE[:, None]), -1)


def mixed(rng=None, **coordinates) -> xr.Dataset:
    "Time, direction and their interaction along three oblique directions."
    rng = rng or np.random.default_rng(0)
    mixing = rng.normal(size=(3, 20)) + rng.normal(size=20)
    return population(4 + PURE @ mixing, **{"target_direction": directions(8)} | coordinates)


def test_components_are_pure_where_principal_components_are_not():
    ds = mixed()
    found = demixed(ds, n_components=1)
    np.testing.assert_allclose(found["composition"], np.eye(3), atol=1e-3)
    scores = found["scores"].transpose("component", "trial", "time").values
    for k in range(3):
        assert abs(np.corrcoef(scores[k].ravel(), PURE[..., k].ravel())[0, 1]) > 0.9999
    first = pca(ds, 3)["scores"].transpose("component", "trial", "time").values
    assert max(abs(np.corrcoef(first[0].ravel(), PURE[..., k].ravel())[0, 1]) for k in range(3)) < 0.99


def test_variances_of_the_parts_add_up():
    ds = mixed()
    found = demixed(ds, n_components=2)
    x = ds["hidden"] - ds["hidden"].mean(("trial", "time"))
    over_time, over_trials = x.mean("trial"), x.mean("time")
    rest = x - over_time - over_trials
    total = float((x**2).sum())
    parts = [8 * float((over_time**2).sum()), 50 * float((over_trials**2).sum()), float((rest**2).sum())]
    np.testing.assert_allclose(found["marginal_variance_ratio"], np.array(parts) / total)
    assert float(found["marginal_variance_ratio"].sum()) == pytest.approx(1)
    np.testing.assert_allclose(found["composition"].sum("marginal")[[0, 2, 4]], 1)


def test_share_of_a_component_is_what_it_gives_back():
    ds = mixed()
    found = demixed(ds, n_components=1)
    x = (ds["hidden"] - found["mean"]).values
    for name in found["component"].values:
        one = found.sel(component=name)
        back = one["scores"].values[..., None] * one["encoders"].values
        assert float(one["explained_variance_ratio"]) == pytest.approx(
            1 - ((x - back) ** 2).sum() / (x**2).sum(), abs=1e-9
        )
    assert list(found["component"].values) == ["time 1", "condition 1", "interaction 1"]
    assert list(found["marginal_of_component"].values) == ["time", "condition", "interaction"]


def test_the_regression_is_the_best_of_its_rank():
    "No other encoder and decoder of the same rank gives a part back better."
    rng = np.random.default_rng(3)
    ds = population(np.cumsum(rng.normal(size=(6, 30, 5)), 1), target_direction=directions(6))
    found = demixed(ds, n_components=2, regularisation=1e-12)
    x = (ds["hidden"] - found["mean"]).values
    part = (x - x.mean(0) - x.mean(1, keepdims=True)).reshape(-1, 5)
    x = x.reshape(-1, 5)
    of_part = found.isel(component=found["marginal_of_component"] == "interaction")
    f, d = of_part["encoders"].values, of_part["decoders"].values

    def loss(f, d):
        return ((part - x @ d.T @ f) ** 2).sum()

    for _ in range(50):
        assert loss(f, d) <= loss(f + 0.01 * rng.normal(size=f.shape), d + 0.01 * rng.normal(size=d.shape))
    free = np.linalg.lstsq(x, part, rcond=None)[0]
    u, _, _ = np.linalg.svd((x @ free).T @ (x @ free))
    assert loss(f, d) == pytest.approx(((part - x @ free @ u[:, :2] @ u[:, :2].T) ** 2).sum())


def test_conditions_count_alike_however_many_trials_they_have():
    ds = mixed()
    again = ds.isel(trial=[0, 0, 0, *range(8)])
    np.testing.assert_allclose(demixed(again)["marginal_variance_ratio"], demixed(ds)["marginal_variance_ratio"])
    assert demixed(again)["scores"].sizes["trial"] == 11


def test_other_conditions_and_trials_without():
    ds = mixed(condition=["a", "b"] * 4)
    assert demixed(ds, "condition").attrs["by"] == "condition"
    direction = directions(8)
    direction[3] = np.nan
    assert list(demixed(mixed(target_direction=direction))["trial"]) == [0, 1, 2, 4, 5, 6, 7]


def test_replicates_stay_apart():
    ds = xr.concat([mixed(np.random.default_rng(s)) for s in (0, 1)], "replicate")
    both = demixed(ds)
    assert both["marginal_variance_ratio"].dims == ("replicate", "marginal")
    np.testing.assert_allclose(both["scores"][1], demixed(ds.isel(replicate=1))["scores"])


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: demixed(ds, "colour"), "by = 'colour'"),
        (lambda ds: demixed(ds, regularisation=0), "regularisation = 0"),
        (lambda ds: demixed(ds, n_components=21), "n_components = 21"),
        (lambda ds: demixed(ds.isel(trial=[0])), "at least two"),
    ],
)
def test_wrong_arguments_are_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call(mixed())

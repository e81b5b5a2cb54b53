"""Principal components and rotations, from activity that is known."""

import numpy as np
import pytest
import xarray as xr
from populations import directions, population
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb.results.population import fit_skew_symmetric, jpca, pca

TIME = np.arange(1, 61) * 0.01


def axes_of(n: int, n_units: int = 20, seed: int = 0) -> np.ndarray:  # (n, unit), orthonormal
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n_units, n)))[0].T


def rotating(*frequencies: float) -> xr.Dataset:
    "A plane for each frequency in Hz, negative for clockwise, each condition at an angle of its own."
    phases = [2 * np.pi * f * TIME + directions(8)[:, None] * (k + 1) for k, f in enumerate(frequencies)]
    states = np.stack([part for a in phases for part in (np.cos(a), np.sin(a))], -1)
    return population(3 + states @ axes_of(states.shape[-1]), target_direction=directions(8))


# ---- principal components


def test_components_give_the_activity_back():
    rng = np.random.default_rng(1)
    ds = population(rng.normal(size=(6, 40, 3)) @ rng.normal(size=(3, 12)) + 2)
    for normalise in ("none", "deviation", "range"):
        found = pca(ds, 3, normalise=normalise)
        back = found["mean"] + found["scale"] * found["scores"].dot(found["loadings"], "component")
        xr.testing.assert_allclose(back.transpose("trial", "time", "unit"), ds["hidden"].drop_vars(()))
        assert float(found["explained_variance_ratio"].sum()) == pytest.approx(1)
        np.testing.assert_allclose(
            found["loadings"].dot(found["loadings"].rename(component="other"), "unit"), np.eye(3), atol=1e-12
        )


def test_components_are_the_eigenvectors_of_the_covariance():
    values = np.random.default_rng(2).normal(size=(5, 30, 4)) * [4, 3, 2, 1]
    found = pca(population(values), 4)
    size, vectors = np.linalg.eigh(np.cov(values.reshape(-1, 4).T))
    np.testing.assert_allclose(found["explained_variance_ratio"], size[::-1] / size.sum())
    np.testing.assert_allclose(np.abs(found["loadings"]), np.abs(vectors.T[::-1]), atol=1e-9)


def test_scaling_makes_units_alike():
    values = np.random.default_rng(3).normal(size=(5, 100, 3)) * [100, 1, 1]
    assert float(pca(population(values), 1)["explained_variance_ratio"][0]) > 0.99
    assert float(pca(population(values), 1, normalise="deviation")["explained_variance_ratio"][0]) < 0.45
    soft = pca(population(values), 1, normalise="range")["scale"]
    np.testing.assert_allclose(soft, np.ptp(values.reshape(-1, 3), axis=0) + 0.1 * np.ptp(values[..., 0]))


def test_what_all_conditions_share_can_be_taken_off():
    direction = np.array([0.0, 0.0, 0.0, np.pi])  # three trials of one condition, one of the other
    ramp, own = 10 * TIME[:, None] * axes_of(2)[0], axes_of(2)[1]
    ds = population(ramp + np.cos(direction)[:, None, None] * own, target_direction=direction)
    found = pca(ds, 2, center="time")
    assert found["mean"].dims == ("time", "unit")
    np.testing.assert_allclose(np.abs(found["loadings"][0]), np.abs(own), atol=1e-9)
    np.testing.assert_allclose(found["explained_variance_ratio"][1], 0, atol=1e-12)
    back = found["mean"] + found["scores"].dot(found["loadings"], "component")
    np.testing.assert_allclose(back.transpose("trial", "time", "unit"), ds["hidden"])


def test_activity_that_never_changes_has_no_components():
    assert (pca(population(np.ones((3, 5, 4))), 2)["explained_variance_ratio"] == 0).all()


def test_a_window_is_all_that_counts():
    values = np.concatenate(
        (100 * np.random.default_rng(4).normal(size=(4, 10, 3)), TIME[:10, None] * np.ones((4, 10, 1)) * [1, 0, 0]), 1
    )
    found = pca(population(values, go_time=np.full(4, 0.11)), 1, window=(0.0, 0.09))
    np.testing.assert_allclose(np.abs(found["loadings"][0]), [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(found["time"], np.arange(10) * 0.01, atol=1e-12)


def test_replicates_stay_apart():
    env = point_mass_world(mn.CenterOutReach(n_targets=4))
    every = [mn.simulate(network(env, n_units=6, seed=s), env) for s in (0, 1)]
    ds = xr.concat(every, "replicate", coords="different", compat="equals").assign_coords(seed=("replicate", [0, 1]))
    both = pca(ds, 2)
    assert both["scores"].dims == ("replicate", "trial", "time", "component") and list(both["seed"].values) == [0, 1]
    for i, one in enumerate(every):
        np.testing.assert_allclose(both["scores"][i], pca(one, 2)["scores"])
    assert jpca(ds, 2)["r_squared_ratio"].dims == ("replicate",)


# ---- rotations


@pytest.mark.parametrize("frequencies", [(2.5, 1.0), (1.0, 2.5), (-4.0, 0.3), (20.0, -0.5)])
def test_rotations_are_found(frequencies):
    found = jpca(rotating(*frequencies), 4, normalise="none")
    np.testing.assert_allclose(found["frequency"], sorted(np.abs(frequencies), reverse=True), rtol=1e-9)
    assert float(found["r_squared_skew"]) == pytest.approx(1) and float(found["r_squared_ratio"]) == pytest.approx(1)
    np.testing.assert_allclose(found["explained_variance_ratio"], 0.5)
    np.testing.assert_allclose(found["dynamics"], -found["dynamics"].T, atol=1e-12)


def test_planes_turn_counter_clockwise_and_start_along_their_first_axis():
    found = jpca(rotating(-3.0, 1.0), 4, normalise="none")
    for k in range(2):
        x, y = (found["projections"].transpose("jpc", "trial", "time").values[2 * k + i] for i in (0, 1))
        turned = np.unwrap(np.arctan2(y, x), axis=-1)
        np.testing.assert_allclose(
            turned[:, -1] - turned[:, 0], 2 * np.pi * float(found["frequency"][k]) * (TIME[-1] - TIME[0])
        )
    start = np.linspace(-1, 1, 8)[:, None]  # the first states lie on a line
    angle = 2 * np.pi * 2 * (TIME - TIME[0]) + 0.7
    states = np.stack([start * np.cos(angle), start * np.sin(angle)], -1)
    found = jpca(population(states @ axes_of(2), target_direction=directions(8)), 2, normalise="none")
    np.testing.assert_allclose(found["projections"].isel(time=0, jpc=1), 0, atol=1e-9)
    assert float(np.abs(found["projections"].isel(time=0, jpc=0)).max()) == pytest.approx(1)


def test_expansion_is_no_rotation():
    away = np.exp(3 * TIME)[:, None] * np.stack([np.cos(directions(8)), np.sin(directions(8))], -1)[:, None]
    found = jpca(population(away @ axes_of(2), target_direction=directions(8)), 2, normalise="none")
    assert abs(float(found["r_squared_ratio"])) < 1e-9 and float(found["r_squared_unconstrained"]) == pytest.approx(1)
    np.testing.assert_allclose(found["frequency"], 0, atol=1e-9)


def test_a_spiral_is_partly_rotation():
    "Of x' = (a + i w) x, rotation describes w² / (a² + w²)."
    a, w = 2.0, 2 * np.pi * 1.5
    z = np.exp((a + 1j * w) * np.arange(600) * 1e-3) * np.exp(1j * directions(8))[:, None]
    ds = population(np.stack([z.real, z.imag], -1) @ axes_of(2), timestep=1e-3, target_direction=directions(8))
    found = jpca(ds, 2, normalise="none")
    assert float(found["r_squared_ratio"]) == pytest.approx(w**2 / (a**2 + w**2), abs=1e-4)
    assert float(found["frequency"][0]) == pytest.approx(1.5, rel=1e-4)


def test_the_skew_symmetric_fit_is_least_squares_over_its_free_entries():
    rng = np.random.default_rng(5)
    x, d = rng.normal(size=(50, 4)) * [3, 2, 1, 0.5], rng.normal(size=(50, 4))
    pairs = [(i, j) for i in range(4) for j in range(i)]
    basis = []
    for i, j in pairs:
        m = np.zeros((4, 4))
        m[i, j], m[j, i] = 1, -1
        basis.append(m)
    free = np.linalg.lstsq(np.stack([(x @ m.T).ravel() for m in basis], 1), d.ravel(), rcond=None)[0]
    np.testing.assert_allclose(fit_skew_symmetric(x, d), np.tensordot(free, basis, 1), atol=1e-12)


def test_directions_without_extent_are_not_turned():
    x = np.zeros((20, 3))
    x[:, 0] = np.linspace(-1, 1, 20)
    m = fit_skew_symmetric(x, np.stack([0 * x[:, 0], 2 * x[:, 0], 0 * x[:, 0]], 1))
    np.testing.assert_allclose(m, [[0, -2, 0], [2, 0, 0], [0, 0, 0]], atol=1e-12)


def test_the_mean_over_conditions_does_not_count():
    ds = rotating(2.0)
    ds["hidden"] = ds["hidden"] + 50 * TIME[:, None] * axes_of(3)[2]
    assert float(jpca(ds, 2, normalise="none")["frequency"][0]) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: pca(ds, 0), "n_components = 0"),
        (lambda ds: pca(ds, 21), "from 1 to 20"),
        (lambda ds: pca(ds, center="mean"), "'all' or 'time'"),
        (lambda ds: pca(ds, normalise="z"), "'none', 'deviation' or 'range'"),
        (lambda ds: pca(ds, variable="spikes"), "variable = 'spikes'"),
        (lambda ds: pca(ds, center="time", by="colour"), "by = 'colour'"),
        (lambda ds: pca(ds.where(ds.time > 0.1)), "NaN or infinite"),
        (lambda ds: jpca(ds, 3), "even number"),
        (lambda ds: jpca(ds.isel(trial=[0])), "at least two"),
        (lambda ds: pca(3), "a Dataset"),
    ],
)
def test_wrong_arguments_are_refused_in_words(call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call(rotating(2.0))

"""Paths of the activity in a plane: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import torch
import xarray as xr
from bokeh.models import HoverTool, Legend
from figures import drawn, shows
from populations import directions, population
from torch import nn
from worlds import arm, network

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.results.demixing import demixed
from motornet_nb.results.dynamics import fixed_points
from motornet_nb.results.population import jpca, pca


def test_paths_are_principal_components(ds, caplog):
    p = views.phase_plane(ds)
    found = pca(ds, 2)
    assert found.sizes["trial"] == 4
    for k in range(4):
        paths, samples = drawn(p, f"paths {90 * k}°"), drawn(p, f"samples {90 * k}°")
        np.testing.assert_allclose(paths["xs"][0], found["scores"].isel(trial=k, component=0))
        np.testing.assert_allclose(samples["y"], found["scores"].isel(trial=k, component=1))
        np.testing.assert_allclose(samples["time"], ds["time"])
        begin = drawn(p, f"starts {90 * k}°")
        np.testing.assert_allclose([begin["x"][0], begin["y"][0]], found["scores"][k, 0])
    share = found["explained_variance_ratio"].values
    assert p.xaxis[0].axis_label == f"PC 1 ({100 * share[0]:.0f} %)" and p.match_aspect
    shows(p, caplog)


def test_the_go_cue_is_marked():
    values = np.random.default_rng(0).normal(size=(4, 20, 5))
    ds = population(values, target_direction=directions(4), go_time=[0.05, 0.1, 0.15, np.nan])
    p, found = views.phase_plane(ds), pca(ds, 2)
    for k, i in enumerate((4, 9, 14)):
        cue = drawn(p, f"go cues {90 * k}°")
        np.testing.assert_allclose([cue["x"][0], cue["y"][0]], found["scores"][k, i])
    assert len(drawn(p, "go cues no go cue")["x"]) == 0
    (legend,) = p.select({"type": Legend})
    assert [i.label.value for i in legend.items] == ["0°", "90°", "180°", "no go cue", "start", "go cue"]


def test_components_can_be_chosen(ds):
    found = pca(ds, 4)
    p = views.phase_plane(ds, [4, 2])
    np.testing.assert_allclose(drawn(p, "paths 0°")["xs"][0], found["scores"][0, :, 3])
    q = views.phase_plane(found, [4, 2])
    np.testing.assert_allclose(drawn(q, "paths 0°")["ys"][0], found["scores"][0, :, 1])
    assert p.xaxis[0].axis_label.startswith("PC 4")


def test_planes_that_turn_and_demixed_components(ds, caplog):
    turned = jpca(ds, 2)
    p = views.phase_plane(turned)
    np.testing.assert_allclose(drawn(p, "paths 180°")["ys"][0], turned["projections"][2, :, 1])
    assert p.xaxis[0].axis_label.startswith(f"jPC 1 (plane 1: {float(turned['frequency'][0]):.2g} Hz")
    parts = demixed(ds, n_components=1)
    p = views.phase_plane(parts, ["time 1", "condition 1"])
    np.testing.assert_allclose(drawn(p, "paths 90°")["xs"][0], parts["scores"].sel(component="time 1")[1])
    shows(p, caplog)


class Decision(nn.Module):
    "Two units that inhibit each other: two stable states and a saddle."

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, 2)

    def forward(self, observation, hidden):
        weight = torch.tensor([[1.2, -0.8], [-0.8, 1.2]], dtype=hidden.dtype)
        hidden = torch.tanh(hidden @ weight.T + observation)
        return hidden[:, :1], hidden


@pytest.fixture(scope="module")
def decision():
    "Paths of the network from 8 states, and its fixed points."
    h = torch.tensor(np.stack([np.cos(directions(8)), np.sin(directions(8))], -1) * 0.5)
    states = []
    for _ in range(15):
        h = Decision()(torch.zeros(2), h)[1]
        states.append(h.numpy())
    ds = population(np.stack(states, 1), target_direction=directions(8), go_time=np.full(8, 0.01))
    return ds, fixed_points(Decision(), [0.0, 0.0], noise=0.5, timestep=0.01)


def test_fixed_points_lie_among_the_paths(decision, caplog):
    ds, points = decision
    p, found = views.phase_plane(ds, fixed_points=points), pca(ds, 2)
    stable, saddle = drawn(p, "stable fixed point"), drawn(p, "saddle or unstable")
    where = (points["hidden"] - found["mean"]).dot(found["loadings"], "unit").values
    np.testing.assert_allclose(np.stack([stable["x"], stable["y"]], 1), where[:2], atol=1e-12)
    np.testing.assert_allclose([saddle["x"][0], saddle["y"][0]], where[2], atol=1e-12)
    assert list(stable["n_unstable"]) == [0, 0] and list(saddle["n_unstable"]) == [1]
    looks = [p.select_one({"name": n}).glyph.fill_color for n in ("stable fixed point", "saddle or unstable")]
    assert looks[1] == "white" != looks[0]
    end = np.array([drawn(p, "paths 0°")["xs"][0][-1], drawn(p, "paths 0°")["ys"][0][-1]])
    assert np.linalg.norm(where[:2] - end, axis=1).min() < 0.01  # where the path comes to rest
    shows(p, caplog)


def test_fixed_points_of_several_observations(decision):
    ds, points = decision
    pushed = fixed_points(Decision(), [1.5, -1.5], noise=0.5)
    p = views.phase_plane(ds, fixed_points=[points, pushed])
    stable = drawn(p, "stable fixed point")
    assert len(stable["x"]) == 3 and len(drawn(p, "saddle or unstable")["x"]) == 1
    found = pca(ds, 2)
    where = (pushed["hidden"] - found["mean"]).dot(found["loadings"], "unit").values[0]
    np.testing.assert_allclose([stable["x"][2], stable["y"][2]], where, atol=1e-12)


def test_eigen_directions_of_the_saddle(decision):
    ds, points = decision
    p, found = views.phase_plane(ds, fixed_points=points), pca(ds, 2)
    lines = drawn(p, "eigen-directions saddle or unstable")
    assert list(lines["dash"]) == ["solid", "dashed"]
    for line, along in zip(range(2), ([1, -1], [1, 1]), strict=True):
        expected = np.array(along) / np.sqrt(2) @ found["loadings"].values.T
        got = np.array([np.diff(lines["xs"][line])[0], np.diff(lines["ys"][line])[0]])
        assert abs(expected @ got / np.linalg.norm(got)) == pytest.approx(1, abs=1e-6)
    assert list(drawn(p, "eigen-directions stable fixed point")["dash"]) == ["dashed"] * 4


def test_the_pointer_shows_paths_and_points(decision):
    ds, points = decision
    p = views.phase_plane(ds, fixed_points=points)
    hovers = {tuple(name for name, _ in h.tooltips) for h in p.select({"type": HoverTool})}
    assert ("trial", "condition", "target", "time (s)", "PC 1", "PC 2") in hovers
    assert any("unstable modes" in names for names in hovers)
    columns = drawn(p, "samples 0°")
    assert {"trial", "condition", "direction", "time", "x", "y"} <= set(columns)


def test_fixed_points_of_a_simulated_network(ds, caplog):
    net = network(mn.Environment(arm(), mn.CenterOutReach(n_targets=4), duration=0.3), n_units=4)
    points = fixed_points(net, ds, trial=0, time=0.2, n_starts=16)
    shows(views.phase_plane(ds, fixed_points=points), caplog)
    shows(views.phase_plane(demixed(ds, n_components=1), fixed_points=points), caplog)


def test_many_trials_keep_the_page_small():
    values = np.random.default_rng(0).normal(size=(500, 5, 4))
    p = views.phase_plane(population(values, target_direction=np.linspace(0, 6, 500), condition=["reach"] * 500))
    assert (
        p.title.text == "Activity of all units in a plane (200 of 500 trials)"
        and len(drawn(p, "paths reach")["xs"]) == 200
    )


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds, points: views.phase_plane(3), "a Dataset"),
        (lambda ds, points: views.phase_plane(ds, [1, 2, 3]), "two whole numbers"),
        (lambda ds, points: views.phase_plane(pca(ds, 2), [1, 3]), "two among 1, 2"),
        (lambda ds, points: views.phase_plane(ds, variable="spikes"), "variable = 'spikes'"),
        (lambda ds, points: views.phase_plane(pca(ds, 2), window=(0, 0.1)), "window"),
        (lambda ds, points: views.phase_plane(ds, color_by="speed"), "color_by = 'speed'"),
        (lambda ds, points: views.phase_plane(ds, fixed_points=ds), "fixed_points"),
        (lambda ds, points: views.phase_plane(jpca(ds, 2), fixed_points=points), "mean changes over time"),
        (lambda ds, points: views.phase_plane(ds.isel(unit=[0, 0, 1]), fixed_points=points), "of 2 units"),
        (lambda ds, points: views.phase_plane(xr.concat([ds, ds], "replicate")), "replicate"),
        (lambda ds, points: views.phase_plane(pca(xr.concat([ds, ds], "replicate"), 2)), "replicates"),
    ],
)
def test_wrong_arguments_are_refused_in_words(decision, call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call(*decision)

"""The polar histogram of preferred directions: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import Div, Label, LayoutDOM, Title
from figures import drawn, plots, shows
from tuned import reaches

from motornet_nb import views
from motornet_nb.results.axes import axial_statistics
from motornet_nb.results.tuning import preferred_directions


def spread(n=40, seed=0):
    "Units along an axis of 120 degrees, of different depths."
    rng = np.random.default_rng(seed)
    return rng.vonmises(np.radians(120), 5, n) + np.pi * rng.integers(0, 2, n), rng.uniform(0.5, 1.5, n)


@pytest.fixture(scope="module")
def one():
    return reaches(*spread())


@pytest.fixture(scope="module")
def replicates():
    return xr.concat([reaches(*spread(seed=s)) for s in range(4)], "replicate")


def words(model):
    return " ".join(m.text for kind in (Title, Label, Div) for m in model.select({"type": kind}))


def test_bars_are_a_histogram_of_known_directions(one, caplog):
    view = views.preferred_directions(one, n_bins=24)
    bars, (preferred, _) = drawn(view, "bars hidden"), spread()
    expected, _ = np.histogram((preferred + np.pi / 24) % (2 * np.pi), np.linspace(0, 2 * np.pi, 25))
    np.testing.assert_array_equal(bars["count"], expected)
    np.testing.assert_allclose(bars["centre"], np.arange(24) * 15)
    np.testing.assert_allclose(np.degrees((bars["start"] + bars["end"]) / 2), bars["centre"])
    assert len(np.unique(np.round(bars["radius"][expected > 0] / expected[expected > 0], 9))) == 1
    rim = drawn(view, "rim hidden")
    np.testing.assert_allclose(np.sort(rim["degrees"]), np.sort(np.degrees(preferred) % 360))
    assert isinstance(view, LayoutDOM)
    shows(view, caplog)


def test_area_true_bars_have_areas_like_their_counts(one):
    bars = drawn(views.preferred_directions(one, proportional="area"), "bars hidden")
    share = bars["radius"][bars["count"] > 0] ** 2 / bars["count"][bars["count"] > 0]
    np.testing.assert_allclose(share, share[0])


def test_axis_and_interval_are_those_of_axial_statistics(replicates):
    view = views.preferred_directions(replicates)
    weighted = axial_statistics(preferred_directions(replicates)).sel(weighting="depth")
    axis = float(weighted.axis)
    line, band = drawn(view, "axis hidden"), drawn(view, "interval hidden")
    np.testing.assert_allclose(line["x"], [np.cos(axis), -np.cos(axis)], atol=1e-12)
    np.testing.assert_allclose(line["y"], [np.sin(axis), -np.sin(axis)], atol=1e-12)
    np.testing.assert_allclose(band["start"], [weighted.axis_low, weighted.axis_low + np.pi])
    np.testing.assert_allclose(band["end"], [weighted.axis_high, weighted.axis_high + np.pi])
    assert abs(np.degrees(axis) - 120) < 15  # as the units were made
    said = words(view)
    assert f"weighted by depth: {np.degrees(axis):.0f}° [" in said and f"R {float(weighted.resultant):.2f} [" in said
    assert "0 to 0.15 s after the go cue, cosine" in said


def test_counts_are_averaged_over_networks_and_each_is_shown(replicates):
    bars = drawn(views.preferred_directions(replicates, n_bins=8), "bars hidden")
    each = np.array(
        [
            drawn(views.preferred_directions(replicates.isel(replicate=i), n_bins=8), "bars hidden")["count"]
            for i in range(4)
        ]
    )
    np.testing.assert_allclose(bars["count"], each.mean(0))
    assert bars["each"] == [", ".join(f"{c:g}" for c in column) for column in each.T]
    listed = views.preferred_directions([replicates.isel(replicate=i) for i in range(4)], n_bins=8)
    np.testing.assert_allclose(drawn(listed, "bars hidden")["count"], bars["count"])


def test_outline_has_as_many_units_as_the_bars(one):
    view = views.preferred_directions(one, n_bins=24, proportional="area")
    line, bars = drawn(view, "outline hidden"), drawn(view, "bars hidden")
    scale = (bars["count"] / np.where(bars["radius"] > 0, bars["radius"], 1) ** 2).max()
    numbers = scale * np.hypot(line["x"], line["y"])[:-1] ** 2
    assert numbers.mean() * 24 == pytest.approx(40)
    np.testing.assert_allclose([line["x"][0], line["y"][0]], [line["x"][-1], line["y"][-1]])


def test_untuned_units_are_counted_in_a_corner_and_not_drawn():
    directions = np.radians([0.0, 90.0, 90.0, 200.0])
    view = views.preferred_directions(reaches(directions, [1.0, 1.0, 0.0, 0.01]), n_bins=4)
    assert drawn(view, "bars hidden")["count"].tolist() == [1, 1, 0, 0]
    assert drawn(view, "rim hidden")["name"] == ["0", "1"]
    assert "2 of 4\nunits untuned" in words(view)


def test_groups_have_a_row_each_and_variables_a_column_to_the_same_scale(one, caplog):
    narrow = reaches(np.radians([90.0] * 20))
    view = views.preferred_directions({"arm": one, "mass": narrow}, ["hidden", "activation"])
    assert [p.title.text for p in plots(view)] == [
        "arm: units",
        "mass: units",
        "arm: muscle activation",
        "mass: muscle activation",
    ]
    rows = [r for r in view.children if not isinstance(r, Div)]
    assert [[p.title.text.partition(":")[0] for p in r.children] for r in rows] == [["arm"] * 2, ["mass"] * 2]
    factors = []
    for group in ("arm", "mass"):
        bars = drawn(view, f"bars {group} hidden")
        factors.append((bars["radius"][bars["count"] > 0] / bars["count"][bars["count"] > 0])[0])
    assert factors[0] == pytest.approx(factors[1])
    np.testing.assert_allclose(drawn(view, "rim mass activation")["degrees"], [0, 180], atol=1e-6)
    assert drawn(view, "rim mass activation")["name"] == ["right", "left"]
    shows(view, caplog)


def test_uniform_directions_have_a_dotted_axis(one):
    even = reaches(np.arange(36) * np.pi / 18)
    axis = lambda ds: views.preferred_directions(ds).select_one({"name": "axis hidden"}).glyph.line_dash  # noqa: E731
    assert axis(even) != axis(one)
    assert "R 0.00" in words(views.preferred_directions(even))


def test_options_go_to_the_analysis(one):
    view = views.preferred_directions(one, window=(0.2, 0.3), method="peak_of_magnitude", n_bins=8)
    assert "0.2 to 0.3 s of the trial, peak of magnitude" in words(view)


def test_without_any_tuned_unit_there_is_an_empty_disc(caplog):
    view = views.preferred_directions(reaches([0.0, 1.0], 0.0))
    assert drawn(view, "bars hidden")["count"].sum() == 0 and "2 of 2\nunits untuned" in words(view)
    assert "axis none" in words(view)
    shows(view, caplog)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.preferred_directions(ds, "speed"), "variable = 'speed' .* among hidden, activation"),
        (lambda ds: views.preferred_directions(ds, []), "variable = \\[\\] .* at least one"),
        (lambda ds: views.preferred_directions(ds, n_bins=2), "n_bins = 2"),
        (lambda ds: views.preferred_directions(ds, proportional="height"), "proportional = 'height' .* 'radius' or 'area'"),
        (lambda ds: views.preferred_directions(ds, method="mean"), "method = 'mean'"),
        (lambda ds: views.preferred_directions(ds, network=1), "network = 1 .* 0 to 0"),
        (lambda ds: views.preferred_directions({}), "at least one by name"),
        (lambda ds: views.preferred_directions([]), "at least one"),
        (lambda ds: views.preferred_directions(3), "ds = 3 .* a Dataset"),
        (lambda ds: views.preferred_directions(ds.drop_vars("target_direction")), "0 directions of reach"),
        (lambda ds: views.preferred_directions(ds.isel(space=[0])), "hand that moves along a line"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(one, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(one)

"""Ridges, tuning curves and muscle maps: what is drawn is read back from the data sources."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, HoverTool, Span
from figures import drawn, plots, shows
from tuned import GO, reaches

from motornet_nb import views
from motornet_nb.views.tuning_maps import normalised

PREFERRED = np.radians([200.0, 10.0, 355.0, 120.0, 60.0])


@pytest.fixture(scope="module")
def known():
    return reaches(PREFERRED, [1.0, 2.0, 3.0, 0.0, 1.5], n_directions=24)


def test_ridge_sorts_units_by_preferred_direction_and_puts_untuned_ones_on_top(known, caplog):
    p = views.ridge_map(known)
    ridge, cells = drawn(p, "ridge"), drawn(p, "cells")
    assert ridge["unit"] == ["2", "1", "4", "0"]  # 355° is nearest to the first direction, at the left
    np.testing.assert_allclose(ridge["x"], [-5, 10, 60, 200], atol=1e-6)
    np.testing.assert_allclose(ridge["y"], [0.5, 1.5, 2.5, 3.5])
    rows = [cells["unit"][i] for i in range(0, len(cells["unit"]), 24)]
    assert rows == ["2", "1", "4", "0", "3"] and "(1 untuned on top)" in p.title.text
    np.testing.assert_allclose(cells["bottom"][::24], [0, 1, 2, 3, 4.5])
    shows(p, caplog)


def test_cells_are_tuning_curves_at_their_directions(known):
    cells = drawn(views.ridge_map(known), "cells")
    at = [i for i, u in enumerate(cells["unit"]) if u == "1"]
    theta = np.radians(cells["direction"][at])
    np.testing.assert_allclose(np.degrees(theta), np.arange(24) * 15, atol=1e-6)
    np.testing.assert_allclose(cells["activity"][at], 2 + 2 * np.cos(theta - PREFERRED[1]))
    curve = np.cos(theta - PREFERRED[1])
    np.testing.assert_allclose(cells["value"][at], (curve - curve.min()) / (curve.max() - curve.min()))
    np.testing.assert_allclose(cells["right"][at] - cells["left"][at], 15, atol=1e-6)
    np.testing.assert_allclose((cells["right"][at] + cells["left"][at]) / 2, cells["direction"][at], atol=1e-6)


def test_uneven_directions_share_the_circle_and_repeated_ones_are_averaged():
    twice = reaches(PREFERRED[:2], n_directions=8, repeats=2)
    uneven = twice.isel(trial=[0, 1, 2, 5, 8, 9, 10, 13])
    cells = drawn(views.ridge_map(uneven), "cells")
    np.testing.assert_allclose(cells["direction"][:4], [0, 45, 90, 225], atol=1e-6)
    np.testing.assert_allclose(cells["left"][:4], [-67.5, 22.5, 67.5, 157.5], atol=1e-6)
    np.testing.assert_allclose(cells["right"][:4], [22.5, 67.5, 157.5, 292.5], atol=1e-6)


def test_curves_are_made_comparable_in_three_ways():
    curves = np.array([[-4.0, 0.0, 2.0], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(normalised(curves, "range")[0], [0, 4 / 6, 1])
    assert np.isnan(normalised(curves, "range")[1:]).all()
    np.testing.assert_allclose(normalised(curves, "signed")[:2], [[-1, 0, 0.5], [1, 1, 1]])
    np.testing.assert_allclose(normalised(curves, "magnitude")[:2], [[1, 0, 0.5], [1, 1, 1]])
    assert np.isnan(normalised(curves, "signed")[2]).all()


def test_signed_ridge_has_a_scale_with_zero_in_its_middle(known):
    (bar,) = views.ridge_map(known, normalise="signed").select({"type": ColorBar})
    assert (bar.color_mapper.low, bar.color_mapper.high) == (-1, 1)


def test_tuning_curves_are_those_of_greatest_depth_with_their_cosine(known, caplog):
    view = views.tuning_curves(known)
    assert [p.title.text.partition(",")[0] for p in plots(view)] == ["unit 2", "unit 1", "unit 4", "unit 0", "unit 3"]
    curve, cosine = drawn(view, "curve 2"), drawn(view, "cosine 2")
    theta = np.radians(curve["direction"])
    np.testing.assert_allclose(curve["activity"], 2 + 3 * np.cos(theta - PREFERRED[2]))
    np.testing.assert_allclose(cosine["y"], 2 + 3 * np.cos(np.radians(cosine["x"]) - PREFERRED[2]))
    assert "r² 1.00" in plots(view)[0].title.text and "does not vary" in plots(view)[-1].title.text
    assert list(view.select({"name": "cosine 3"})) == []
    shows(view, caplog)


def test_tuning_curves_of_chosen_units_may_share_their_axis(known):
    view = views.tuning_curves(known, units=[4, "1"], share_y=True)
    first, second = plots(view)
    assert first.title.text.startswith("unit 4") and second.title.text.startswith("unit 1")
    assert first.y_range is second.y_range and first.y_range.end > 4
    muscles = views.tuning_curves(known, variable="activation")
    assert {p.title.text.partition(",")[0] for p in plots(muscles)} == {"right", "left"}


def test_muscle_map_shows_means_over_trials_of_a_direction(caplog):
    ds = reaches(PREFERRED, n_directions=8, repeats=2)
    ds["activation"] = ds.activation * (1 + xr.DataArray(np.arange(16) // 8, dims="trial"))  # repeats differ
    view = views.muscle_map(ds)
    for muscle in ("right", "left"):
        expected = ds.activation.sel(muscle=muscle).groupby("target_direction").mean()
        columns = drawn(view, f"map {muscle}")
        np.testing.assert_allclose(columns["image"][0], expected.transpose("target_direction", "time"), rtol=1e-6)
        np.testing.assert_allclose(columns["direction"][0][:, 0], np.arange(8) * 45, atol=1e-4)
        np.testing.assert_allclose(columns["time"][0][0], ds.time, rtol=1e-6)
    (bar,) = view.select({"type": ColorBar})
    mappers = {r.glyph.color_mapper.id for r in (view.select_one({"name": f"map {m}"}) for m in ("right", "left"))}
    assert mappers == {bar.color_mapper.id} and bar.color_mapper.high == pytest.approx(
        float(ds.activation[:8].max()) * 1.5
    )
    assert bar.title == "muscle activation" and [s.location for s in view.select({"type": Span})] == [GO, GO]
    shows(view, caplog)


def test_catch_trials_are_left_out_of_muscle_maps(known):
    go = known.go_time.copy()
    go[3] = np.nan
    columns = drawn(views.muscle_map(known.assign_coords(go_time=go)), "map right")
    assert columns["image"][0].shape == (23, known.sizes["time"])
    assert 45 not in np.round(columns["direction"][0][:, 0])


def test_one_of_several_networks_is_shown_and_named(known):
    other = reaches(PREFERRED[::-1], 1.0, n_directions=24)
    both = xr.concat([known, other], "replicate").assign_coords(replicate=[4, 7])
    p = views.ridge_map(both, network=1)
    assert p.title.text.endswith("network 7") and drawn(p, "ridge")["unit"] == ["2", "3", "0", "1", "4"]
    (bar,) = views.muscle_map(both, network=1).select({"type": ColorBar})
    assert bar.title == "muscle activation, network 7"


def test_the_pointer_shows_columns_that_are_there(known):
    for view, name in ((views.ridge_map(known), "cells"), (views.muscle_map(known), "map right")):
        hover = next(h for h in view.select({"type": HoverTool}) if h.renderers[0].name == name)
        columns = drawn(view, name)
        assert all(v.strip("@").partition("{")[0] in columns for _, v in hover.tooltips if v.startswith("@"))


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.ridge_map(ds, normalise="max"), "normalise = 'max' .* range, signed, magnitude"),
        (lambda ds: views.ridge_map(ds, network=1), "network = 1 .* 0 to 0"),
        (lambda ds: views.ridge_map(ds, "speed"), "variable = 'speed'"),
        (lambda ds: views.tuning_curves(ds, units=[77]), "units = 77 .* labels of the dimension unit"),
        (lambda ds: views.tuning_curves(ds, units=[]), "units = \\[\\]"),
        (lambda ds: views.muscle_map(ds, "hidden"), "variable = 'hidden' .* among activation"),
        (lambda ds: views.muscle_map(ds.drop_vars("target_direction")), "without directions of reach"),
        (lambda ds: views.ridge_map(ds.drop_vars("target_direction")), "directions of reach"),
        (lambda ds: views.muscle_map(3), "ds = 3 .* a Dataset"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(known, call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call(known)

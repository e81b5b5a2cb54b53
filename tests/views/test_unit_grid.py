"""A panel a unit: what is drawn is read back from the data source."""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, HoverTool, Span
from figures import drawn, plots, shows
from populations import directions, population

from motornet_nb import views
from motornet_nb.views.unit_grid import _letters


def known(n=8, go=0.05, **of_trials) -> xr.Dataset:
    "Unit k is (k + 1) cos(direction) over time."
    tuned = np.cos(directions(n))[:, None] * np.linspace(0, 1, 20)
    values = tuned[..., None] * np.arange(1, 6)
    return population(values, **{"target_direction": directions(n), "go_time": np.full(n, go)} | of_trials)


def titles(grid) -> list[str]:
    return [p.title.text for p in plots(grid)]


def heading(grid) -> str:
    return grid.select_one({"name": "heading"}).text


def test_a_panel_shows_direction_by_time(caplog):
    ds = known()
    grid = views.hidden_grid(ds, columns=3)
    assert titles(grid) == ["A1 · 4", "A2 · 3", "A3 · 2", "B1 · 1", "B2 · 0"] and "all 5 units" in heading(grid)
    for place, unit in (("A1", 4), ("B2", 0)):
        columns = drawn(grid, place)
        np.testing.assert_allclose(columns[place][0], ds["hidden"].isel(unit=unit), rtol=1e-6)
        np.testing.assert_allclose(columns["direction"][0][:, 0], np.arange(8) * 45)
        np.testing.assert_allclose(columns["time"][0][0], ds["time"], rtol=1e-6)
    shows(grid, caplog)


def test_pixels_lie_where_the_axes_say():
    grid = views.hidden_grid(known(), columns=3)
    first = plots(grid)[0]
    glyph = grid.select_one({"name": "A1"}).glyph
    assert (glyph.x, glyph.y, glyph.dh) == (pytest.approx(0.005), 0, 8) and glyph.dw == pytest.approx(0.2)
    assert first.yaxis[0].major_label_overrides == {0.5: "0°", 2.5: "90°", 4.5: "180°", 6.5: "270°"}
    (cue,) = first.select({"type": Span})
    assert cue.location == 0.05 and cue.line_dash == [6]
    assert all(p.x_range is first.x_range and p.y_range is first.y_range for p in plots(grid))


def test_the_pointer_tells_unit_direction_time_and_value():
    grid = views.hidden_grid(known())
    hover = next(iter(plots(grid)[1].select({"type": HoverTool})))
    assert [name for name, _ in hover.tooltips] == ["unit", "direction", "time (s)", "hidden activity"]
    assert hover.tooltips[0][1] == "3 (A2)" and hover.tooltips[3][1] == "@A2{0.000}"
    assert {"A2", "direction", "time"} <= set(drawn(grid, "A2"))


def test_trials_of_a_direction_are_averaged():
    ds = known()
    twice = xr.concat([ds, ds.assign(hidden=3 * ds["hidden"])], "trial")
    columns = drawn(views.hidden_grid(twice), "A1")
    np.testing.assert_allclose(columns["A1"][0], 2 * ds["hidden"].isel(unit=4), rtol=1e-6)


def test_many_directions_become_sectors():
    ds = known(144)
    columns = drawn(views.hidden_grid(ds), "A1")
    np.testing.assert_allclose(columns["direction"][0][:, 0], np.arange(24) * 15)
    around = np.cos(
        np.radians(np.arange(-5, 5.1, 2.5))
    )  # directions rounded to 0 degrees, two of them to the even sector
    assert columns["A1"][0][0, -1] == pytest.approx(5 * around.mean(), rel=5e-3)


def test_trials_are_aligned_where_go_cues_differ():
    go = np.where(np.arange(8) % 2, 0.05, 0.1)
    go[7] = np.nan
    ds = known(go_time=go)
    grid = views.hidden_grid(ds)
    columns = drawn(grid, "A1")
    np.testing.assert_allclose(columns["time"][0][0], np.arange(-4, 11) * 0.01, atol=1e-7)
    assert len(columns["direction"][0]) == 7
    np.testing.assert_allclose(columns["A1"][0][1], ds["hidden"][1, 0:15, 4], rtol=1e-6)
    np.testing.assert_allclose(columns["A1"][0][0], ds["hidden"][0, 5:20, 4], rtol=1e-6)
    assert any(p.xaxis[0].axis_label == "time from go cue (s)" for p in plots(grid))


def test_which_units_are_shown():
    ds = known()
    assert titles(views.hidden_grid(ds, units=2)) == ["A1 · 4", "A2 · 3"]
    assert "the 2 most modulated of 5 units" in heading(views.hidden_grid(ds, units=2))
    assert titles(views.hidden_grid(ds, units=[1, 4])) == ["A1 · 1", "A2 · 4"]
    many = ds.isel(unit=np.arange(37) % 5).assign_coords(unit=np.arange(37))
    grid = views.hidden_grid(many)
    assert len(titles(grid)) == 36 and "the 36 most modulated of 37 units" in heading(grid)
    assert len(titles(views.hidden_grid(ds, "all", columns=2))) == 5


def test_rows_have_letters():
    assert [_letters(i) for i in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_common_and_own_scales():
    ds = known()
    common = views.hidden_grid(ds)
    mappers = {common.select_one({"name": f"A{k}"}).glyph.color_mapper for k in range(1, 6)}
    assert len(mappers) == 1 and (next(iter(mappers)).low, next(iter(mappers)).high) == (-5, 5)
    assert len(list(common.select({"type": ColorBar}))) == 1
    own = views.hidden_grid(ds, scale="own")
    assert [own.select_one({"name": f"A{k}"}).glyph.color_mapper.high for k in (1, 5)] == [5, 1]
    assert list(own.select({"type": ColorBar})) == [] and "lowest (blue)" in heading(own)
    positive = views.hidden_grid(ds.assign(hidden=ds["hidden"] + 7)).select_one({"name": "A1"}).glyph.color_mapper
    assert (positive.low, positive.high) == (0, 12)


def test_muscles_of_a_simulated_network(ds, caplog):
    grid = views.hidden_grid(ds, variable="activation")
    assert len(titles(grid)) == 6 and "all 6 muscles" in heading(grid)
    place, _, muscle = titles(grid)[2].partition(" · ")
    np.testing.assert_allclose(drawn(grid, place)[place][0], ds["activation"].sel(muscle=muscle), rtol=1e-6)
    shows(grid, caplog)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda ds: views.hidden_grid(ds, 6), "units = 6"),
        (lambda ds: views.hidden_grid(ds, "some"), "units = 'some'"),
        (lambda ds: views.hidden_grid(ds, [9]), "units = '9'"),
        (lambda ds: views.hidden_grid(ds, []), "at least one"),
        (lambda ds: views.hidden_grid(ds, scale="log"), "'common' or 'own'"),
        (lambda ds: views.hidden_grid(ds, columns=0), "columns = 0"),
        (lambda ds: views.hidden_grid(ds, variable="spikes"), "variable = 'spikes'"),
        (lambda ds: views.hidden_grid(ds.drop_vars("target_direction")), "without directions"),
        (lambda ds: views.hidden_grid(ds.expand_dims(replicate=2)), r"isel\(replicate=0\)"),
    ],
)
def test_wrong_arguments_are_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call(known())

"""The explorer without a browser: controls are set, data sources are read."""

import time

import numpy as np
import pytest
import torch
import xarray as xr
from hands import tap
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb.panels.explorer import Explorer
from motornet_nb.results.reader import TrialReader, stratified_sample


def reaches(loads=(), seed=0, n=None):
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(n_targets=4, loads=list(loads)), duration=0.2)
    torch.manual_seed(0)
    return mn.simulate(network(env, n_units=10), env, n=n, seed=seed)


@pytest.fixture(scope="module")
def ds():
    return reaches()


@pytest.fixture(scope="module")
def other():
    return reaches([mn.CurlField(8.0)])


@pytest.fixture(scope="module")
def made(ds):
    return Explorer(ds)


@pytest.fixture
def explorer(made):
    "As it was made: one takes a second."
    made.show(0)
    made._slider.value = 0
    made._chooser.conditions.value = ("0°",)
    return made


@pytest.fixture(scope="module")
def pair(ds, other):
    return Explorer(ds, other, names=("naive", "adapted"))


def from_browser(explorer, trial, **keys):
    "A click on a hand path."
    x, y = explorer._paths._paths[trial, 12]
    tap(explorer, explorer._paths.figure, float(x), float(y), **keys)


def test_begins_with_the_first_trial(explorer, ds):
    assert explorer.trials == [0] and explorer.time == pytest.approx(float(ds["time"][0]))
    seen = [v for v, widget in explorer._figures._course_widgets.items() if widget in explorer._courses_box.children]
    assert seen == ["speed", "joint_position", "activation", "muscle_force", "hidden"]  # and no load
    speed = explorer._figures.courses["speed"].lines.data
    np.testing.assert_allclose(speed["ys"][0], mn.analysis.endpoint_speed(ds)[0], rtol=1e-6)
    assert len(explorer._figures.courses["activation"].lines.data["ys"]) == 6


def test_axes_have_units(explorer):
    labels = {v: p.figure.yaxis[0].axis_label for v, p in explorer._figures.courses.items()}
    assert (
        labels["speed"] == "speed (m/s)"
        and labels["joint_position"] == "position (rad)"
        and labels["muscle_force"] == "muscle force (N)"
    )
    assert all(p.figure.xaxis[0].axis_label == "time (s)" for p in explorer._figures.courses.values())


@pytest.mark.parametrize("how", ["click", "list", "attribute", "show"])
def test_trials_are_picked(explorer, ds, how):
    {
        "click": lambda: from_browser(explorer, 2),
        "list": lambda: setattr(explorer._chooser.trials, "value", (2,)),
        "attribute": lambda: setattr(explorer, "trials", [2]),
        "show": lambda: explorer.show(2),
    }[how]()
    assert explorer.trials == [2] and explorer._chooser.trials.value == (2,)
    assert explorer._chooser.conditions.value == ("180°",)
    np.testing.assert_allclose(explorer._paths.lines.data["xs"][0], ds["endpoint_position"][2, :, 0], rtol=1e-6)
    np.testing.assert_allclose(
        explorer._figures.courses["muscle_force"].lines.data["ys"][1], ds["muscle_force"][2, :, 1], rtol=1e-6
    )


def test_conditions_pick_their_trials(explorer):
    assert explorer._chooser.conditions.options == ("one of each direction", "0°", "90°", "180°", "270°")
    explorer._chooser.conditions.value = ("0°", "270°")
    assert explorer.trials == [0, 3] and explorer._chooser.conditions.value == ("0°", "270°")
    explorer._chooser.conditions.value = ("one of each direction",)
    assert explorer.trials == [0, 1, 2, 3]
    explorer.show([1, 2])
    assert explorer._chooser.conditions.value == ()


def test_a_click_with_shift_is_one_more_or_one_less(explorer):
    explorer.show(3)
    from_browser(explorer, 1, shift=True)
    assert explorer.trials == [3, 1]
    from_browser(explorer, 3, shift=True)
    assert explorer.trials == [1]
    from_browser(explorer, 1, shift=True)  # one is always shown
    assert explorer.trials == [1]


def test_a_click_on_nothing_changes_nothing(explorer):
    explorer.show(3)
    tap(explorer, explorer._paths.figure, explorer._paths.figure.x_range.end, explorer._paths.figure.y_range.end)
    explorer._chooser.trials.value = ()
    explorer._chooser.conditions.value = ()
    assert explorer.trials == [3]


def test_several_trials_have_a_mean(explorer, ds):
    explorer.show([1, 3])
    lines = explorer._figures.courses["activation"].lines.data
    mean = [y for y, t in zip(lines["ys"], lines["trial"], strict=True) if t == "mean"]
    np.testing.assert_allclose(mean, ds["activation"][[1, 3]].mean("trial").T, rtol=1e-5)
    assert len(lines["ys"]) == 18 and "mean of 2" in explorer._figures.rasters[0].figure.title.text


def test_time_moves_everything(explorer, ds):
    explorer.show([1, 3])
    for move in (lambda: setattr(explorer, "time", 0.1), lambda: setattr(explorer._slider, "value", 9)):
        explorer.time = 0.02
        move()
        assert explorer.time == pytest.approx(0.1) and "0.100 s" in explorer._slider.label
        cursors = [
            p.cursor.location for p in (*explorer._figures.courses.values(), *explorer._figures.rasters.values())
        ]
        np.testing.assert_allclose(cursors, 0.1)
        hand = ds["endpoint_position"].sel(trial=[1, 3], time=0.1, method="nearest").values
        np.testing.assert_allclose(np.column_stack([explorer._paths.hands.data[c] for c in "xy"]), hand, rtol=1e-6)
        bones = [
            (x[-1], y[-1])
            for x, y in zip(explorer._body.bones.data["xs"], explorer._body.bones.data["ys"], strict=True)
        ]
        np.testing.assert_allclose(bones, hand, rtol=1e-4)
        assert len(explorer._body.muscles.data["xs"]) == 6


def test_rows_of_the_raster_are_in_the_order_of_preferred_directions(explorer, ds):
    from motornet_nb.results.tuning import preferred_directions

    explorer.show(2)
    angle = preferred_directions(ds, window="movement")["preferred_direction"].values % (2 * np.pi)
    assert (np.diff(angle[explorer._figures.rasters[0].order]) >= 0).all()
    (image,) = explorer._figures.rasters[0].image.data["image"]
    np.testing.assert_allclose(image, ds["hidden"][2].values.T[np.argsort(angle)], rtol=1e-6)


def test_two_datasets_are_in_the_same_figures(pair, other):
    explorer = pair
    explorer.show([1, 2])
    dashes = explorer._figures.courses["speed"].lines.data["dash"]
    assert dashes[:2] == ["solid"] * 2 and dashes[2:] == [[5, 3]] * 2
    assert len(explorer._paths.lines.data["xs"]) == 4 and len(explorer._body.bones.data["xs"]) == 4
    np.testing.assert_allclose(
        explorer._figures.courses["speed"].lines.data["ys"][3], mn.analysis.endpoint_speed(other)[2], rtol=1e-6
    )
    assert (
        "naive" in explorer._legend.value
        and "adapted" in explorer._legend.value
        and "stroke-dasharray='5 3'" in explorer._legend.value
    )
    assert (explorer._figures.rasters[0].order == explorer._figures.rasters[1].order).all()
    assert "endpoint_load" in explorer._figures.courses
    assert explorer._figures._course_widgets["endpoint_load"] in explorer._courses_box.children
    explorer.time = 0.15
    assert explorer._figures.rasters[1].cursor.location == pytest.approx(0.15)


def test_loads_are_shown_where_there_are_some(other):
    quiet = other.copy()
    quiet["endpoint_load"] = other["endpoint_load"].where(other["trial"] != 1, 0.0)
    explorer = Explorer(quiet)
    load = explorer._figures._course_widgets["endpoint_load"]
    for trial, seen in ((0, True), (1, False), (2, True)):
        explorer.show(trial)
        assert (load in explorer._courses_box.children) == seen


def test_the_other_is_matched_by_direction(ds, other):
    explorer = Explorer(ds, other.isel(trial=[3, 2, 1]).assign_coords(trial=[0, 1, 2]))
    explorer.show([1, 2, 0])  # 90°, 180° and 0°, which the other has not
    ys = explorer._figures.courses["speed"].lines.data["ys"]
    assert len(ys) == 5
    np.testing.assert_allclose(ys[3:], mn.analysis.endpoint_speed(other)[[1, 2]], rtol=1e-6)


def test_code_makes_the_same_selection(pair, ds, other):
    explorer = pair
    explorer.show([3, 1])
    explorer.time = 0.12
    made = {"ds": ds, "other": other}
    exec(explorer.code(), made)
    assert made["explorer"].trials == [3, 1] and made["explorer"].time == explorer.time
    assert made["picked"]["trial"].values.tolist() == [3, 1] and float(made["now"]["time"]) == explorer.time
    explorer._code.button.click()
    assert explorer._code.area.value == explorer.code()
    explorer._slider.value = 3
    assert f"time = {explorer.time!r}" in explorer._code.area.value


def test_labels_that_repeat_are_positions(ds, other):
    both = xr.concat([ds, other.drop_vars(set(other) - set(ds))], "trial")
    explorer = Explorer(both)
    explorer.show(6)
    made = {"ds": both}
    exec(explorer.code(), made)
    xr.testing.assert_identical(made["picked"], both.isel(trial=[6]))


@pytest.mark.parametrize("trials", [17, "a", [], [0, 99], True, None])
def test_trials_that_are_none_are_refused(explorer, trials):
    with pytest.raises(ValueError, match="trial"):
        explorer.show(trials)
    assert explorer.trials == [0]


@pytest.mark.parametrize("seconds", [-0.1, 0.3, float("nan"), "0.1", None, True])
def test_times_outside_are_refused(explorer, seconds):
    with pytest.raises(ValueError, match="time"):
        explorer.time = seconds


def test_wrong_datasets_are_refused(ds):
    with pytest.raises(TypeError, match="simulate"):
        Explorer(3)
    with pytest.raises(ValueError, match="at least one trial"):
        Explorer(ds.isel(trial=[]))
    with pytest.raises(ValueError, match="names"):
        Explorer(ds, ds, names="ab")


LESS = {
    "a body that cannot be rebuilt": lambda ds: ds.assign_attrs(config="{}"),
    "the hand": lambda ds: ds[["endpoint_position"]].reset_coords(drop=True),
    "one trial without the dimension": lambda ds: ds.isel(trial=1),
    "one time": lambda ds: ds.isel(time=[4]),
    "no labels": lambda ds: ds.drop_vars("trial"),
    "two directions": lambda ds: ds.isel(trial=[0, 1]),
    "go cues that differ": lambda ds: ds.assign_coords(go_time=("trial", [0.1, np.nan, 0.05, 0.5])),
    "labels that are words": lambda ds: ds.assign_coords(trial=list("abcd")),
}


@pytest.mark.parametrize("what", LESS)
def test_less_than_everything_is_shown_as_far_as_it_is_there(ds, what):
    less = LESS[what](ds)
    explorer = Explorer(ds, less) if what in ("the hand", "one time") else Explorer(less, ds)
    for index in range(len(explorer._slider.options)):
        explorer._slider.value = index
    for _, position in explorer._chooser.trials.options:
        explorer._chooser.trials.value = (position,)
    for name in explorer._chooser.conditions.options:
        explorer._chooser.conditions.value = (name,)
    made = {"ds": less if what not in ("the hand", "one time") else ds}
    exec(explorer.code().split("explorer =")[0], made)
    assert made["picked"].sizes.get("trial", 1) == len(explorer.trials) and explorer._message.widget.value == ""
    assert (explorer._body is None) == (what == "a body that cannot be rebuilt")


def test_every_rate_can_be_chosen(explorer):
    for _, rate in explorer._rate.options:
        explorer._rate.value = rate
        shown_in = explorer._play.interval / 1000
        assert explorer._play.step * 0.01 == pytest.approx(rate * shown_in, rel=0.05) and explorer._play.interval >= 20


def test_point_masses_and_tasks_with_random_targets():
    env = point_mass_world()
    explorer = Explorer(mn.simulate(network(env), env, n=30, split="train"))
    assert "joint_position" not in explorer._figures.courses
    assert explorer._chooser.conditions.options
    explorer._chooser.conditions.value = explorer._chooser.conditions.options[:1]
    assert len(explorer.trials) == 16 and "first 16 of 30" in explorer._message.widget.value
    explorer.time = 0.05


# ---- files that are larger than memory ---------------------------------------------------------------------------


def counted(ds, name="hidden"):
    "The Dataset with a lazy variable, and the set of trials of which it was computed."
    dask = pytest.importorskip("dask.array")
    computed, values = set(), ds[name].values

    def block(start, block_info=None):
        ((first, _), *_) = block_info[None]["array-location"]
        computed.add(first)
        return values[first : first + 1]

    array = dask.map_blocks(
        block,
        dask.zeros(len(values), chunks=1),
        chunks=((1,) * len(values), *((n,) for n in values.shape[1:])),
        new_axis=[1, 2],
        dtype=values.dtype,
        meta=np.empty((0, 0, 0), values.dtype),
    )
    lazy = ds.chunk(trial=1)
    lazy[name] = (ds[name].dims, array, ds[name].attrs)
    return lazy, computed


def test_only_trials_that_are_picked_are_read(ds):
    many = xr.concat([ds] * 100, "trial").assign_coords(trial=np.arange(400))
    lazy, forces = counted(many, "muscle_force")
    explorer = Explorer(lazy)
    explorer.show([7, 300])
    for index in range(20):
        explorer._slider.value = index
    assert forces == {0, 7, 300}
    lazy, hidden = counted(many)
    explorer = Explorer(lazy)
    tuned = set(hidden)
    assert len(tuned - {0}) <= 200 and "tuning from 200 trials" in explorer._figures.notes[0].value
    never = sorted(set(range(400)) - tuned)[0]
    explorer.show(never)
    assert hidden - tuned == {never}


def test_a_file_is_explored_in_chunks(ds, tmp_path):
    pytest.importorskip("dask")
    ds.to_netcdf(tmp_path / "results.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "results.nc", engine="h5netcdf", chunks={"trial": 1}) as opened:
        explorer, whole = Explorer(opened), Explorer(ds)
        for e in (explorer, whole):
            e.show([1, 3])
            e.time = 0.1
        for v, picture in explorer._figures.courses.items():
            np.testing.assert_array_equal(picture.lines.data["ys"], whole._figures.courses[v].lines.data["ys"])
        assert not any(isinstance(v.data, np.ndarray) for v in opened.data_vars.values())


def test_every_kind_of_trial_is_represented():
    kinds = [str(i % 8) for i in range(10_000)] + ["rare"] * 5
    kept = stratified_sample(kinds, 500)
    assert len(kept) == 500 and (np.diff(kept) > 0).all()
    names, n = np.unique(np.array(kinds)[kept], return_counts=True)
    assert dict(zip(names, n, strict=True))["rare"] == 5 and n[:8].min() >= 61


def test_many_trials_are_read_in_part(ds):
    many = xr.concat([ds] * 300, "trial").assign_coords(trial=np.arange(1200))
    reader = TrialReader(many)
    assert (
        len(reader.shown) == 500
        and reader.n == 1200
        and {len(v) for k, v in reader.groups().items() if "°" in k} == {125}
    )
    explorer = Explorer(many)
    explorer.show(1199)
    assert explorer.trials == [1199] and "500 of 1200" in explorer._paths.figure.title.text


# ---- any trial, however many ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(ds):
    return xr.concat([ds] * 1000, "trial").assign_coords(trial=np.arange(4000))


@pytest.fixture(scope="module")
def crowd(many):
    return Explorer(many)


def test_any_of_many_trials_is_found(crowd, many):
    chooser = crowd._chooser
    crowd.show(0)
    assert len(chooser.trials.options) == 500 and "500 of 4000" in chooser._count.value
    chooser.search.value = "3999"
    assert crowd.trials == [3999] and chooser.trials.options == (("3999: 270°, reach", 3999),)
    assert "shown: 3999: 270°, reach" in crowd._note.value and "1 found, of 4000" in chooser._count.value
    np.testing.assert_allclose(
        crowd._figures.courses["muscle_force"].lines.data["ys"][0], many["muscle_force"][3999, :, 0]
    )
    chooser.search.value = "12-20"
    assert crowd.trials == list(range(12, 21)) and chooser.trials.value == tuple(range(12, 21))
    chooser.search.value = "90°"
    assert crowd.trials == list(range(1, 64, 4)) and "first 500 of 1000 found" in chooser._count.value
    assert "first 16 of 1000" in crowd._message.widget.value
    chooser.search.value = "nowhere"
    assert "nowhere" in chooser.message.widget.value and crowd.trials == list(range(1, 64, 4))
    chooser.search.value = ""
    assert chooser.message.widget.value == "" and "500 of 4000" in chooser._count.value


def test_one_trial_after_the_other(crowd):
    chooser = crowd._chooser
    chooser.search.value = ""
    crowd.show(3997)
    chooser.next.click()
    chooser.next.click()
    assert crowd.trials == [3999] and chooser.next.disabled
    crowd.show([5, 7])
    chooser.previous.click()
    assert crowd.trials == [4] and not chooser.next.disabled
    chooser.search.value = "90°"  # of those that were found
    chooser.trials.value = (5,)
    chooser.next.click()
    assert crowd.trials == [9]
    chooser.previous.click()
    chooser.previous.click()
    assert crowd.trials == [1] and chooser.previous.disabled


def test_trials_that_are_not_finite_are_left_out_and_said(ds, other):
    from motornet_nb.results.tuning import preferred_directions

    twice = xr.concat([ds, ds], "trial").assign_coords(trial=np.arange(8))
    broken = twice.copy(deep=True)
    for name in ("hidden", "endpoint_position", "joint_position", "activation", "muscle_force"):
        broken[name][5, 7:] = np.nan
    explorer = Explorer(broken, other)
    assert "tuning of ds is without trial 5, which is not finite (NaN)" in explorer._note.value
    whole = preferred_directions(twice.drop_sel(trial=5), window="movement")
    angle = whole["preferred_direction"].values % (2 * np.pi)
    assert (explorer._figures.rasters[0].order == np.argsort(angle, kind="stable")).all()
    most = np.argsort(-whole["modulation_depth"].values, kind="stable")[:6]
    assert explorer._figures.units == most.tolist()
    explorer.show([1, 5])
    assert "trial 5 of ds is not finite (NaN) from 0.080 to 0.200 s; means are without it" in explorer._note.value
    lines = explorer._figures.courses["activation"].lines.data
    mean = [y for y, t in zip(lines["ys"], lines["trial"], strict=True) if t == "mean without 5"]
    np.testing.assert_allclose(mean, ds["activation"][1].T, rtol=1e-5)
    assert explorer._figures.rasters[0].figure.title.text == "All units, ds, mean of 2 without 5"
    explorer.show(5)  # as far as it goes
    for seconds in (0.05, 0.15):
        explorer.time = seconds
        assert np.isfinite(explorer._body.bones.data["xs"][0][1:]).all() == (seconds == 0.05)
    explorer._chooser.conditions.value = ("90°",)
    assert explorer.trials == [1, 5]


# ---- differences -------------------------------------------------------------------------------------------------


def test_the_difference_of_two_datasets(pair, ds, other):
    pair.show([1, 3])
    pair._less.value = True
    assert pair.difference
    for name in ("activation", "endpoint_load"):
        lines = pair._figures.courses[name].lines.data
        less = (other[name] - ds[name])[[1, 3]].values
        np.testing.assert_allclose(lines["ys"][0], less[0, :, 0], atol=1e-5)
        np.testing.assert_allclose(lines["ys"][1], less[1, :, 0], atol=1e-5)
    assert pair._figures.courses["activation"].figure.title.text == "Δ Muscle activation"
    assert len(pair._paths.lines.data["xs"]) == 4  # hand paths of both
    force = (other["muscle_force"] - ds["muscle_force"])[[1, 3]]
    t, k, m = np.unravel_index(np.abs(force.values).argmax(), force.shape)
    said = f"muscle force {force.values[t, k, m]:+.3g} N ({force.muscle.values[m]}, trial {[1, 3][t]}, {float(force.time[k]):.3f} s)"
    assert said in pair._words.value and "<b>adapted less naive</b>" in pair._words.value
    made = {"ds": ds, "other": other}
    exec(pair.code(), made)
    assert made["explorer"].difference and made["explorer"].trials == [1, 3]
    pair.show(2)
    assert pair.difference and pair._figures.courses["speed"].lines.data["trial"] == ["2"]
    pair.difference = False
    assert not pair._less.value and pair._words.value == "" and "difference" not in pair.code()
    assert pair._figures.courses["speed"].figure.title.text == "Speed of the hand"


def test_what_does_not_match_has_no_difference(ds, other):
    with pytest.raises(ValueError, match=r"difference = True.*one Dataset only"):
        Explorer(ds).difference = True
    explorer = Explorer(ds, other.isel(trial=[1, 2]))
    with pytest.raises(ValueError, match="Explorer: difference"):
        explorer.difference = True
    explorer._less.value = True  # 0°, which the other has not
    assert not explorer.difference and not explorer._less.value
    assert "trial 0: 0°, reach" in explorer._message.widget.value
    explorer.show(1)
    explorer.difference = True
    assert explorer._message.widget.value == ""
    explorer._chooser.trials.value = (3,)
    assert explorer.trials == [1] and explorer._chooser.trials.value == (1,)
    assert "trial 3: 270°" in explorer._message.widget.value
    explorer = Explorer(ds, other.assign_coords(time=other.time + 0.005))
    with pytest.raises(ValueError, match="difference: times"):
        explorer.difference = True
    explorer = Explorer(ds, other.drop_vars("muscle_force"))
    explorer.difference = True
    assert "No difference of muscle force (in one Dataset only)" in explorer._words.value
    with pytest.raises(ValueError, match="True or False"):
        explorer.difference = 1


# ---- one picture in several figures ------------------------------------------------------------------------------


def test_a_muscle_stands_out_in_all_figures(pair):
    pair.show([0, 1])
    assert pair._muscles.names == list(pair._reader.ds["muscle"].values)
    pair.highlight = pair._muscles.names[2]
    for columns, column in (
        (pair._figures.courses["activation"].lines, "name"),
        (pair._figures.courses["muscle_force"].lines, "name"),
        (pair._body.muscles, "muscle"),
    ):
        chosen = {columns.data[column][i] for i in columns.selected.indices}
        assert chosen == {pair.highlight} and columns.id in pair._muscles.sources
    pair.show(2)
    assert pair.highlight and len(pair._figures.courses["activation"].lines.selected.indices) == 2  # of two Datasets
    with pytest.raises(ValueError, match=r"highlight = 'heart'.*one of"):
        pair.highlight = "heart"
    pair.highlight = ""
    assert pair._body.muscles.selected.indices == []


def test_plots_are_equally_wide(pair):
    figures = [p.figure for p in (*pair._figures.courses.values(), *pair._figures.rasters.values())]
    assert {(p.x_range.start, p.x_range.end) for p in figures} == {(0.01, 0.2)}
    assert {(p.min_border_left, p.min_border_right, len(p.right)) for p in figures} == {(78, 16, 0)}


def test_a_move_tells_the_page_what_moves(pair):
    told = []
    pictures = [pair._paths, pair._body, *pair._figures.courses.values(), *pair._figures.rasters.values()]
    pair.show([0, 1])
    pair.time = 0.05
    for p in pictures:
        p.figure.document.on_change(lambda event: told.append(event))
    pair.time = 0.06
    assert len(told) == 2 + 1 + len(pictures) - 2  # bones and muscles, hands, cursors
    assert {c for event in told for c in getattr(event, "cols", ())} == {"x", "y", "xs", "ys", "width", "alpha", "activation"}  # fmt: skip
    told.clear()
    pair.show([0, 1])
    assert told == []


@pytest.mark.parametrize("kind", ["FreePointMass24", "ReluPointMass24"])
def test_a_point_mass_is_played(kind):
    env = mn.Environment(getattr(mn, kind)(), mn.CenterOutReach(n_targets=4), duration=0.2)
    ds = mn.simulate(network(env), env)
    explorer = Explorer(ds)
    explorer.show([0, 2])
    for index in (3, 12):
        explorer._slider.value = index
        at = ds["endpoint_position"][[0, 2], index]
        np.testing.assert_allclose(explorer._body.masses.data["x"], at[:, 0], rtol=1e-5)
        assert explorer._figures.courses["activation"].cursor.location == pytest.approx(float(ds.time[index]))
    assert len(explorer._body.muscles.data["muscle"]) == 4


@pytest.mark.parametrize("dim", [1, 3])
def test_bodies_along_a_line_and_in_space(dim):
    ends = np.concatenate([np.eye(dim), -np.eye(dim)])
    geometry = mn.PathGeometry(bodies=[[0, 1]] * len(ends), points=[[e.tolist(), [0.0] * dim] for e in ends])
    body = mn.Effector(mn.PointMass(space_dim=dim), mn.ReluMuscle(), geometry=geometry)
    env = mn.Environment(body, mn.RandomTargetReach(), duration=0.2)
    ds = mn.simulate(network(env), env, n=6, split="test")
    explorer = Explorer(ds)
    assert explorer._figures.courses["joint_position"].title == "Position"
    explorer.time = 0.1
    np.testing.assert_allclose(
        explorer._body.masses.data["x"], ds["endpoint_position"][:1].sel(time=0.1)[:, 0], rtol=1e-5
    )
    assert len(explorer._body.muscles.data["muscle"]) == 2 * dim


# ---- speed -------------------------------------------------------------------------------------------------------


def test_moves_are_quick(pair):
    explorer = pair
    explorer.show([0, 1, 2, 3])

    def seconds(action):
        begin = time.perf_counter()
        action()
        return time.perf_counter() - begin

    moves = [seconds(lambda i=i: setattr(explorer._slider, "value", i)) for i in (*range(1, 20), *range(19))]
    picks = [seconds(lambda i=i: explorer.show(i % 4)) for i in range(12)]
    assert (
        np.percentile(moves, 95) < 0.5 and np.percentile(picks, 95) < 1.0
    )  # many times what it takes on an idle machine


def test_targets_are_in_view(explorer, ds):
    "Also those that an untrained network never comes near."
    p = explorer._paths.figure
    for trial in ds["trial"].values:
        explorer.show(trial)
        target = np.stack([explorer._paths.targets.data[a] for a in "xy"], 1)
        ends = np.array([[p.x_range.start, p.y_range.start], [p.x_range.end, p.y_range.end]])
        assert len(target) == 1 and (target - 0.01 >= ends[0]).all() and (target + 0.01 <= ends[1]).all()

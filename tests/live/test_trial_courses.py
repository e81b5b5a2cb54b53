"""Variables of trials that are shown over time, and the activity of all units."""

import numpy as np
import pytest

from motornet_nb.live.trial_courses import (
    RasterPicture,
    TrialCoursePicture,
    activity_range,
    course_difference,
    course_differences,
    go_time,
    largest_value,
    trial_course,
)
from motornet_nb.results.kinematics import endpoint_speed


def test_a_course_of_directions_and_one_of_muscles(world, shown):
    ds, body = world
    speed, activation = trial_course(shown[0], "speed"), trial_course(shown[0], "activation")
    np.testing.assert_allclose(speed.values[1, :, 0], endpoint_speed(ds)[2])
    assert speed.colors is None and activation.names == list(body.muscle_names)
    units = trial_course(shown[0], "hidden", [3, 1, 99])
    assert units.names == ["unit 3", "unit 1"] and trial_course(shown[0], "torque") is None
    picture = TrialCoursePicture("", "y")
    picture.show([speed])
    assert picture.lines.data["trial"] == ["0", "2"] and picture.lines.data["alpha"] == [1.0, 1.0]
    picture.show([activation])
    assert picture.lines.data["trial"][:3] == ["0", "2", "mean"]
    np.testing.assert_allclose(picture.lines.data["ys"][2], ds.activation[[0, 2], :, 0].mean("trial"), rtol=1e-6)
    picture.show([])
    assert picture.lines.data["xs"] == []


def test_the_go_cue_is_marked_where_all_have_the_same(shown):
    assert go_time(shown) == pytest.approx(0.1)
    later = shown[1]._replace(ds=shown[1].ds.assign_coords(go_time=shown[1].ds.go_time + 0.05))
    assert np.isnan(go_time([shown[0], later]))


def test_a_raster_has_its_units_in_order(world, shown):
    ds, _ = world
    order = np.array([4, 2, 0, 1, 3])
    picture = RasterPicture("Units", order, np.array([0.1, 1.0, 2.0, 4.0, np.nan]))
    picture.show(shown[0], -1.0, 1.0)
    mean = ds.hidden[[0, 2]].mean("trial").values[:, order].T
    np.testing.assert_allclose(picture.image.data["image"][0], mean, rtol=1e-5, atol=1e-6)
    assert picture.figure.title.text == "Units, mean of 2" and (picture.mapper.low, picture.mapper.high) == (-1, 1)
    assert picture.figure.yaxis[0].major_label_overrides[0] == "0°"


def test_a_mean_is_of_trials_that_are_finite(world, shown):
    ds, _ = world
    broken = ds.isel(trial=[0, 1, 2]).copy(deep=True)
    broken["activation"][1, 7:] = np.nan
    broken["hidden"][1, 7:] = np.nan
    trials = shown[0]._replace(ds=broken, labels=["a", "b", "c"])
    assert trials.not_finite() == {"b": f"from {float(ds.time[7]):.3f} to {float(ds.time[-1]):.3f} s"}
    picture = TrialCoursePicture("", "y")
    picture.show([trial_course(trials, "activation")])
    assert picture.lines.data["trial"][3] == "mean without b"
    np.testing.assert_allclose(picture.lines.data["ys"][3], ds.activation[[0, 2], :, 0].mean("trial"), rtol=1e-6)
    np.testing.assert_allclose(picture.lines.data["ys"][1][:7], ds.activation[1, :7, 0])  # as far as it goes
    raster = RasterPicture("Units", np.arange(5))
    raster.show(trials, *activity_range([trials]))
    np.testing.assert_allclose(raster.image.data["image"][0], ds.hidden[[0, 2]].mean("trial").T, rtol=1e-5, atol=1e-6)
    assert raster.figure.title.text == "Units, mean of 3 without b"
    assert raster.mapper.high == pytest.approx(float(ds.hidden[[0, 2]].mean("trial").max()))
    nothing = trials._replace(ds=broken.assign(hidden=broken["hidden"] * np.nan))
    assert activity_range([nothing]) == (-1.0, 1.0)


def test_the_difference_is_that_of_the_same_trials_and_times(world, shown):
    ds, _ = world
    first = shown[0]._replace(ds=ds.isel(trial=[0, 2], time=slice(0, 15)), labels=[0, 2])
    other = shown[1]._replace(ds=ds.isel(trial=[1, 3], time=slice(5, None)), labels=[0, 3])
    found = course_difference(trial_course(first, "activation"), trial_course(other, "activation"))
    values = ds.activation.values[:, 5:15]
    np.testing.assert_allclose(found.values, values[[1, 3]] - values[[0, 2]], rtol=1e-6)
    np.testing.assert_allclose(found.shown.seconds, ds.time[5:15])
    assert found.shown.labels == [0, "3 less 2"] and found.names == trial_course(first, "activation").names
    picture = TrialCoursePicture("Muscle activation", "activation")
    picture.show([found], difference=True)
    assert picture.figure.title.text == "Δ Muscle activation" and picture.zero.visible
    assert picture.figure.yaxis[0].axis_label == "Δ activation"


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("times = '0.015 to 0.205 s every 0.01 s", lambda ds: ds.assign_coords(time=ds.time + 0.005)),
        ("times = '0.01 to 0.19 s every 0.02 s", lambda ds: ds.isel(time=slice(None, None, 2))),
        ("times = '1.01 to 1.2 s", lambda ds: ds.assign_coords(time=ds.time + 1)),
        ("trials = '1 trial", lambda ds: ds.isel(trial=[0])),
        ("components = '", lambda ds: ds.isel(muscle=[0, 1])),
    ],
)
def test_what_does_not_match_is_refused(world, shown, what, change):
    ds, _ = world
    other = shown[1]._replace(ds=change(ds.isel(trial=[0, 2])), labels=[0, 2])
    with pytest.raises(ValueError, match=f"difference: {what}"):
        course_difference(trial_course(shown[0], "activation"), trial_course(other, "activation"))


def test_differences_of_all_variables_that_match(world, shown):
    ds, _ = world
    other = shown[1]._replace(ds=ds.isel(trial=[0, 2], unit=slice(0, 3)).drop_vars("muscle_force"), labels=[0, 2])
    found, left_out = course_differences(shown[0], other, ["speed", "hidden", "muscle_force", "torque"], [0, 4])
    assert list(found) == ["speed"] and left_out["muscle_force"] == "in one Dataset only"
    assert "difference: components = 'unit 0'" in left_out["hidden"]
    later = other._replace(ds=other.ds.assign_coords(time=ds.time + 0.005))
    with pytest.raises(ValueError, match="difference: times"):
        course_differences(shown[0], later, ["speed", "activation"])


def test_the_largest_value_in_words(shown):
    course = trial_course(shown[0], "activation")
    values = np.zeros_like(course.values)
    assert largest_value(course._replace(values=values), "N") == "0, everywhere the same"
    values[1, 3, 2] = -12.345
    values[0, 0, 0] = np.nan
    assert largest_value(course._replace(values=values), "N") == f"-12.3 N ({course.names[2]}, trial 2, 0.040 s)"
    assert largest_value(course._replace(values=values * np.nan)) == ""
    speed = trial_course(shown[0], "speed")
    assert "speed" not in largest_value(speed, "m/s")


def test_time_axes_are_aligned(shown):
    pictures = [TrialCoursePicture("", "y", span=(0.01, 0.2)), RasterPicture("", np.arange(5), span=(0.01, 0.2))]
    sides = [[(p.x_range.start, p.x_range.end), p.min_border_left, p.right] for p in (q.figure for q in pictures)]
    assert sides[0] == sides[1] == [(0.01, 0.2), 78, []]  # nothing beside the plot: the colour bar is below

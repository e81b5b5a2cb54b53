"""Variables of trials that are shown over time, and the activity of all units."""

import numpy as np
import pytest

from motornet_nb.live.trial_courses import RasterPicture, TrialCoursePicture, go_time, trial_course
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

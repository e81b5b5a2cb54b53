"Frames of a moving body, and the picture they are seen in."

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.live.moving import MovingPicture, arrow, frames_of
from motornet_nb.views.arm import planar_outline


@pytest.fixture(scope="module")
def arm():
    return mn.geometric_arm26()


def turning(arm, n=20):
    postures = np.stack([np.linspace(0.5, 1.0, n), np.full(n, 1.5)], axis=1)
    return frames_of(arm, 0.01, postures, np.linspace(0, 1, 6 * n).reshape(n, 6), target=np.array([0.1, 0.4]))


def test_a_frame_is_the_body_in_its_posture(arm):
    frames = turning(arm)
    for k in (0, 7, 19):
        bones, paths = planar_outline(arm, torch.as_tensor(frames.posture[k]))
        np.testing.assert_array_equal(frames.bones[k], bones)
        np.testing.assert_array_equal(frames.muscles[k], np.concatenate(list(paths.values())))
    assert list(frames.counts) == list(arm.muscle_names)


def test_a_muscle_is_as_wide_as_it_is_active_or_as_is_said(arm):
    frames = turning(arm)
    assert frames.columns["width"][0, 0] == 1.5 and frames.columns["width"][-1, -1] == 9
    assert frames.columns["alpha"].min() == 0.35 and frames.columns["alpha"].max() == 1
    by_force = frames_of(arm, 0.01, frames.posture, frames.columns["activation"], level=np.full((20, 6), 0.2))
    assert (by_force.columns["width"] == 3).all() and by_force.columns["activation"][-1, -1] == 1


def test_fewer_frames_are_some_of_them(arm):
    frames = turning(arm)
    fewer = frames.every(4)
    assert len(fewer) == 5 and fewer.step == 0.04
    np.testing.assert_array_equal(fewer.posture, frames.posture[3::4])
    np.testing.assert_array_equal(fewer.columns["width"], frames.columns["width"][3::4])
    assert fewer.target is frames.target


def test_an_arrow_points_where_it_should_and_a_short_one_has_a_short_head():
    line = arrow(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 0.2], [0.004, 0.0]]))
    np.testing.assert_allclose(line[:, 1], [[0, 0.2], [1.004, 1]])
    assert line[0, 2, 1] == pytest.approx(0.2 - 0.012) and line[1, 2, 0] == pytest.approx(1.002)


def test_the_picture_shows_a_frame_at_true_aspect(arm):
    frames = turning(arm)
    picture = MovingPicture(arm, np.array([[-0.2, 0.0], [0.4, 0.6]]))
    picture.show(frames, 7)
    hand, muscles = picture.sources["hand"].data, picture.sources["muscles"].data
    assert [hand["x"][0], hand["y"][0]] == frames.bones[7, -1].tolist()
    assert muscles["muscle"] == list(arm.muscle_names) and len(muscles["xs"]) == 6
    p = picture.figure
    assert p.x_range.end - p.x_range.start == pytest.approx(p.y_range.end - p.y_range.start) and p.aspect_ratio == 1
    assert not any(axis.visible for axis in p.axis)


def test_a_body_without_muscle_paths_moves_too():
    mass = mn.ReluPointMass24()
    frames = frames_of(mass, 0.01, np.zeros((3, 2)), np.zeros((3, 4)))
    assert frames.bones.shape[0] == 3 and frames.muscles.shape[1] == sum(frames.counts.values())

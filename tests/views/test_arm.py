"""A body in a figure."""

import numpy as np
import pytest
import torch
from bokeh.models import CustomJSTickFormatter

import motornet_nb as mn
from motornet_nb.body.posture import outline
from motornet_nb.views.arm import (
    MUSCLE_COLUMNS,
    draw_bones,
    draw_joints,
    draw_workspace,
    moment_arm_axis,
    muscle_columns,
    planar_outline,
    planar_outlines,
    reach_words,
)
from motornet_nb.views.colors import color_of
from motornet_nb.views.plotting import empty_source, styled_figure


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_space_is_seen_in_a_plane(dims):
    body = mn.Effector(mn.PointMass(space_dim=dims), mn.ReluMuscle())
    body = body.add_muscle([0, 1], [[1.0] * dims, [0.0] * dims], name="one")
    position = torch.arange(1.0, dims + 1)
    bones, paths = planar_outline(body, position)
    expected, _ = outline(body, position)
    assert bones.shape == (len(expected), 2) and paths["one"].shape == (2, 2)
    np.testing.assert_array_equal(bones[:, : min(dims, 2)], expected[:, :2])
    assert (bones[:, 1] == 0).all() or dims > 1


def test_pieces_are_drawn_from_the_columns_x_and_y():
    p, points = styled_figure("", "x (m)", "y (m)"), empty_source("x", "y")
    for draw in (draw_workspace, draw_bones, draw_joints):
        renderer = draw(p, points, name=draw.__name__)
        assert renderer.data_source is points and (renderer.glyph.x, renderer.glyph.y) == ("x", "y")
        assert p.select_one({"name": draw.__name__}) is renderer


def test_muscles_are_wide_by_their_level():
    "In the order of the body, each in its colour; all alike where no level is known."
    body = mn.geometric_arm26()
    drawn = planar_outlines(body, torch.tensor([[0.8, 1.5], [0.8, 1.6]]))
    columns = muscle_columns(body, drawn, 1, [0.0, 1.0, 0.5, 0.1, 0.2, 0.3])
    assert tuple(columns) == MUSCLE_COLUMNS and columns["path"] == [""] * 6
    assert columns["width"][:3].tolist() == [1.5, 9.0, 5.25] and columns["alpha"][:2].tolist() == [0.35, 1.0]
    assert columns["color"] == [color_of(i) for i in range(6)] and columns["muscle"] == list(body.muscle_names)
    np.testing.assert_array_equal(columns["xs"][4], drawn.paths(1)["biceps"][:, 0])
    assert len(set(muscle_columns(body, drawn)["width"])) == 1


def test_paths_made_from_moment_arms_are_said_to_be_schematic():
    body = mn.Reacher()
    columns = muscle_columns(body, planar_outlines(body, torch.tensor([[0.8, 1.5]])))
    assert set(columns["path"]) == {" (path is schematic)"}


@pytest.mark.parametrize(
    "body, label",
    [
        (mn.geometric_arm26(), "moment arm (cm)\n− flexes, + extends"),
        (mn.ReluPointMass24(), "moment arm\n− shortens, + lengthens"),
    ],
)
def test_the_axis_of_moment_arms_says_what_signs_mean(body, label):
    p = styled_figure("", "", "")
    moment_arm_axis(p, body)
    assert p.yaxis[0].axis_label == label and isinstance(p.yaxis[0].formatter, CustomJSTickFormatter) == ("cm" in label)


def test_the_reach_is_named_at_its_upper_end():
    edge = np.array([[0.0, 0.1], [0.3, 0.5], [0.2, 0.2]])
    words = reach_words(edge)
    assert (words["x"], words["y"], words["text"]) == ([0.3], [0.5], ["reach"])
    assert len(reach_words(edge[:0])["x"]) == len(reach_words(edge[:0])["text"]) == 0

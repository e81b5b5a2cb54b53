"""A body in a figure."""

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.body.posture import outline
from motornet_nb.views.arm import draw_bones, draw_joints, draw_workspace, planar_outline
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

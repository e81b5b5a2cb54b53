"""Colours differ, also for those who are colour-blind."""

import math

import numpy as np
import pytest

from motornet_nb.views import colors
from motornet_nb.views.colors import COLORS, color_of, dash_of


def test_directions_have_cyclic_colours_that_differ():
    palette = colors.direction_palette(8)
    assert len(set(palette)) == 8 and colors.direction_color(2 * math.pi) == palette[0]
    assert colors.direction_color(math.nan) == COLORS[-1]
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colors.direction_palette(360)])
    assert np.abs(np.diff(np.concatenate((rgb, rgb[:1])), axis=0)).max() <= 16  # no jump anywhere
    assert (rgb.mean(1) < 200).all()  # all are seen on white


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ],
    ids=["protanopia", "deuteranopia"],
)
@pytest.mark.parametrize("palette", [colors.direction_palette(8), list(COLORS)], ids=["directions", "muscles"])
def test_palettes_survive_colour_blindness(matrix, palette):
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in palette])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.array(matrix).T
    lms = np.cbrt(np.clip(linear, 0, None) @ np.linalg.inv(colors._LMS_TO_RGB).T)
    lab = lms @ np.linalg.inv(colors._OKLAB_TO_LMS).T
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[~np.eye(len(palette), dtype=bool)]
    assert distance.min() > 0.05  # 0.02 is just noticeable


def test_series_of_colours_and_dashes():
    assert len(set(COLORS)) == len(COLORS) == 7
    assert len({(color_of(i), dash_of(i)) for i in range(28)}) == 28 and dash_of(3) == ""

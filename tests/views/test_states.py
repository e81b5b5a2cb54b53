"""States of a body, one after the other."""

import numpy as np

from motornet_nb.views.states import single_points, stacked_points, state_slider


def test_states_stand_one_after_the_other_in_single_precision():
    every = stacked_points([np.zeros((2, 2)), np.ones((2, 2))])
    assert every.data["x"].tolist() == [0, 0, 1, 1] and every.data["y"].dtype == np.float32
    assert len(stacked_points([]).data["x"]) == 0 and len(single_points(np.ones((3, 2))).data["y"]) == 3


def test_a_slider_reads_as_its_values():
    slider = state_slider("length", 1, ["1 m", "2 m", "3 m"], 200)
    assert (slider.start, slider.end, slider.value) == (0, 2, 1) and slider.format.args["texts"][2] == "3 m"


def test_a_slider_shrinks_where_it_is_told():
    fixed, narrow = state_slider("a", 0, ["1", "2"], 200), state_slider("a", 0, ["1", "2"], 200, shrinks=True)
    assert fixed.width == 200 and (narrow.max_width, narrow.sizing_mode) == (200, "stretch_width")

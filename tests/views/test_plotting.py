"""The look of figures, and maps in metres."""

import numpy as np
import pytest

from motornet_nb.views import plotting


def test_units_stand_on_axes():
    assert (
        plotting.axis_label("speed", "m/s") == "speed (m/s)" and plotting.axis_label("activation", "1") == "activation"
    )


def test_a_map_has_one_scale_and_holds_everything():
    extent = np.array([[0.0, 0.0], [0.4, 0.1], [np.nan, 0.0]])
    x, y = plotting.fixed_ranges(plotting.map_figure("", 200, extent))
    assert x.end - x.start == pytest.approx(y.end - y.start)
    assert x.start < 0 and x.end > 0.4 and y.start < 0 and y.end > 0.1


def test_a_map_stays_where_it_is_while_that_will_do():
    p = plotting.map_figure("", 200)
    x, y = plotting.fixed_ranges(p)
    plotting.keep_in_view(p, np.array([[0.0, 0.0], [1.0, 1.0]]), 0.05, 0.5)
    before = x.start, x.end, y.start, y.end
    plotting.keep_in_view(p, np.array([[0.1, 0.1], [0.9, 0.9]]), 0.05, 0.5)
    assert (x.start, x.end, y.start, y.end) == before
    plotting.keep_in_view(p, np.array([[0.1, 0.1], [0.2, 0.2]]), 0.05, 0.5)  # small in its frame
    assert x.end - x.start < 0.2
    plotting.keep_in_view(p, np.array([[0.1, 0.1], [3.0, 0.2]]), 0.05, 0.5)  # out of it
    assert x.end >= 3.0 and (x.reset_start, x.reset_end) == (x.start, x.end)


def test_only_a_figure_with_fixed_ranges_is_kept_in_view():
    with pytest.raises(TypeError, match="fixed ranges"):
        plotting.keep_in_view(plotting.fitted_map("", 200), np.zeros((1, 2)), 0.05, 0.5)


def test_a_figure_with_a_frame_shrinks_with_its_page_and_keeps_other_styles():
    p = plotting.map_figure("", 200, styles={"flex": "0 0 auto"})
    assert p.styles == {"max-width": "100%", "flex": "0 0 auto"} and "change:inner_width" in p.js_property_callbacks
    assert "change:inner_width" not in plotting.styled_figure("", "x", "y").js_property_callbacks

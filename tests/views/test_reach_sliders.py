"""One reach under many circumstances: what the page holds is what was simulated."""

import numpy as np
import pytest
from bokeh.models import Div, Slider
from figures import drawn, plots, shows
from worlds import arm, network

import motornet_nb as mn
from motornet_nb.results.kinematics import endpoint_speed
from motornet_nb.views.reach_sliders import reach_grid

STRENGTHS, DELAYS = (-20.0, 0.0, 20.0), (0.02, 0.1)
TEXTS = {"force field": [f"{s:g} N s/m" for s in STRENGTHS], "vision delay": [f"{1000 * d:g} ms" for d in DELAYS]}


@pytest.fixture(scope="module")
def reaches():
    worlds = [
        mn.Environment(arm(), mn.CenterOutReach(loads=[mn.CurlField(s)]), duration=0.4, vision_delay=d)
        for s in STRENGTHS
        for d in DELAYS
    ]
    net = network(worlds[0], n_units=6)
    return [mn.simulate(net, env, seed=0) for env in worlds]


@pytest.fixture(scope="module")
def layout(reaches):
    return reach_grid(reaches, TEXTS, undisturbed=reaches[2], start=[1, 0], trial=3)


def sliders(layout):
    return sorted(layout.select({"type": Slider}), key=lambda s: int(s.id[1:]))


def test_every_state_is_in_the_page(layout, reaches, caplog):
    (callback,) = {s.js_property_callbacks["change:value"][0] for s in sliders(layout)}
    known, state = callback.args, 2 * 2 + 1
    assert known["sizes"] == [3, 2]
    n, samples = known["points"], known["samples"]
    hand = np.array([known["ways"].data[c][state * n : (state + 1) * n] for c in "xy"]).T
    np.testing.assert_allclose(hand[1:], reaches[state].endpoint_position[3], atol=1e-6)
    np.testing.assert_allclose(hand[0], reaches[state].start_position[3], atol=1e-6)
    speed = known["speeds"].data["y"].reshape(6, samples)
    np.testing.assert_allclose(speed[state], endpoint_speed(reaches[state])[3], rtol=1e-5, atol=1e-6)
    active = known["activations"].data["y"].reshape(6, known["muscles"], samples)
    np.testing.assert_allclose(active[state].T, reaches[state].activation[3], atol=1e-6)
    shows(layout, caplog)


def test_it_begins_where_it_is_told_and_says_how_far_the_hand_is(layout, reaches):
    assert [s.value for s in sliders(layout)] == [1, 0]
    way = drawn(layout, "way")
    np.testing.assert_allclose(way["x"][1:], reaches[2].endpoint_position[3, :, 0], atol=1e-6)
    np.testing.assert_allclose(drawn(layout, "undisturbed")["y"][1:], reaches[2].endpoint_position[3, :, 1], atol=1e-6)
    off = float(np.linalg.norm(reaches[2].endpoint_position[3, -1] - reaches[2].goal_position[3]))
    assert any(d.text.startswith(f"{1000 * off:.0f} mm from the target") for d in layout.select({"type": Div}))
    assert [p.title.text for p in plots(layout)] == ["Way of the hand", "Speed of the hand", "Muscle activation"]


def test_what_is_no_grid_is_refused(reaches):
    with pytest.raises(ValueError, match=r"reaches = .*6, one for each state"):
        reach_grid(reaches[:5], TEXTS)
    with pytest.raises(ValueError, match=r"sliders = .*at least two"):
        reach_grid(reaches[:1], {"force field": ["0"]})
    with pytest.raises(ValueError, match="over the same time"):
        reach_grid([reaches[0], reaches[1].isel(time=slice(0, 5))], {"delay": ["a", "b"]})


def test_in_place_of_a_slider_that_changes_nothing_stand_words(reaches):
    layout = reach_grid([reaches[0], reaches[4], reaches[0], reaches[4]], {"again": ["a", "b"], "field": ["0", "20"]})
    left = layout.children[0].children
    assert isinstance(left[0], Div) and "again from a to b: nothing that is drawn changes" in left[0].text
    assert isinstance(left[1], Slider) and left[1].title == "field"

"""A body for many values: the page holds every state, and cuts out the one it draws."""

import numpy as np
import pytest
import torch
from bokeh.models import CustomJS, Slider
from figures import plots, shows

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.views.arm import planar_outline

VALUES = {"skeleton.l1": [0.25, 0.309, 0.35], "muscle_parameters.max_isometric_force.0": [500.0, 900.0]}


@pytest.fixture(scope="module")
def layout():
    return views.slider_grid(mn.geometric_arm26(), VALUES, posture=[0.8, 1.5], n=11)


def sliders_of(layout):
    return sorted(layout.select({"type": Slider}), key=lambda s: int(s.id[1:]))


def arguments_of(layout):
    "What the page knows when a slider is moved."
    found = {s.js_property_callbacks["change:value"][0] for s in sliders_of(layout)}
    (callback,) = found
    assert isinstance(callback, CustomJS)
    return callback.args


def test_every_state_is_in_the_page(layout, caplog):
    known, state = arguments_of(layout), 2 * 2 + 1  # the last value of both
    assert known["sizes"] == [3, 2] and len(known["all_forces"].data["force"]) == 6 * known["muscles"]
    body = mn.geometric_arm26()
    body = body.replace(skeleton=body.skeleton.replace(l1=0.35))
    bones, _ = planar_outline(body, torch.tensor([0.8, 1.5]))
    n = known["bone_points"]
    shown = np.array([known["all_bones"].data[c][state * n : (state + 1) * n] for c in "xy"]).T
    np.testing.assert_allclose(shown, bones, rtol=1e-5, atol=1e-6)
    shows(layout, caplog)


def test_a_stronger_muscle_pulls_more(layout):
    known = arguments_of(layout)
    force = np.asarray(known["all_forces"].data["force"]).reshape(3, 2, known["muscles"])
    np.testing.assert_allclose(force[:, 1, 0] / force[:, 0, 0], 9 / 5, rtol=1e-5)
    np.testing.assert_allclose(force[:, 1, 1:], force[:, 0, 1:], rtol=1e-6)


def test_sliders_say_what_they_move_and_begin_where_the_body_is(layout):
    length, force = sliders_of(layout)
    assert (length.title, force.title) == ("l1", "max isometric force, pectoralis")
    assert length.value == 1 and length.format.args["texts"] == ["0.25 m", "0.309 m", "0.35 m"]
    assert force.format.args["texts"] == ["500 N", "900 N"]


def test_figures_beside_the_map(layout):
    titles = [p.title.text for p in plots(layout)]
    assert titles[1:] == ["Force of the muscles", "Moment arms, shoulder", "Moment arms, elbow"]
    known = arguments_of(layout)
    first = known["curves"][0].data["ys"][0]
    state = known["sliders"][0].value * 2 + known["sliders"][1].value
    every = np.asarray(known["all_curves"][0].data["y"]).reshape(6, known["muscles"], 11)
    np.testing.assert_allclose(every[state, 0], first, rtol=1e-5, atol=1e-7)


def test_posture_moves_the_hand_and_activation_the_forces():
    values = {"posture, elbow": [0.5, 1.5], "activation": [0.1, 1.0]}
    known = arguments_of(views.slider_grid(mn.geometric_arm26(), values, posture=[0.8, 1.5], n=5))
    n = known["bone_points"]
    hands = np.array([known["all_bones"].data[c][n - 1 :: n] for c in "xy"]).T
    bent, stretched = (
        mn.geometric_arm26().joint_to_cartesian(torch.tensor([[0.8, q, 0.0, 0.0]]))[0, :2].numpy() for q in (1.5, 0.5)
    )
    np.testing.assert_allclose(hands, [stretched, stretched, bent, bent], atol=1e-5)
    force = np.asarray(known["all_forces"].data["force"]).reshape(2, 2, -1)
    assert (force[:, 1] > force[:, 0]).all()
    places = known["all_places"][1].data["x"]
    np.testing.assert_allclose(places, np.degrees([0.5, 0.5, 1.5, 1.5]), rtol=1e-5)
    assert known["cursors"][1].location == pytest.approx(np.degrees(1.5))


@pytest.mark.parametrize("by", ["force", "activation"])
def test_a_muscle_is_as_wide_as_its_level(by):
    "Of its maximum isometric force, or activation; the map says which."
    body, values = mn.geometric_arm26(), {"posture, elbow": [0.5, 1.5], "activation": [0.1, 1.0]}
    layout = views.slider_grid(body, values, posture=[0.8, 1.5], n=5, by=by)
    known, p = arguments_of(layout), plots(layout)[0]
    level = np.asarray(known["all_levels"].data["level"]).reshape(4, -1)
    force = np.asarray(known["all_forces"].data["force"]).reshape(4, -1)
    expected = force / body.max_isometric_force.numpy() if by == "force" else np.array([[0.1], [1.0]] * 2)
    np.testing.assert_allclose(level, np.broadcast_to(expected, level.shape), rtol=1e-5)
    first = known["sliders"][0].value * 2 + known["sliders"][1].value
    np.testing.assert_allclose(known["paths"].data["width"], 1.5 + 7.5 * level[first], rtol=1e-5)
    assert known["path_sizes"] == [len(x) for x in known["paths"].data["xs"]] and known["drawn"] == list(range(6))
    assert any(str(getattr(note, "text", "")).startswith(f"Width of a muscle: {by}") for note in p.below)


@pytest.mark.parametrize(
    "name, given", [("skeleton.l1g", [0.1, 0.2]), ("skeleton.l2g", [0.12, 0.18]), ("skeleton.m1", [1.0, 3.0])]
)
def test_a_slider_that_changes_nothing_seen_is_refused(name, given):
    with pytest.raises(ValueError, match=f"values = '{name}'.*changes none of them"):
        views.slider_grid(mn.geometric_arm26(), {"posture, elbow": [0.5, 1.5], name: given}, n=5)


@pytest.mark.parametrize(
    "body, values, says",
    [
        (3, VALUES, "a body with muscles"),
        (mn.Effector(mn.TwoDofArm(), mn.ReluMuscle()), VALUES, "a body with muscles"),
        (mn.geometric_arm26(), {}, "one or two names"),
        (mn.geometric_arm26(), {"skeleton.l1": [0.3]}, "at least two values"),
        (mn.geometric_arm26(), {"skeleton.l1": np.linspace(0.2, 0.4, 401)}, "at most 400"),
    ],
)
def test_wrong_arguments_are_refused_in_words(body, values, says):
    with pytest.raises((TypeError, ValueError), match=says):
        views.slider_grid(body, values)

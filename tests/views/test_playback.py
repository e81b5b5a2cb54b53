"""Trials that play: the page holds every state, and cuts out the one it draws."""

import numpy as np
import pytest
import torch
from bokeh.models import CustomJS, Select, Slider, Span, Toggle
from figures import plots, shows
from worlds import network, point_mass_world

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.views.arm import planar_outline


@pytest.fixture(scope="module")
def played():
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(n_targets=4), duration=0.2)
    return mn.simulate(network(env, n_units=5), env), env


def callbacks(layout):
    "What the page does when the time, the trial or the button changes."
    time, choice, play = (layout.select_one({"type": kind}) for kind in (Slider, Select, Toggle))
    (draw,) = time.js_property_callbacks["change:value"]
    choose, also = choice.js_property_callbacks["change:value"]
    (run,) = play.js_property_callbacks["change:active"]
    assert also is draw and all(isinstance(c, CustomJS) for c in (draw, choose, run))
    return draw.args, choose.args, run.args


def test_every_state_of_the_body_is_in_the_page(played, caplog):
    ds, env = played
    layout = views.animation(ds, trials=[3, 1])
    draw, _, _ = callbacks(layout)
    n, k = ds.sizes["time"], 7
    bones, paths = planar_outline(env.effector, torch.as_tensor(ds.joint_position.values[1, k]))
    first = (1 * n + k) * draw["bone_points"]
    shown = [draw["all_bones"].data[c][first : first + draw["bone_points"]] for c in "xy"]
    np.testing.assert_allclose(np.array(shown).T, bones, rtol=1e-5, atol=1e-6)
    assert draw["path_points"] == sum(len(path) + 1 for path in paths.values())
    np.testing.assert_allclose(draw["targets"].data["x"][n + k], ds.target_position[1, k, 0], rtol=1e-6)
    shows(layout, caplog)


def test_courses_run_beside_the_map(played):
    ds, _ = played
    layout = views.animation(ds)
    draw, choose, _ = callbacks(layout)
    titles = ["Hand and body", "Speed of the hand", "Muscle activation", "Units of the network"]
    assert [p.title.text for p in plots(layout)] == titles and choose["counts"] == [1, 6, 5]
    n, (_, muscles, _) = ds.sizes["time"], choose["values"]
    np.testing.assert_allclose(muscles.data["y"][(2 * 6 + 4) * n :][:n], ds.activation[2, :, 4], rtol=1e-6)
    assert len(draw["cursors"]) == 3 and all(isinstance(c, Span) for c in draw["cursors"])


def test_time_passes_at_the_rate_that_was_asked_for(played):
    ds, _ = played
    *_, run = callbacks(views.animation(ds, speed=0.25))
    assert run["rate"] == 0.25 and run["step"] == pytest.approx(0.01)
    choice = views.animation(ds).select_one({"type": Select})
    assert [name for _, name in choice.options][:2] == ["trial 0, 0°, reach", "trial 1, 90°, reach"]


def test_a_body_that_moves_along_a_line_is_played(caplog):
    mass = mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle())
    mass = mass.add_muscle([0, 1], [[1.0], [0.0]], max_isometric_force=50)
    env = mn.Environment(mass, mn.RandomTargetReach(), duration=0.1)
    shows(views.animation(mn.simulate(network(env), env, n=2)), caplog)


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"trials": []}, r"trials = \[\]"),
        ({"trials": [4]}, "positions of trials, 0 to 3"),
        ({"speed": 0}, "a finite number above 0"),
    ],
)
def test_wrong_arguments_are_refused_in_words(played, arguments, says):
    with pytest.raises(ValueError, match=says):
        views.animation(played[0], **arguments)


def test_a_dataset_that_does_not_know_its_body_asks_for_it():
    env = point_mass_world()
    ds = mn.simulate(network(env), env, n=1)
    ds.attrs.pop("config")
    with pytest.raises(ValueError, match="which body moved"):
        views.animation(ds)
    views.animation(ds, effector=env.effector)

"""Maps of trials that are shown."""

import numpy as np
from bokeh.events import Tap

from motornet_nb.live.trial_pictures import HandPathPicture, TrialBodyPicture


def test_paths_hands_and_targets(world, shown):
    ds, _ = world
    picture = HandPathPicture(ds.endpoint_position.values, ds.target_direction.values, list("0123"), print)
    picture.show(shown)
    picture.move(0.1)
    assert picture.lines.data["dash"] == ["solid", "solid", [5, 3]] and len(picture.every.data["xs"]) == 4
    np.testing.assert_allclose(picture.lines.data["xs"][1], ds.endpoint_position[2, :, 0], rtol=1e-6)
    at = shown[0].at(0.1)
    np.testing.assert_allclose(picture.hands.data["y"], ds.endpoint_position[[0, 2, 1], at, 1])
    assert len(picture.hands.data["color"]) == 3


def test_a_click_picks_the_nearest_path(world):
    ds, _ = world
    heard, hand = [], ds.endpoint_position.values
    picture = HandPathPicture(hand, ds.target_direction.values, list("0123"), lambda *what: heard.append(what))
    x, y = hand[3, -1]
    picture._tapped(Tap(picture.figure, x=x, y=y, modifiers={"shift": True}))
    picture._tapped(Tap(picture.figure, x=x + 10, y=y, modifiers={"shift": True}))  # far from everything
    picture._tapped(Tap(picture.figure, x=None, y=None))  # beside the plot
    assert heard == [(3, True)]


def test_bodies_of_all_trials_and_muscles_of_the_first(world, shown):
    ds, body = world
    picture = TrialBodyPicture(body, ds.joint_position.values[0, 0].astype(float), np.zeros((1, 2)))
    picture.show(shown)
    picture.move(0.1)
    assert picture.bones.data["width"] == [10, 3, 2] and picture.muscles.data["muscle"] == list(body.muscle_names)
    active = ds.activation[0, shown[0].at(0.1)].values
    np.testing.assert_allclose(picture.muscles.data["activation"], active)
    np.testing.assert_allclose(picture.muscles.data["width"], 1.5 + 6 * active)
    picture.show([s._replace(body=None) for s in shown])  # nobody knows whose trials they are
    picture.move(0.1)
    assert picture.bones.data["xs"] == [] and picture.muscles.data["muscle"] == []

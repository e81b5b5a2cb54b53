"""Maps of trials that are shown."""

import numpy as np
import pytest
import torch
import xarray as xr
from bokeh.document import Document
from bokeh.events import Tap

import motornet_nb as mn
from motornet_nb.live.changes import put
from motornet_nb.live.trial_pictures import HandPathPicture, ShownTrials, TrialBodyPicture
from motornet_nb.views.arm import planar_outline
from motornet_nb.views.plotting import empty_source


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
    np.testing.assert_allclose(picture.muscles.data["width"], 1.5 + 8.5 * active)  # 10 pixels if fully active
    np.testing.assert_allclose(picture.muscles.data["alpha"], 0.35 + 0.65 * active)
    picture.show([s._replace(body=None) for s in shown])  # nobody knows whose trials they are
    picture.move(0.1)
    assert picture.bones.data["xs"] == [] and picture.muscles.data["muscle"] == []


def test_a_page_is_told_of_what_differs():
    columns = empty_source("xs", "color", "n")
    told = []
    document = Document()
    document.add_root(columns)
    document.on_change(lambda event: told.append(sorted(event.cols)))
    put(columns, {"xs": [np.zeros(3), np.ones(2)], "color": ["red", "blue"], "n": np.array([1.0, np.nan])})
    put(columns, {"xs": [np.zeros(3), np.ones(2)], "color": ["red", "blue"], "n": np.array([1.0, np.nan])})
    put(columns, {"xs": [np.zeros(3), np.zeros(2)], "color": ["red", "blue"], "n": np.array([1.0, np.nan])})
    assert told == [["color", "n", "xs"], ["xs"]] and columns.data["xs"][1].tolist() == [0, 0]


def test_a_move_tells_what_moves(world, shown):
    ds, body = world
    hands = HandPathPicture(ds.endpoint_position.values, ds.target_direction.values, list("0123"), print)
    arms = TrialBodyPicture(body, ds.joint_position.values[0, 0].astype(float), np.zeros((1, 2)))
    told = []
    for picture in (hands, arms):
        picture.show(shown)
        picture.move(0.05)
        Document().add_root(picture.figure)
        picture.figure.document.on_change(lambda event: told.append(set(event.cols)))
        picture.move(0.06)
    assert told == [{"x", "y"}, {"xs", "ys"}, {"xs", "ys", "width", "alpha", "activation"}]


@pytest.mark.parametrize("kind", ["FreePointMass24", "ReluPointMass24", "a line", "space"])
def test_a_point_mass_moves_among_its_muscles(kind):
    if kind in ("a line", "space"):
        ends = [[-1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]][: 2 if kind == "a line" else 4]
        dim = 1 if kind == "a line" else 3
        body = _point_mass(ends, dim)
    else:
        body = getattr(mn, kind)()
    position = np.linspace(0, 0.2, 5)[None, :, None] * np.ones(body.n_joints)
    ds = xr.Dataset(
        {
            "joint_position": (("trial", "time", "joint"), position),
            "activation": (("trial", "time", "muscle"), np.full((1, 5, body.n_muscles), 0.5)),
        },
        {"time": np.arange(5) * 0.1, "muscle": list(body.muscle_names)},
    )
    picture = TrialBodyPicture(body, position[0, 0], np.zeros((1, 2)))
    picture.show([ShownTrials(ds, [0], 0, body), ShownTrials(ds, [0], 1, body)])
    for at in (0, 4):
        picture.move(0.1 * at)
        y = position[0, at, 1] if body.n_joints > 1 else 0.0
        np.testing.assert_allclose([picture.masses.data[a] for a in "xy"], [[position[0, at, 0]] * 2, [y] * 2])
    _, paths = planar_outline(body, torch.as_tensor(position[0, 4]))
    assert picture.bones.data["xs"] == [] and picture.muscles.data["muscle"] == list(paths)
    for x, path in zip(picture.muscles.data["xs"], paths.values(), strict=True):
        np.testing.assert_allclose(x, path[:, 0])


def _point_mass(ends, dim):
    skeleton = mn.PointMass(space_dim=dim)
    points = [[end[:dim], [0.0] * dim] for end in ends]
    geometry = mn.PathGeometry(bodies=[[0, 1]] * len(ends), points=points)
    return mn.Body(skeleton, mn.ReluMuscle(), geometry=geometry)


def test_a_posture_that_is_not_finite_leaves_a_gap(world, shown):
    ds, body = world
    broken = ds.copy(deep=True)
    broken["joint_position"][0] = np.nan
    broken["endpoint_position"][:] = np.nan
    hand = broken.endpoint_position.values
    pictures = [
        HandPathPicture(hand, ds.target_direction.values, list("0123"), print),
        TrialBodyPicture(body, broken.joint_position.values[0, 0].astype(float), hand.reshape(-1, 2)),
    ]
    for picture in pictures:
        picture.show([shown[0]._replace(ds=broken.isel(trial=[0, 2]))])
        picture.move(0.1)
    assert np.isnan(pictures[1].bones.data["xs"][0][1:]).all() and np.isfinite(pictures[1].bones.data["xs"][1]).all()

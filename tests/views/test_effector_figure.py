"""A body at a posture, and its moment arms."""

import math

import numpy as np
import pytest
import torch
from bokeh.models import Div, Legend, Title
from figures import drawn, plots, shows
from worlds import arm

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.body.posture import default_posture
from motornet_nb.body.statics import moment_arm_map
from motornet_nb.views.arm import planar_outline


def test_body_at_a_posture(caplog):
    body = mn.geometric_arm26()
    layout = views.effector(body, [0.0, math.pi / 2])
    bones = drawn(layout, "bones")
    np.testing.assert_allclose(np.stack((bones["x"], bones["y"])).T, [[0, 0], [0.309, 0], [0.309, 0.333]], atol=1e-7)
    path = drawn(layout, "brachioradialis")
    np.testing.assert_allclose(np.stack((path["x"], path["y"])).T, [[0.23, 0.001], [0.299, 0.231]], atol=1e-7)
    (legend,) = layout.select({"type": Legend})
    assert [i.label.value for i in legend.items] == body.muscle_names
    (words,) = layout.select({"type": Div})
    assert "shoulder 0°, elbow 90°" in words.text and ">1422<" in words.text
    shows(layout, caplog)


def test_body_without_paths_has_schematic_ones_and_says_so(caplog):
    body = arm()
    layout = views.effector(body, workspace=False)
    assert "Muscle paths are schematic:\nthis body has moment arms, not paths" in [
        t.text for t in layout.select({"type": Title})
    ]
    assert list(layout.select({"name": "workspace"})) == []
    for name, path in planar_outline(body, default_posture(body))[1].items():
        np.testing.assert_allclose(drawn(layout, name)["x"], path[:, 0], atol=1e-6)
    (legend,) = layout.select({"type": Legend})
    assert [len(i.renderers) for i in legend.items] == [1] * 6
    shows(layout, caplog)
    assert [t.text for t in views.effector(mn.geometric_arm26()).select({"type": Title})] == ["GeometricArm26"]
    shows(views.effector(mn.Effector(mn.TwoDofArm(), mn.ReluMuscle())), caplog)


def test_body_leaves_its_state_alone():
    body = arm()
    body.reset(options={"joint_state": [0.5, 0.6]})
    views.effector(body)
    views.moment_arms(body)
    assert torch.equal(body.states["joint"][0, :2], torch.tensor([0.5, 0.6]))


def test_moment_arms_over_each_joint(caplog):
    body = mn.geometric_arm26()
    layout = views.moment_arms(body, n=11)
    assert [p.title.text for p in plots(layout)] == [
        "Moment arm, shoulder",
        "Moment arm, elbow",
        "Musculotendon length, shoulder",
        "Musculotendon length, elbow",
    ]
    curves = moment_arm_map(body, "elbow", 11)
    data = drawn(layout, "moment_arm elbow biceps")
    np.testing.assert_allclose(data["value"], curves.moment_arm.sel(joint="elbow", muscle="biceps"))
    np.testing.assert_allclose(data["position"], curves.elbow)
    assert [p.xaxis[0].axis_label for p in plots(layout)][:2] == ["shoulder position (rad)", "elbow position (rad)"]
    assert [p.yaxis[0].axis_label for p in plots(layout)][1:3] == [
        "moment arm (cm)\n− flexes, + extends",
        "musculotendon length (m)",
    ]
    shows(layout, caplog)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: views.effector("arm"), "effector = 'arm'"),
        (lambda: views.effector(arm(), [9.0, 0.0]), "within the position limits"),
        (lambda: views.effector(mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle())), "moves in a plane"),
        (lambda: views.moment_arms(3), "effector = 3"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_in_words(call, says):
    with pytest.raises((ValueError, TypeError), match=f"(?s){says}"):
        call()

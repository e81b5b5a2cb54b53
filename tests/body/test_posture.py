"Where a body is and should be: default posture, inverse kinematics, outline, workspace."

import math

import numpy as np
import pytest
import torch
from bodies import make_body

import motornet_nb as mn
from motornet_nb.body.posture import as_posture, default_posture, inverse_kinematics, outline, within_limits, workspace


def stiff_arm():
    "An arm whose elbow does not get to 90 degrees."
    return mn.geometric_arm26(pos_upper_bound=[2.0, 1.0])


def test_the_default_posture():
    "45 and 90 degrees for an arm, the middle of the ranges for other bodies; within the limits unless asked otherwise."
    torch.testing.assert_close(default_posture(mn.geometric_arm26()), torch.tensor([math.pi / 4, math.pi / 2]).double())
    assert default_posture(mn.ReluPointMass24()).tolist() == [0, 0]
    lopsided = mn.Effector(mn.PointMass(), mn.ReluMuscle(), pos_lower_bound=[-1.0, 0.0], pos_upper_bound=[0.0, 3.0])
    assert default_posture(lopsided).tolist() == [-0.5, 1.5]
    assert default_posture(stiff_arm()).tolist() == [math.pi / 4, 1.0]
    assert default_posture(stiff_arm(), clamp=False).tolist() == [math.pi / 4, math.pi / 2]


@pytest.mark.parametrize(
    "task", [mn.CenterOutReach(distance=0.02), mn.PosturalHold()], ids=lambda task: type(task).__name__
)
def test_a_task_refuses_a_body_that_cannot_start_there(task):
    "A reach from elsewhere is another experiment: nobody starts it without having said so."
    with pytest.raises(ValueError, match=rf"{type(task).__name__}: joint_state = .* within the position limits"):
        task.sample(2, stiff_arm(), 30, mn.Streams(0), "test")
    given = task.replace(start_posture=[0.8, 0.9]).sample(2, stiff_arm(), 30, mn.Streams(0), "test")
    torch.testing.assert_close(given.joint_state[0], torch.tensor([0.8, 0.9, 0.0, 0.0]))


def test_postures_that_are_given():
    "Clipped by the one, refused by the other."
    assert within_limits(stiff_arm(), np.array([0.25, 3.0, 0.0, 0.0])).tolist() == [0.25, 1.0]
    assert as_posture(stiff_arm(), None, "who").shape == (1, 2)
    with pytest.raises(ValueError, match="who: joint_state"):
        as_posture(stiff_arm(), [0.2, 3.0], "who")


@pytest.mark.parametrize("name", ["Reacher, relu", "FreePointMass24, relu"])
def test_the_hand_goes_where_it_can(name):
    "Within reach the posture brings it there, beyond it as near as any posture of a fine grid; limits hold always."
    body = make_body(name, dtype=torch.float64)
    lower, upper = (b.detach().numpy() for b in (body.pos_lower_bound, body.pos_upper_bound))
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*(np.linspace(a, b, 80) for a, b in zip(lower, upper, strict=True))), -1).reshape(-1, 2)
    reachable = body.endpoint_at(torch.from_numpy(grid)).numpy()
    for _ in range(10):
        q = rng.uniform(lower, upper)
        goal = body.endpoint_at(torch.from_numpy(q)[None])[0].numpy()
        found = inverse_kinematics(body, goal, np.clip(q + 0.2, lower, upper))
        assert np.linalg.norm(body.endpoint_at(torch.from_numpy(found)[None])[0].numpy() - goal) < 2e-3
        away = goal + rng.normal(size=2)
        found = inverse_kinematics(body, away)
        assert (found >= lower).all() and (found <= upper).all()
        mine = np.linalg.norm(body.endpoint_at(torch.from_numpy(found)[None])[0].numpy() - away)
        assert mine < np.linalg.norm(reachable - away, axis=1).min() + 0.25


def test_a_point_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match="2 finite numbers"):
        inverse_kinematics(mn.geometric_arm26(), [1.0])


def test_muscle_paths_are_where_the_body_has_them():
    "Where points are fixed; as long as the muscles are; none for muscles without paths."
    arm = mn.geometric_arm26()
    bones, paths = outline(arm, torch.tensor([0.0, 0.0]))
    np.testing.assert_allclose(bones, [[0, 0], [0.309, 0], [0.642, 0]], atol=1e-12)
    np.testing.assert_allclose(paths["brachioradialis"], [[0.23, 0.001], [0.309 + 0.231, 0.01]], atol=1e-12)
    assert list(paths) == arm.muscle_names
    _, paths = outline(arm, torch.tensor([0.7, 1.1]))
    length = arm.evaluate_geometry(torch.tensor([[0.7, 1.1]]), torch.zeros(1, 2)).length[0]
    drawn = [np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in paths.values()]
    np.testing.assert_allclose(drawn, length, rtol=1e-6)
    assert outline(mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), torch.zeros(2))[1] == {}


def test_workspace_is_the_reach_within_limits():
    "From the folded to the stretched arm; none for a body without two joints."
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), dtype=torch.float64)
    edge = np.linalg.norm(workspace(arm), axis=1)
    nearest = np.sqrt(0.309**2 + 0.333**2 + 2 * 0.309 * 0.333 * np.cos(np.radians(155)))
    assert edge.max() == pytest.approx(0.642) and edge.min() == pytest.approx(nearest)
    assert workspace(mn.ReluPointMass24()).min() == -1
    assert workspace(mn.Effector(mn.PointMass(space_dim=3), mn.ReluMuscle())).shape == (0, 3)

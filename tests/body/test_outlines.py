"Where bones and muscles are drawn in many postures: paths as they are, and schematic ones that agree with the moment arms."

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.body.outlines import outlines
from motornet_nb.body.posture import outline


def grid(body, n=15):
    "Postures all over the joint ranges (posture, joint)."
    lower, upper = (b.double() for b in body.joint_limits.detached()[:2])
    axes = [torch.linspace(float(a), float(b), n, dtype=torch.float64) for a, b in zip(lower, upper, strict=True)]
    return torch.cartesian_prod(*axes)


def lengths(body, positions):
    "Of the drawn paths (posture, muscle) m, with 0 for a muscle that has none."
    drawn, found, end = outlines(body, positions), [], 0
    for name in body.muscle_names:
        n = drawn.sizes.get(name, 0)
        piece, end = drawn.points[:, end : end + n], end + n
        found.append(np.linalg.norm(np.diff(piece, axis=1), axis=2).sum(1))
    return np.stack(found, 1)


def moment_arms(body, positions):
    with torch.no_grad():
        return body.evaluate_geometry(positions.float(), torch.zeros_like(positions).float()).moment_arm.numpy()


ARMS = {
    "rigid": lambda: mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()),
    "compliant": mn.CompliantTendonArm26,
    "reacher": mn.Reacher,
}


@pytest.mark.parametrize("name", ARMS)
def test_drawn_paths_turn_the_joints_as_the_muscles_do(name):
    "As a joint turns, a drawn path gets longer or shorter as the muscle does, or stays as long, all over the joint ranges."
    body = ARMS[name]()
    postures, told, step = grid(body), moment_arms(body, grid(body)), 1e-5
    for joint in range(2):
        h = step * torch.eye(2, dtype=torch.float64)[joint]
        drawn = (lengths(body, postures + h) - lengths(body, postures - h)) / (2 * step)
        np.testing.assert_array_equal(np.where(np.abs(drawn) < 1e-8, 0, np.sign(drawn)), np.sign(told[:, joint]))


def test_a_muscle_passes_the_joints_that_it_crosses_on_its_side():
    "Shoulder, elbow or both; a flexor to the left of the bones, its antagonist to the right, about as far away as the moment arm is."
    body = ARMS["rigid"]()
    drawn = outlines(body, torch.tensor([[0.0, 0.0]]))
    assert list(drawn.sizes.values()) == [3, 3, 3, 3, 4, 4] and list(drawn.sizes) == list(body.muscle_names)
    assert drawn.schematic
    paths, elbow = drawn.paths(), drawn.bones[0, 1]
    for flexor, extensor in (
        ("pectoralis", "deltoid"),
        ("brachioradialis", "triceps lateral"),
        ("biceps", "triceps long"),
    ):
        assert (paths[flexor][1:-1, 1] > 0.02).all() and (paths[extensor][1:-1, 1] < -0.02).all()
    for name, (shoulder_arm, elbow_arm) in zip(body.muscle_names, moment_arms(body, grid(body)).mean(0).T, strict=True):
        via = paths[name][1:-1]
        centres = [c for c, arm in ((np.zeros(2), shoulder_arm), (elbow, elbow_arm)) if arm]
        arms = [arm for arm in (shoulder_arm, elbow_arm) if arm]
        for point, centre, arm in zip(via, centres, arms, strict=True):
            assert point[0] == pytest.approx(centre[0]) and 0.6 < -point[1] / arm < 2.1


@pytest.mark.parametrize("name", ARMS)
def test_nothing_jumps(name):
    "Between neighbouring postures no point goes farther than the hand may."
    body = ARMS[name]()
    t = torch.linspace(0, 1, 400, dtype=torch.float64)[:, None]
    lower, upper = (b.double() for b in body.joint_limits.detached()[:2])
    for begin, end in ((lower, upper), (torch.stack([lower[0], upper[1]]), torch.stack([upper[0], lower[1]]))):
        points = outlines(body, begin + t * (end - begin)).points
        moved = np.linalg.norm(np.diff(points, axis=0), axis=-1).max()
        assert moved < 0.65 * float((upper - lower).sum()) / 399


def test_a_muscle_that_changes_sides_does_so_where_its_moment_arm_does():
    geometry = mn.PolynomialGeometry(reference=[0.0, 0.0], a0=[0.3], a1=[[0.0], [-0.02]], a2=[[0.0], [0.01]])
    body = mn.Effector(mn.TwoDofArm(), mn.ReluMuscle(), geometry=geometry, muscle_names=["one"])
    elbow = torch.linspace(0, 2, 41, dtype=torch.float64)
    drawn = outlines(body, torch.stack([torch.zeros(41, dtype=torch.float64), elbow], 1))
    half, away = elbow.numpy() / 2, drawn.points[:, 1] - drawn.bones[:, 1]
    to_left = away[:, 1] * np.cos(half) - away[:, 0] * np.sin(half)
    np.testing.assert_allclose(to_left, 0.02 - 0.02 * elbow.numpy(), atol=1e-12)


def test_a_sliding_mass_is_pulled_along_lines_with_its_moment_arms():
    body = mn.FreePointMass24()
    h = 1e-5 * torch.eye(2, dtype=torch.float64)
    for joint in range(2):
        drawn = (lengths(body, grid(body, 5) + h[joint]) - lengths(body, grid(body, 5) - h[joint])) / 2e-5
        np.testing.assert_allclose(drawn, moment_arms(body, grid(body, 5))[:, joint], atol=1e-6)


@pytest.mark.parametrize("make", [mn.geometric_arm26, mn.ReluPointMass24])
def test_paths_are_those_of_the_body_where_it_has_some(make):
    body = make()
    postures = grid(body, 3)
    drawn = outlines(body, postures)
    assert not drawn.schematic
    for i, posture in enumerate(postures):
        bones, paths = outline(body, posture)
        np.testing.assert_array_equal(drawn.bones[i], bones)
        assert list(drawn.paths(i)) == list(paths)
        for name, path in drawn.paths(i).items():
            np.testing.assert_array_equal(path, paths[name])


def test_bodies_without_muscles_and_strange_skeletons_have_no_paths():
    "A skeleton whose bones are no chain says nothing about sides."
    bare = outlines(mn.Effector(mn.TwoDofArm(), mn.ReluMuscle()), torch.zeros(2, 2))
    assert bare.paths() == {} and bare.points.shape == (2, 0, 2) and not bare.schematic

    class Endpoint(mn.TwoDofArm):
        def bones(self, c, position):
            return self.endpoint(c, position).unsqueeze(1)

    lone = outlines(mn.Reacher(skeleton=Endpoint.arm26()), torch.zeros(1, 2))
    assert lone.paths() == {} and not lone.schematic


def test_physics_knows_nothing_of_schematic_paths(monkeypatch):
    "A body moves, and a muscle is as long, however its paths are drawn."
    from motornet_nb.body import outlines as module

    monkeypatch.setattr(module, "outlines", None)
    body = ARMS["rigid"]()
    state = body.initial_state(body.as_joint_state([0.8, 1.5]))
    assert body.advance(state, torch.full((1, 6), 0.3)).position.shape == (1, 2)
    assert outline(body, torch.zeros(2))[1] == {}

"Changes of a body, each giving a new body."

import json

import numpy as np
import pytest
import torch
from bodies import BODIES, make_body

import motornet_nb as mn
from motornet_nb.body import edits
from motornet_nb.body.posture import outline
from motornet_nb.core.places import with_value
from motornet_nb.core.script import as_python


def rebuilt(model, name="model"):
    made = {}
    exec(as_python(model, name), made)
    return made[name]


def test_two_hundred_random_states_can_be_rebuilt():
    "Whatever the builder's edits make, the code makes it too."
    rng = np.random.default_rng(3)
    muscles = [mn.ReluMuscle, mn.RigidTendonHillMuscleThelen, mn.MujocoHillMuscle, mn.RigidTendonHillMuscle]
    body = mn.geometric_arm26()
    for k in range(200):
        n = body.n_muscles
        kind = rng.integers(8)
        if kind == 0 and n < 9:
            body = edits.add_muscle(body)
        elif kind == 1 and n > 2:
            body = edits.remove_muscle(body, int(rng.integers(n)))
        elif kind == 2 and n:
            body = edits.rename_muscle(body, int(rng.integers(n)), f"muscle '{k}\"")
        elif kind == 3 and n:
            body = edits.move_point(body, int(rng.integers(n)), 0, rng.normal(0, 0.1, 2))
        elif kind == 4 and n:
            m = int(rng.integers(n))
            body = edits.insert_point(body, m, 1, int(rng.integers(3)), rng.normal(0, 0.1, 2))
        elif kind == 5:
            body = edits.with_muscle_model(body, muscles[rng.integers(4)]())
        elif kind == 6 and n:
            name = rng.choice(list(body.muscle.muscle_declarations))
            body = with_value(body, ("muscle_parameters", str(name), int(rng.integers(n))), rng.uniform(0.5, 1.5))
        else:
            body = with_value(body, ("skeleton", "l1"), rng.uniform(0.2, 0.4))
        assert rebuilt(body) == body
        assert mn.from_config(json.loads(json.dumps(body.to_config()))) == body


def test_muscles_come_and_go():
    "For every kind of geometry; parameters stay with their muscle."
    for name in ("RigidTendonArm26, thelen", "Reacher, relu", "geometric_arm26, relu"):
        body = make_body(name)
        strength = dict(zip(body.muscle_names, body.max_isometric_force.tolist(), strict=True))
        while body.n_muscles:
            body = edits.remove_muscle(body, 0)
            assert (
                dict(zip(body.muscle_names, body.max_isometric_force.tolist(), strict=True)).items() <= strength.items()
            )
    with pytest.raises(TypeError, match="are fixed"):
        edits.add_muscle(make_body("Reacher, relu"))
    with pytest.raises(ValueError, match="number of a muscle"):
        edits.remove_muscle(mn.geometric_arm26(), 6)


def test_a_point_is_where_it_was_dragged_to():
    "On every bone, in every posture."
    body, rng = mn.geometric_arm26(), np.random.default_rng(1)
    for m, bodies in enumerate(body.geometry.bodies):
        for k, which in enumerate(bodies):
            posture, place = torch.tensor(rng.uniform([0.1, 0.1], [2.2, 2.5])), rng.normal(0, 0.2, 2)
            moved = edits.move_point(body, m, k, edits.body_coordinates(body, posture, which, place))
            np.testing.assert_allclose(outline(moved, posture)[1][body.muscle_names[m]][k], place, atol=1e-6)
            others = [p for i, p in enumerate(moved.geometry.points) if i != m]
            assert all(
                torch.equal(a, b)
                for a, b in zip(others, [p for i, p in enumerate(body.geometry.points) if i != m], strict=True)
            )


def test_points_come_and_go():
    body = mn.geometric_arm26()
    more = edits.insert_point(body, 0, 1, 1, [0.01, 0.05])
    assert [len(b) for b in more.geometry.bodies] == [3, *(len(b) for b in body.geometry.bodies[1:])]
    assert edits.remove_point(more, 0, 1) == body
    assert edits.reattach_point(body, 0, 1, 2, [0.0, 0.0]).geometry.bodies[0] == [0, 2]
    with pytest.raises(ValueError, match="more than two"):
        edits.remove_point(body, 0, 0)
    with pytest.raises(ValueError, match="bodies of the skeleton"):
        edits.insert_point(body, 0, 0, 7, [0.0, 0.0])
    with pytest.raises(ValueError, match="paths"):
        edits.move_point(make_body("Reacher, relu"), 0, 0, [0, 0])


def test_other_muscle_models_and_skeletons():
    "What both know is kept."
    for name in BODIES:
        body = make_body(name)
        for model in (mn.ReluMuscle, mn.RigidTendonHillMuscleThelen, mn.CompliantTendonHillMuscle):
            other = edits.with_muscle_model(body, model())
            assert type(other.muscle) is model and other.muscle_names == body.muscle_names
            assert other.max_isometric_force.tolist() == body.max_isometric_force.tolist()
    assert edits.with_skeleton(mn.ReluPointMass24(), mn.PointMass(space_dim=3)).n_muscles == 0
    assert edits.with_skeleton(mn.ReluPointMass24(), mn.TwoDofArm()).n_muscles == 4

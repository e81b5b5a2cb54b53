"""Bodies in general: layouts of states, one step, muscles added, precision and device, independence, what is refused."""

import numpy as np
import pytest
import torch
from bodies import BODIES, MUSCLES, arm, ball, make_body, same, tensor

from motornet_nb import (
    CompliantTendonArm26,
    ConstantGeometry,
    Effector,
    FreePointMass24,
    PathGeometry,
    PointMass,
    ReluMuscle,
    ReluPointMass24,
    RigidTendonArm26,
    RigidTendonHillMuscleThelen,
    TwoDofArm,
    from_config,
)

PRECISE = torch.float64


# ---- layouts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BODIES)
def test_states_have_the_documented_layout(name):
    body = make_body(name)
    joints, space, muscles, columns = body.n_joints, body.space_dim, body.n_muscles, len(body.muscle.state_names)
    expected = {
        "joint": (3, 2 * joints),
        "cartesian": (3, 2 * space),
        "muscle": (3, columns, muscles),
        "geometry": (3, 2 + joints, muscles),
        "fingertip": (3, space),
    }
    for states in (body.reset(seed=0, options={"batch_size": 3}), body.step(torch.full((3, muscles), 0.2))):
        assert {k: tuple(v.shape) for k, v in states.items()} == expected
        assert all(torch.isfinite(v).all() for v in states.values())
        assert torch.equal(states["fingertip"], states["cartesian"][:, :space])


def test_columns_of_the_states_are_what_they_are_called():
    body = arm(dtype=PRECISE)
    states = body.reset(options={"joint_state": [0.8, 1.5, 1.0, -2.0]})
    state, g = body.state, body.state.geometry
    assert states["joint"][0].tolist() == [0.8, 1.5, 1.0, -2.0]
    assert torch.equal(states["geometry"][:, 0], g.length) and torch.equal(states["geometry"][:, 1], g.velocity)
    assert torch.equal(states["geometry"][:, 2:], g.moment_arm)
    for i, column in enumerate(body.muscle.state_names):
        assert torch.equal(states["muscle"][:, i], state.muscle[column])
    moved = torch.autograd.functional.jvp(
        lambda q: body.joint_to_cartesian(torch.cat((q, q)))[:2], tensor([0.8, 1.5]), tensor([1.0, -2.0])
    )
    assert torch.allclose(states["cartesian"][0], torch.cat(moved))


@pytest.mark.parametrize("shape", [(4,), (3, 4), (5, 3, 4)])
def test_joint_to_cartesian_takes_any_leading_axes(shape):
    body = arm(dtype=PRECISE)
    joint = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=PRECISE)
    cartesian = body.joint_to_cartesian(joint)
    assert cartesian.shape == shape
    each = torch.stack([body.joint_to_cartesian(row) for row in joint.reshape(-1, 4)])
    assert torch.equal(cartesian.reshape(-1, 4), each)


# ---- step -------------------------------------------------------------------------------------------------------------


def test_advance_does_not_change_its_arguments():
    body = arm(dtype=PRECISE)
    c = body.coefficients()
    state = body.initial_state(tensor([[0.8, 1.5, 1.0, -1.0]]), c)
    before = [x.clone() for x in (state.position, state.velocity, *state.muscle.values(), *state.geometry)]
    drive = torch.full((1, 6), 7.0, dtype=PRECISE)
    a, b = (body.advance(state, drive, c=c) for _ in range(2))
    after = (state.position, state.velocity, *state.muscle.values(), *state.geometry)
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True)) and drive.max() == 7
    assert same(body.stack_states(a, c), body.stack_states(b, c))


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("name", ["endpoint_load", "joint_load"])
def test_a_load_with_one_row_acts_on_every_trial(name, method):
    one, all_rows, row = (arm(integration_method=method) for _ in range(3))
    for body in (one, all_rows, row):
        body.reset(seed=0, options={"batch_size": 3})
    drive = torch.full((3, 6), 0.2)
    for _ in range(3):
        a = one.step(drive, **{name: [[2.0, -1.0]]})
        b = all_rows.step(drive, **{name: np.array([[2.0, -1.0]] * 3)})
        c = row.step(drive, **{name: torch.tensor([2.0, -1.0])})
        assert same(a, b) and same(a, c)
    for x in (tensor([[2.0, -1.0]], torch.float32), tensor([[2.0, -1.0]] * 3, torch.float32)):
        pure = one.advance(one.state, drive, **{name: x})
        assert pure.position.shape == (3, 2)


def test_a_drive_with_one_row_acts_on_every_trial():
    a, b = arm(), arm()
    for body in (a, b):
        body.reset(seed=0, options={"batch_size": 3})
    assert same(a.step([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), b.step(np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]] * 3)))


def test_trials_of_a_batch_do_not_influence_each_other(generator):
    body = arm(dtype=PRECISE)
    joint = 0.3 + torch.rand(4, 2, generator=generator, dtype=PRECISE)
    drive = torch.rand(4, 6, generator=generator, dtype=PRECISE)
    together = body.reset(options={"joint_state": joint}) and [body.step(drive) for _ in range(5)][-1]
    for i in range(4):
        body.reset(options={"joint_state": joint[i]})
        alone = [body.step(drive[i]) for _ in range(5)][-1]
        for key in together:
            assert torch.allclose(alone[key][0], together[key][i], rtol=1e-12, atol=1e-14), key


@pytest.mark.parametrize("drive", [[-1.0, 2.0, 0.5, 5.0, -0.3, 1.1]])
def test_drives_outside_zero_and_one_are_legal_and_clipped(drive):
    wild, tame = arm(), arm()
    for body in (wild, tame):
        body.reset(options={"joint_state": [0.8, 1.5]})
    for _ in range(5):
        a, b = wild.step(drive), tame.step(np.clip(drive, 0.001, 1.0))
    assert same(a, b)


def test_proprioception_is_lengths_then_velocities_over_their_scales():
    body = arm(dtype=PRECISE)
    body.reset(options={"joint_state": [0.8, 1.5, 1.0, -1.0]})
    states = body.step([0.2] * 6)
    got = body.proprioception(body.state, body.coefficients())[0]
    optimal = body.optimal_muscle_length
    assert torch.allclose(got[:6], states["muscle"][0, 1] / optimal)
    assert torch.allclose(got[6:], states["muscle"][0, 2] / (10 * optimal))
    compliant = CompliantTendonArm26(dtype=PRECISE)
    compliant.reset(options={"joint_state": [0.8, 1.5]})
    got = compliant.proprioception(compliant.state, compliant.coefficients())[0]
    assert torch.allclose(got[6:], compliant.states["muscle"][0, 2] / compliant.optimal_muscle_length)


# ---- muscles ----------------------------------------------------------------------------------------------------------


def test_muscles_can_be_added_one_by_one():
    body = ball(dtype=PRECISE)
    assert body.n_muscles == 0
    assert body.add_muscle([0, 1], [[2.0, 0.0], [0.0, 0.0]], max_isometric_force=100.0) is body
    body.add_muscle(
        [0, 0, 1], np.array([[0.0, 2.0], [0.0, 1.0], [0.0, 0.0]]), name="up", max_isometric_force=torch.tensor(50.0)
    )
    body.add_muscle([0, 1], torch.tensor([[-2.0, 0.0], [0.0, 0.0]]))
    assert body.muscle_names == ["muscle 1", "up", "muscle 3"] and body.n_muscles == 3
    assert body.max_isometric_force.tolist() == [100.0, 50.0, 1.0]
    states = body.reset(options={"joint_state": [0.0, 0.0]})
    assert states["geometry"][0, 0].tolist() == [2.0, 2.0, 2.0]
    states = [body.step([0.5, 0.5, 0.5]) for _ in range(40)][-1]
    assert (states["joint"][0, :2] > 0.1).all()


def test_a_prebuilt_body_with_paths_takes_more_muscles():
    body = ReluPointMass24().add_muscle([0, 1], [[0.0, 3.0], [0.0, 0.0]], name="up")
    assert body.max_isometric_force.tolist() == [500.0] * 5
    assert body.reset()["muscle"].shape == (1, 4, 5)
    assert from_config(body.to_config()) == body


def test_a_muscle_that_was_refused_leaves_the_body_as_it_was():
    body = ReluPointMass24()
    config = body.to_config()
    for arguments in (
        {"path_fixation_body": [0, 7], "path_coordinates": [[0, 0], [1, 1]]},
        {"path_fixation_body": [0, 1], "path_coordinates": [[0, 0], [1, 1]], "max_isometric_force": -1.0},
        {"path_fixation_body": [0, 1], "path_coordinates": [[0, 0], [1, 1]], "name": "upper left"},
        {"path_fixation_body": [0, 1], "path_coordinates": [[0, 0], [1, 1]], "colour": 3},
    ):
        with pytest.raises((ValueError, TypeError)):
            body.add_muscle(**arguments)
        assert body.to_config() == config


def test_muscles_of_a_polynomial_body_are_fixed():
    with pytest.raises(TypeError, match="the muscles of a PolynomialGeometry are fixed"):
        arm().add_muscle([0, 1], [[0, 0], [1, 1]])


def test_a_body_without_muscles_says_so():
    with pytest.raises(ValueError, match=r"Effector has no muscles yet; add one with add_muscle\(...\)"):
        ball().reset()
    with pytest.raises(ValueError, match=r"max_isometric_force = 5.0 .* given to add_muscle"):
        ball(max_isometric_force=5.0)


def test_registered_parameters_are_found_and_optimised():
    mass = torch.nn.Parameter(torch.tensor(2.0))
    strength = torch.nn.Parameter(torch.full((4,), 5.0))
    body = FreePointMass24(skeleton=PointMass(mass=mass), max_isometric_force=strength)
    assert {id(p) for p in body.parameters()} == {id(mass), id(strength)}
    optimiser = torch.optim.SGD(body.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        body.reset(options={"joint_state": [0.0, 0.0]})
        for _ in range(5):
            states = body.step([0.8, 0.1, 0.0, 0.0])
        states["fingertip"].sum().mul(1000).backward()
        optimiser.step()
    assert mass.item() != 2.0 and body.skeleton.mass is mass
    assert body.to_config()["skeleton"]["mass"] == mass.item()


# ---- precision and device ---------------------------------------------------------------------------------------------

TO_DOUBLE = {
    "dtype": lambda make: make(dtype=PRECISE),
    "dtype as text": lambda make: make(dtype="float64"),
    "double()": lambda make: make().double(),
    "to(dtype)": lambda make: make().to(PRECISE),
    "to(dtype=)": lambda make: make().to(dtype=PRECISE),
    "replace": lambda make: make().replace(dtype="torch.float64"),
}


@pytest.mark.parametrize("how", TO_DOUBLE)
@pytest.mark.parametrize("make", [arm, ReluPointMass24, CompliantTendonArm26])
def test_double_precision_reaches_everything_that_is_reset_and_stepped(make, how):
    body = TO_DOUBLE[how](make)
    assert body.dtype == PRECISE
    reference = make(dtype=PRECISE)
    drive = torch.rand(3, body.n_muscles, generator=torch.Generator().manual_seed(1))
    for b in (body, reference):
        b.reset(seed=5, options={"batch_size": 3})
        b.step(drive, endpoint_load=np.float32([1.0, 0.5]))
    assert same(body.states, reference.states)
    assert all(v.dtype == PRECISE for v in body.states.values())
    state = body.state
    assert all(v.dtype == PRECISE for v in (state.position, state.velocity, *state.muscle.values(), *state.geometry))


def test_single_precision_is_the_default_and_can_be_asked_back():
    assert all(v.dtype == torch.float32 for v in arm().reset().values())
    body = arm().double().float()
    assert body.dtype == torch.float32 and all(v.dtype == torch.float32 for v in body.reset().values())
    assert body == arm() and body.max_isometric_force.dtype == PRECISE


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_other_precisions_are_refused_and_leave_the_body_as_it_was(dtype):
    body = arm()
    with pytest.raises(ValueError, match=f"dtype = {dtype} is not allowed; it must be torch.float32 or torch.float64"):
        body.to(dtype)
    assert body.dtype == torch.float32 and same(body.reset(seed=0), arm().reset(seed=0))


def tensors_of(body):
    "Every tensor of a body and its parts."
    return [*body.buffers(), *body.parameters()]


@pytest.mark.parametrize("make", [arm, ReluPointMass24, CompliantTendonArm26])
def test_a_move_to_another_device_reaches_every_part(make):
    for body in (make().to("meta"), make(device="meta"), make().to(torch.device("meta")), make().to(device="meta")):
        assert body.device.type == "meta"
        assert {t.device.type for t in tensors_of(body)} == {"meta"}
        assert {t.device.type for t in tensors_of(body.skeleton) + tensors_of(body.muscle)} == {"meta"}
    body = make().to("cpu")
    assert body.device.type == "cpu" and body == make()


def test_a_body_inside_a_module_follows_it():
    outer = torch.nn.ModuleDict({"body": arm()}).double()
    assert outer["body"].dtype == PRECISE and outer["body"].reset()["joint"].dtype == PRECISE
    assert outer.to("meta")["body"].device.type == "meta"


# ---- independence -----------------------------------------------------------------------------------------------------


def test_two_bodies_on_the_same_parts_do_not_affect_each_other():
    muscle, skeleton = RigidTendonHillMuscleThelen(), TwoDofArm.arm26()
    first = RigidTendonArm26(muscle, skeleton)
    alone = RigidTendonArm26(RigidTendonHillMuscleThelen())
    second = Effector(skeleton, muscle, pos_lower_bound=0.1, pos_upper_bound=0.6, timestep=0.005, dtype=PRECISE)
    second.add_muscle([0, 1], [[0.1, 0.0], [0.2, 0.0]], max_isometric_force=2.0)
    assert first == alone and first.max_isometric_force.tolist() == alone.max_isometric_force.tolist()
    assert second.max_isometric_force.tolist() == [2.0] and second.n_muscles == 1
    assert first.pos_upper_bound.tolist() == alone.pos_upper_bound.tolist()
    assert second.pos_upper_bound.tolist() == [0.6, 0.6]
    for body in (first, alone):
        body.reset(seed=0)
    second.reset(seed=9)
    for _ in range(3):
        a, b = first.step([0.3] * 6), alone.step([0.3] * 6)
        second.step([1.0])
    assert same(a, b)
    assert first.dtype == torch.float32 and first.states["joint"].dtype == torch.float32


def test_precision_of_one_body_is_not_that_of_another_on_the_same_parts():
    muscle, skeleton = RigidTendonHillMuscleThelen(), TwoDofArm.arm26()
    first, second = RigidTendonArm26(muscle, skeleton), RigidTendonArm26(muscle, skeleton)
    second.double()
    assert first.reset()["muscle"].dtype == torch.float32 and second.reset()["muscle"].dtype == PRECISE


def test_paths_added_to_one_body_do_not_appear_in_another():
    paths = PathGeometry(bodies=[[0, 1]], points=[[[1.0, 0.0], [0.0, 0.0]]])
    first, second = (Effector(PointMass(), ReluMuscle(), geometry=paths) for _ in range(2))
    first.add_muscle([0, 1], [[0.0, 1.0], [0.0, 0.0]])
    assert (first.n_muscles, second.n_muscles, paths.n_muscles) == (2, 1, 1)


# ---- what does not fit together ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pos_lower_bound": 3.0}, "pos_lower_bound = [3.0, 3.0] is not allowed; it must be below pos_upper_bound"),
        ({"pos_lower_bound": [0.1, 9.0]}, "pos_lower_bound = [0.1, 9.0]"),
        ({"pos_lower_bound": 1.0, "pos_upper_bound": 1.0}, "pos_lower_bound = [1.0, 1.0]"),
        ({"vel_lower_bound": 0.0, "vel_upper_bound": 0.0}, "vel_lower_bound = [0.0, 0.0]"),
        (
            {"pos_upper_bound": [1.0, 2.0, 3.0]},
            "pos_upper_bound = [1.0, 2.0, 3.0] is not allowed; it must be one number, or one",
        ),
        (
            {"vel_upper_bound": [[1.0, 2.0]]},
            "vel_upper_bound = [[1.0, 2.0]] is not allowed; it must be one number, or one",
        ),
        (
            {"muscle_names": ["a"] * 6},
            "muscle_names = ['a', 'a', 'a', 'a', 'a', 'a'] is not allowed; it must be 6 different",
        ),
        ({"muscle_names": ["a", "b"]}, "muscle_names = ['a', 'b']"),
        ({"muscle_names": ["", "b", "c", "d", "e", "f"]}, "muscle_names = ["),
        (
            {"max_isometric_force": [1.0, 2.0]},
            "max_isometric_force = [1.0, 2.0] is not allowed; it must be one number, or one",
        ),
        ({"max_isometric_force": [[1.0] * 6]}, "max_isometric_force = [[1.0, 1.0"),
        (
            {"tendon_length": 0.0},
            "tendon_length = 0.0 is not allowed; it must be a finite number above 0 m, for each muscle",
        ),
        ({"optimal_muscle_length": "long"}, "optimal_muscle_length = 'long'"),
        ({"integration_method": "rk5"}, "integration_method = 'rk5' is not allowed; it must be one of 'euler', 'rk4'"),
        ({"device": "gpu"}, "device = 'gpu' is not allowed; it must be a torch device"),
        ({"dtype": "float16"}, "dtype = 'float16' is not allowed; it must be torch.float32 or torch.float64"),
        (
            {"muscle_parameters": 5, "max_isometric_force": 1.0},
            "muscle_parameters = 5 is not allowed; it must be a dict",
        ),
        ({"geometry": ConstantGeometry(moment_arm=[[1.0]])}, "geometry = ConstantGeometry"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(ValueError, match="RigidTendonArm26: ") as caught:
        arm(**arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", MUSCLES)
def test_every_muscle_model_works_on_paths_over_every_skeleton(name):
    for skeleton in (PointMass(space_dim=1), PointMass(), PointMass(space_dim=3), TwoDofArm()):
        body = Effector(skeleton, MUSCLES[name](), integration_method="rk4", timestep=0.001)
        n = skeleton.space_dim
        sizes = {} if name == "relu" else {"optimal_muscle_length": 3.0, "tendon_length": 0.5}
        body.add_muscle([0, 1], [[1.5] * n, [0.1] * n], **sizes)
        body.add_muscle([0, skeleton.n_bodies - 1], [[-2.5] * n, [0.1] * n], **sizes)
        body.reset(seed=0, options={"batch_size": 2})
        states = [body.step([0.4, 0.2]) for _ in range(3)][-1]
        assert all(torch.isfinite(v).all() for v in states.values())
        assert states["geometry"].shape == (2, 2 + skeleton.n_joints, 2)

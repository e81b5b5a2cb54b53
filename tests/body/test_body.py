"""Effectors in general: reset and step, layouts of states, muscles added, precision and device, independence."""

import numpy as np
import pytest
import torch
from bodies import BODIES, MUSCLES, make_body, tensor

from motornet_nb import (
    CompliantTendonArm26,
    ConstantGeometry,
    Effector,
    FreePointMass24,
    PathGeometry,
    PointMass,
    Reacher,
    ReluMuscle,
    ReluPointMass24,
    RigidTendonArm26,
    RigidTendonHillMuscleThelen,
    TwoDofArm,
    from_config,
)

PRECISE = torch.float64


def arm(**arguments):
    "The arm most tests use."
    return RigidTendonArm26(RigidTendonHillMuscleThelen(), **arguments)


def ball(**arguments):
    "A point mass without muscles."
    return Effector(PointMass(), ReluMuscle(), **arguments)


def same(a, b):
    "Whether two dicts of states are equal bit for bit."
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


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


# ---- reset ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convert", [lambda x: x, np.array, torch.tensor, lambda x: torch.tensor(x, dtype=PRECISE)])
@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize(("rows", "batch_size"), [(0, None), (1, None), (0, 3), (1, 3), (3, None), (3, 3)])
def test_a_joint_state_has_positions_or_both_and_one_row_or_a_batch(convert, columns, rows, batch_size):
    row = [0.75, 1.5, 0.5, -0.25][:columns]
    given = convert([row] * rows if rows else row)
    body = arm()
    states = body.reset(options={"joint_state": given, "batch_size": batch_size})
    expected = torch.tensor(row + [0.0] * (4 - columns)).expand(batch_size or max(rows, 1), -1)
    assert torch.equal(states["joint"], expected)


def test_rows_of_a_batch_stay_in_order():
    rows = [[0.1 * i, 0.2 * i] for i in range(5)]
    joint = arm(dtype=PRECISE).reset(options={"joint_state": rows})["joint"]
    assert joint[:, :2].tolist() == rows


def test_numpy_and_torch_joint_states_give_the_same_body():
    a, b = arm(), arm()
    x = np.array([[0.4, 1.3], [0.7, 0.9]])
    assert same(a.reset(options={"joint_state": x}), b.reset(options={"joint_state": torch.from_numpy(x)}))


def test_a_start_at_random_is_within_the_limits_and_at_rest():
    body = arm(pos_lower_bound=[0.5, 0.2], pos_upper_bound=[0.7, 1.8])
    joint = body.reset(seed=4, options={"batch_size": 2000})["joint"]
    low, high = joint[:, :2].min(0).values, joint[:, :2].max(0).values
    assert (low >= torch.tensor([0.5, 0.2])).all() and (high <= torch.tensor([0.7, 1.8])).all()
    assert torch.allclose(low, torch.tensor([0.5, 0.2]), atol=0.01) and torch.allclose(
        high, torch.tensor([0.7, 1.8]), atol=0.01
    )
    assert not joint[:, 2:].any()


@pytest.mark.parametrize("name", BODIES)
def test_a_seed_reproduces_bit_for_bit(name):
    first, second = make_body(name), make_body(name)
    kept = [b.reset(seed=7, options={"batch_size": 2}) for b in (first, second)]
    assert same(*kept)
    follow = [b.reset(options={"batch_size": 2}) for b in (first, second)]
    assert same(*follow) and not torch.equal(kept[0]["joint"], follow[0]["joint"])
    assert same(first.reset(seed=7, options={"batch_size": 2}), kept[0])
    assert not torch.equal(first.reset(seed=8, options={"batch_size": 2})["joint"], kept[0]["joint"])


def test_a_seed_gives_the_same_start_in_both_precisions_whatever_was_done_before():
    single, double = arm(), arm(dtype=PRECISE)
    a = single.reset(seed=3, options={"batch_size": 4})["joint"]
    for _ in range(5):
        double.reset()
        double.step([0.5] * 6)
    b = double.reset(seed=np.int64(3), options={"batch_size": np.int64(4)})["joint"]
    assert torch.equal(a, b.float())


def test_bodies_without_a_seed_start_differently_and_leave_torchs_own_stream_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    a, b = arm().reset()["joint"], arm().reset()["joint"]
    assert not torch.equal(a, b)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("dtype", [torch.float32, PRECISE])
def test_the_limits_themselves_are_inside_the_limits(dtype):
    body = arm(dtype=dtype, vel_lower_bound=-0.1, vel_upper_bound=0.1)
    lower, upper = body.pos_lower_bound, body.pos_upper_bound
    for at, speed in ((lower, -0.1), (upper, 0.1)):
        for kind in (torch.float32, PRECISE):
            given = torch.cat((at, torch.full((2,), speed, dtype=PRECISE))).to(kind)
            assert torch.allclose(body.reset(options={"joint_state": given})["joint"][0], given.to(dtype))


@pytest.mark.parametrize(
    ("joint_state", "words"),
    [
        ([-0.1, 1.0], "within the position limits"),
        ([1.0, 3.0], "within the position limits"),
        ([[1.0, 1.0], [1.0, 2.8]], "within the position limits"),
        ([1.0, 1.0, 2000.0, 0.0], "within the velocity limits"),
        ([1.0], "finite numbers with 2 columns (positions) or 4 (positions and velocities)"),
        ([1.0, 1.0, 0.0], "finite numbers with 2 columns (positions) or 4"),
        ([[[1.0, 1.0]]], "finite numbers with 2 columns"),
        (np.zeros((0, 2)), "finite numbers with 2 columns"),
        (1.0, "finite numbers with 2 columns"),
        ([float("nan"), 1.0], "finite numbers with 2 columns"),
        ("middle", "finite numbers with 2 columns"),
        ([True, False], "finite numbers with 2 columns"),
        (torch.tensor([1 + 0j, 1.0]), "finite numbers with 2 columns"),
    ],
)
def test_impossible_joint_states_are_refused(joint_state, words):
    with pytest.raises(ValueError, match="RigidTendonArm26: joint_state = ") as caught:
        arm().reset(options={"joint_state": joint_state})
    assert words in str(caught.value)


def test_a_batch_size_that_does_not_fit_the_rows_is_refused():
    with pytest.raises(ValueError, match=r"joint_state = .* must be 1 row or batch_size = 4 rows"):
        arm().reset(options={"joint_state": [[1.0, 1.0]] * 3, "batch_size": 4})


# ---- step -------------------------------------------------------------------------------------------------------------


def test_states_that_were_kept_do_not_change_later():
    body = arm()
    kept = [body.reset(seed=0)] + [body.step([0.6] * 6) for _ in range(3)]
    copies = [{k: v.clone() for k, v in s.items()} for s in kept]
    state, muscle = body.state, dict(body.state.muscle)
    for _ in range(5):
        body.step([0.1] * 6)
    body.reset(seed=1)
    assert all(same(a, b) for a, b in zip(kept, copies, strict=True))
    assert state.muscle == muscle or all(torch.equal(state.muscle[k], muscle[k]) for k in muscle)
    assert not torch.equal(kept[0]["muscle"], kept[1]["muscle"])


def test_writing_into_kept_states_does_not_disturb_the_body():
    body, other = arm(), arm()
    states = body.reset(seed=0)
    other.reset(seed=0)
    for value in states.values():
        value.fill_(99.0)
    assert same(body.step([0.3] * 6), other.step([0.3] * 6))
    assert same(body.states, other.states)


def test_the_shell_and_the_pure_functions_do_the_same():
    body = CompliantTendonArm26(dtype=PRECISE)
    body.reset(options={"joint_state": [[0.8, 1.5], [0.5, 1.0]]})
    c, state = body.coefficients(), body.state
    drive, push, torque = torch.full((2, 6), 0.4).double(), tensor([[1.0, 2.0]] * 2), tensor([[0.1, -0.2]] * 2)
    for _ in range(3):
        state = body.advance(state, drive, push, torque, c)
        states = body.step(drive, endpoint_load=push, joint_load=torque)
        assert same(states, body.stack_states(state, c))
    assert same(body.stack_states(body.advance(state, drive), c), body.step(drive)), "loads are 0 by default"


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


def test_nothing_can_be_stepped_before_a_reset():
    body = arm()
    for use in (lambda: body.step([0.0] * 6), lambda: body.state, lambda: body.states):
        with pytest.raises(RuntimeError, match=r"RigidTendonArm26 has no state yet: call reset\(\) first"):
            use()


def test_gradients_flow_through_the_shell():
    body = ReluPointMass24(dtype=PRECISE)
    start = tensor([0.1, -0.2]).requires_grad_()
    body.reset(options={"joint_state": start})
    drive = torch.full((1, 4), 0.1, dtype=PRECISE, requires_grad=True)
    push = torch.zeros(1, 2, dtype=PRECISE, requires_grad=True)
    for _ in range(4):
        states = body.step(drive, endpoint_load=push)
    grads = torch.autograd.grad(states["fingertip"].sum() + states["geometry"].sum(), (start, drive, push))
    assert all((g != 0).all() for g in grads)


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


def test_names_of_added_muscles_do_not_collide():
    body = ball().add_muscle([0, 1], [[1, 0], [0, 0]], name="muscle 2")
    body.add_muscle([0, 1], [[1, 0], [0, 0]])
    body.add_muscle([0, 1], [[1, 0], [0, 0]])
    assert len(set(body.muscle_names)) == 3


def test_a_prebuilt_body_with_paths_takes_more_muscles():
    body = ReluPointMass24().add_muscle([0, 1], [[0.0, 3.0], [0.0, 0.0]], name="up")
    assert body.max_isometric_force.tolist() == [500.0] * 5
    assert body.reset()["muscle"].shape == (1, 4, 5)
    assert from_config(body.to_config()) == body


def test_adding_a_muscle_asks_for_a_new_reset():
    body = ReluPointMass24()
    body.reset()
    body.add_muscle([0, 1], [[0.0, 3.0], [0.0, 0.0]])
    with pytest.raises(RuntimeError, match="call reset"):
        body.step([0.1] * 5)
    body.reset()
    assert body.step([0.1] * 5)["muscle"].shape == (1, 4, 5)


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


@pytest.mark.parametrize("value", [3.0, [3.0], [3.0] * 6, np.full(6, 3.0), torch.full((6,), 3.0), (3.0,) * 6])
def test_muscle_parameters_are_honoured(value):
    assert arm(max_isometric_force=value).max_isometric_force.tolist() == [3.0] * 6
    assert arm(muscle_parameters={"max_isometric_force": value}).max_isometric_force.tolist() == [3.0] * 6
    body = CompliantTendonArm26(normalized_slack_muscle_length=1.2, max_isometric_force=value)
    assert body.normalized_slack_muscle_length.tolist() == [1.2] * 6 and body.max_isometric_force.tolist() == [3.0] * 6


def test_muscle_parameters_can_be_learnt_whatever_their_form():
    for strength in (
        torch.tensor(300.0, requires_grad=True),
        torch.full((6,), 300.0, dtype=PRECISE, requires_grad=True),
    ):
        body = arm(max_isometric_force=strength)
        state = body.initial_state(body.as_joint_state([0.8, 1.5]))
        for _ in range(3):
            state = body.advance(state, torch.full((1, 6), 0.3))
        state.velocity.square().sum().backward()
        assert (strength.grad != 0).all() and strength.grad.dtype == strength.dtype


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


def test_a_state_that_is_there_follows_the_precision():
    body = arm()
    kept = body.reset(seed=0)
    body.double()
    assert body.states["joint"].dtype == PRECISE and torch.equal(body.states["joint"].float(), kept["joint"])
    assert body.step([0.1] * 6)["muscle"].dtype == PRECISE


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


def test_a_state_that_is_there_follows_the_device():
    body = arm()
    body.reset()
    state = body.to("meta").state
    assert {t.device.type for t in (state.position, *state.muscle.values(), *state.geometry)} == {"meta"}


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


def test_parameters_that_the_muscle_model_does_not_have_are_refused():
    with pytest.raises(TypeError, match=r"a ReluMuscle has no 'tendon_length' \(= 0.1\); it has max_isometric_force"):
        Reacher(tendon_length=0.1)
    with pytest.raises(TypeError, match=r"a RigidTendonHillMuscleThelen has no 'strength'"):
        arm(muscle_parameters={"strength": 3.0})
    with pytest.raises(
        TypeError, match=r"RigidTendonArm26 has no argument 'strength' \(= 3.0\); it has muscle, skeleton"
    ):
        arm(strength=3.0)


@pytest.mark.parametrize("options", [[], "x", 3])
def test_options_must_be_a_dict(options):
    with pytest.raises(TypeError, match=r"Effector.reset: options = .* must be a dict with batch_size, joint_state"):
        arm().reset(options=options)


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


# ---- remembered coefficients ---------------------------------------------------------------------------------------


def alike(a, b):
    "Whether two sets of coefficients are equal bit for bit."
    for x, y in zip(a, b, strict=True):
        if isinstance(x, dict):
            if x.keys() != y.keys() or not all(torch.equal(x[k], y[k]) for k in x):
                return False
        elif x is not y and not torch.equal(x, y):
            return False
    return True


def test_coefficients_are_formed_again_only_when_something_has_changed():
    body = arm()
    first, second = body.coefficients(), body.coefficients()
    assert all(first.muscle[k] is second.muscle[k] for k in first.muscle)
    second.muscle.clear()  # a copy: what others got stays as it is
    assert body.coefficients().muscle.keys() == first.muscle.keys()
    assert torch.equal(body.endpoint_at(torch.tensor([[0.5, 1.0]])), body.endpoint_at(torch.tensor([[0.5, 1.0]])))


def bend_mass(body):
    body.skeleton.m1.mul_(1.5)


def bend_data(body):
    body.max_isometric_force.data[2] = 900.0


def bend_numpy(body):
    body.geometry.a1.numpy()[0, 0] = -0.05


def bend_buffer(body):
    body.muscle._buffers["tau_activation"] = torch.tensor(0.03, dtype=torch.float64)


@pytest.mark.parametrize("change", [bend_mass, bend_data, bend_numpy, bend_buffer])
def test_a_change_by_whatever_way_is_seen(change):
    "The same coefficients as those of a body that never formed any before the change."
    used, fresh = arm(), arm()
    before = used.coefficients()
    hand = used.endpoint_at(torch.tensor([[0.5, 1.0]]))
    change(used)
    change(fresh)
    after = used.coefficients()
    assert alike(after, fresh.coefficients()) and not alike(after, before)
    assert torch.equal(hand, used.endpoint_at(torch.tensor([[0.5, 1.0]])))  # no length of a bone was changed


def test_an_own_attribute_of_a_part_is_seen():
    class Scaled(RigidTendonHillMuscleThelen):
        scale = 1.0

        def coefficients(self, muscles):
            return super().coefficients(muscles) | {"scale": self.scale * torch.ones(1)}

    body = RigidTendonArm26(Scaled())
    assert body.coefficients().muscle["scale"] == 1
    body.muscle.scale = 2.0
    assert body.coefficients().muscle["scale"] == 2


def test_bones_that_are_changed_move_the_hand():
    body = arm()
    before = body.endpoint_at(torch.zeros(1, 2))
    body.skeleton.l1.add_(0.1)
    assert torch.allclose(body.endpoint_at(torch.zeros(1, 2)) - before, torch.tensor([[0.1, 0.0]]), atol=1e-6)


def test_precision_is_seen_and_what_is_learnt_is_formed_every_time():
    body = arm()
    assert body.coefficients().muscle["max_isometric_force"].dtype == torch.float32
    assert body.double().coefficients().muscle["max_isometric_force"].dtype == PRECISE
    mass = torch.nn.Parameter(torch.tensor(1.8, dtype=PRECISE))
    body = arm(skeleton=TwoDofArm.arm26(m1=mass))
    for _ in range(2):
        body.coefficients().skeleton["m11"].sum().backward()  # a second backward through one graph would fail
    assert mass.grad is not None


def test_coefficients_from_inference_do_not_hinder_training():
    body = arm()
    with torch.inference_mode():
        body.coefficients()
    start = torch.full((1, 2), 0.7, requires_grad=True)
    body.endpoint_at(start).sum().backward()
    assert start.grad.abs().sum() > 0


def test_coefficients_of_a_class_of_ones_own_follow_whatever_it_reads():
    "A dict of the muscle's and a global: they are formed anew, where those of this package's classes are remembered."

    class Scaled(ReluMuscle):
        def setup(self):
            self.table = {"strength": 1.0}

        def coefficients(self, muscles):
            c = super().coefficients(muscles)
            return c | {"max_isometric_force": self.table["strength"] * c["max_isometric_force"]}

    body = FreePointMass24(muscle=Scaled())
    force = body.coefficients().muscle["max_isometric_force"]
    body.muscle.table["strength"] = 0.5
    torch.testing.assert_close(body.coefficients().muscle["max_isometric_force"], 0.5 * force)

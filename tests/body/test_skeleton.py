"""Skeletons: inertia, acceleration, kinematics, joint limits."""

import json
import math

import numpy as np
import pytest
import torch
from bodies import assert_golden, tensor

from motornet_nb import FreePointMass24, PointMass, Reacher, Skeleton, TwoDofArm
from motornet_nb.body.skeleton import stop_at_limits

PRECISE = torch.float64
SKELETONS = {
    "point mass 1d": PointMass(space_dim=1, mass=0.7),
    "point mass 2d": PointMass(mass=2.5),
    "point mass 3d": PointMass(space_dim=3),
    "generic arm": TwoDofArm(),
    "arm26": TwoDofArm.arm26(),
    "arm26 viscous": TwoDofArm.arm26(viscosity=0.35),
}


def random_states(skeleton, generator, n=20):
    "Positions, velocities, torques and endpoint forces."
    sizes = (skeleton.n_joints, skeleton.n_joints, skeleton.n_joints, skeleton.space_dim)
    position, velocity, torque, force = (2 * torch.rand(n, k, generator=generator, dtype=PRECISE) - 1 for k in sizes)
    return 1.2 + position, 5 * velocity, 10 * torque, 10 * force


def arm_of(golden, index):
    "The arm of one parameter set of the golden file."
    name = str(golden["parameter_set"].values[index])
    return TwoDofArm(**json.loads(golden.attrs["parameters"])[name])


def check_one_step(body, golden, precision, dtype, cartesian, torque):
    "Acceleration, cartesian state and one Euler step with limits, muscles being idle."
    joint, load, push = (tensor(golden[k], dtype) for k in ("joint", "endpoint_load", torque))
    c = body.coefficients()
    position, velocity = joint.tensor_split(2, 1)
    acceleration = body.skeleton.acceleration(c.skeleton, position, velocity, push, load)
    assert_golden(acceleration, golden[f"acceleration_{precision}"], precision, 2e-3, "acceleration")
    got = body.joint_to_cartesian(joint, c)
    assert_golden(got, golden[f"cartesian_{precision}"], precision, cartesian, "cartesian")
    # the body does not refuse the samples beyond its limits: `advance` checks nothing
    after = body.advance(body.initial_state(joint, c), torch.zeros(len(joint), 4, dtype=dtype), load, push, c)
    got = torch.cat((after.position, after.velocity), 1)
    assert_golden(got, golden[f"next_joint_{precision}"], precision, 1e-4, "next joint state")


@pytest.mark.parametrize("index", range(3))
def test_arm_agrees_with_the_golden_numbers(reference, precision, dtype, index):
    golden = reference("skeleton_two_dof_arm")
    upper = [math.radians(140), math.radians(160)]
    arm = arm_of(golden, index)
    body = Reacher(skeleton=arm, dtype=dtype, pos_upper_bound=upper, timestep=float(golden.attrs["dt"]))
    golden = golden.isel(parameter_set=index)
    beyond = (golden["joint"][:, :2] < 0) | (golden["joint"][:, :2] > upper)
    assert beyond.any(), "the golden file has samples beyond the limits"
    check_one_step(body, golden, precision, dtype, 1e-5, "torque")


@pytest.mark.parametrize("index", range(2))
def test_point_mass_agrees_with_the_golden_numbers(reference, precision, dtype, index):
    golden = reference("skeleton_point_mass").isel(mass=index)
    mass = PointMass(mass=float(golden["mass"]))
    step = float(golden.attrs["dt"])
    body = FreePointMass24(skeleton=mass, dtype=dtype, timestep=step, pos_lower_bound=-1.0, pos_upper_bound=1.0)
    assert (abs(golden["joint"][:, :2]) > 1).any(), "the golden file has samples beyond the limits"
    check_one_step(body, golden, precision, dtype, 1e-6, "force")


@pytest.mark.parametrize("name", SKELETONS)
def test_inertia_times_acceleration_balances_the_forces(name, generator):
    skeleton = SKELETONS[name]
    position, velocity, torque, force = random_states(skeleton, generator)
    c = skeleton.coefficients()
    still = torch.zeros_like(velocity)
    acceleration = skeleton.acceleration(c, position, still, torque, force)
    inertial = (skeleton.inertia(c, position) @ acceleration.unsqueeze(-1)).squeeze(-1)
    pushed = torque + (skeleton.jacobian(c, position).mT @ force.unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(inertial, pushed, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", SKELETONS)
def test_an_endpoint_load_is_the_torque_that_the_jacobian_says(name, generator):
    skeleton = SKELETONS[name]
    position, velocity, torque, force = random_states(skeleton, generator)
    c = skeleton.coefficients()
    jacobian = torch.stack(
        [torch.autograd.functional.jacobian(lambda q: skeleton.endpoint(c, q[None])[0], q) for q in position]
    )
    assert torch.allclose(skeleton.jacobian(c, position).expand_as(jacobian), jacobian, atol=1e-14)
    as_torque = (jacobian.mT @ force.unsqueeze(-1)).squeeze(-1)
    with_load = skeleton.acceleration(c, position, velocity, torque, force)
    with_torque = skeleton.acceleration(c, position, velocity, torque + as_torque)
    assert torch.allclose(with_load, with_torque, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", SKELETONS)
def test_endpoint_velocity_is_the_derivative_of_the_endpoint(name, generator):
    skeleton = SKELETONS[name]
    position, velocity, *_ = random_states(skeleton, generator)
    c = skeleton.coefficients()
    _, slope = torch.func.jvp(lambda q: skeleton.endpoint(c, q), (position,), (velocity,))
    assert torch.allclose(skeleton.endpoint_velocity(c, position, velocity), slope, atol=1e-13)


@pytest.mark.parametrize("name", SKELETONS)
def test_points_on_bodies_move_as_their_jacobian_says(name, generator):
    skeleton = SKELETONS[name]
    position, velocity, *_ = random_states(skeleton, generator)
    c = skeleton.coefficients()
    body = torch.arange(skeleton.n_bodies).repeat(2)
    point = torch.rand(len(body), skeleton.space_dim, generator=generator, dtype=PRECISE) - 0.5
    world, jacobian = skeleton.attach(c, position, body, point)
    assert world.shape == (20, len(body), skeleton.space_dim)
    assert jacobian.shape == (20, skeleton.n_joints, len(body), skeleton.space_dim)
    assert torch.equal(world[:, body == 0], point[body == 0].expand(20, -1, -1))
    _, slope = torch.func.jvp(lambda q: skeleton.attach(c, q, body, point)[0], (position,), (velocity,))
    assert torch.allclose((jacobian * velocity[:, :, None, None]).sum(1), slope, atol=1e-13)


def test_points_on_bones_are_along_and_to_the_left():
    arm = TwoDofArm.arm26()
    posture = tensor([[0.3, 0.9]])
    body, point = torch.tensor([1, 2, 2]), tensor([[0.309, 0.0], [0.333, 0.0], [0.0, 0.02]])
    world, _ = arm.attach(arm.coefficients(), posture, body, point)
    shoulder, elbow, hand = arm.bones(arm.coefficients(), posture)[0]
    assert shoulder.tolist() == [0.0, 0.0]
    assert torch.allclose(world[0, 0], elbow) and torch.allclose(world[0, 1], hand)
    assert torch.allclose(elbow, 0.309 * tensor([math.cos(0.3), math.sin(0.3)]))
    to_the_left = 0.02 * tensor([-math.sin(1.2), math.cos(1.2)])
    assert torch.allclose(world[0, 2] - elbow, to_the_left)


def test_the_hand_of_arm26_at_the_usual_start_posture():
    arm = TwoDofArm.arm26()
    hand = arm.endpoint(arm.coefficients(), tensor([[math.radians(45), math.radians(90)]]))
    assert hand[0].tolist() == pytest.approx([-0.01697, 0.45396], abs=1e-5)


def test_viscosity_brakes_both_joints():
    c, viscous = (a.coefficients() for a in (TwoDofArm.arm26(), TwoDofArm.arm26(viscosity=0.35)))
    arm, q, v, nothing = (
        TwoDofArm.arm26(),
        tensor([[0.8, 1.2]]),
        tensor([[2.0, -3.0]]),
        torch.zeros(1, 2, dtype=PRECISE),
    )
    with_torque = arm.acceleration(c, q, v, -0.35 * v)
    assert torch.allclose(arm.acceleration(viscous, q, v, nothing), with_torque, rtol=1e-12)


def test_kinetic_energy_is_that_of_the_moving_masses():
    arm = TwoDofArm.arm26()
    c = arm.coefficients()
    q, v = tensor([[0.5, 1.1], [1.0, 0.2]]), tensor([[1.0, -2.0], [0.3, 4.0]])
    body, point = torch.tensor([1, 2]), tensor([[0.135, 0.0], [0.165, 0.0]])
    _, speed = torch.func.jvp(lambda x: arm.attach(c, x, body, point)[0], (q,), (v,))
    moving = 0.5 * (tensor([1.82, 1.43]) * speed.square().sum(-1)).sum(1)
    turning = 0.5 * (0.051 * v[:, 0] ** 2 + 0.057 * v.sum(1) ** 2)
    assert torch.allclose(arm.kinetic_energy(c, q, v), moving + turning, rtol=1e-12)
    assert PointMass(mass=3.0).kinetic_energy({"mass": tensor(3.0)}, q, v)[0].item() == pytest.approx(7.5)


def test_reach_is_between_the_folded_and_the_stretched_arm():
    arm, ball = TwoDofArm.arm26(), PointMass()
    at = tensor([[0.641, 0.0], [0.643, 0.0], [0.0, 0.025], [0.0, 0.023]])
    assert arm.within_reach(arm.coefficients(), at).tolist() == [True, False, True, False]
    assert ball.within_reach(ball.coefficients(), 100 * at).tolist() == [True] * 4


def limits(lower=-1.0, upper=1.0, speed=5.0):
    "Limits of one joint, as `stop_at_limits` wants them."
    names = ("position_lower", "position_upper", "velocity_lower", "velocity_upper")
    values = ([lower], [upper], [-speed], [speed])
    return {k: tensor(v) for k, v in zip(names, values, strict=True)} | {"zero": tensor(0.0)}


@pytest.mark.parametrize(
    ("position", "velocity", "expected"),
    [
        (0.5, 2.0, (0.5, 2.0)),
        (1.5, 2.0, (1.0, 0.0)),
        (1.5, -2.0, (1.0, -2.0)),
        (1.0, 2.0, (1.0, 0.0)),
        (1.0, -2.0, (1.0, -2.0)),
        (-1.5, -2.0, (-1.0, 0.0)),
        (-1.5, 2.0, (-1.0, 2.0)),
        (-1.0, -2.0, (-1.0, 0.0)),
        (0.5, 9.0, (0.5, 5.0)),
        (0.5, -9.0, (0.5, -5.0)),
        (1.5, 9.0, (1.0, 0.0)),
        (1.5, -9.0, (1.0, -5.0)),
    ],
)
def test_limits_stop_without_a_bounce_and_let_inward_velocities_be(position, velocity, expected):
    q, v = stop_at_limits(tensor([[position]]), tensor([[velocity]]), limits())
    assert (q.item(), v.item()) == expected


def test_limits_follow_the_rule_of_the_specification(generator):
    position = 4 * torch.rand(500, 1, generator=generator, dtype=PRECISE) - 2
    velocity = 24 * torch.rand(500, 1, generator=generator, dtype=PRECISE) - 12
    position[:20], position[20:40] = -1.0, 1.0
    q, v = stop_at_limits(position, velocity, limits())
    for q0, v0, q1, v1 in torch.cat((position, velocity, q, v), 1).tolist():
        want = float(np.clip(v0, -5, 5))
        if (want < 0 and q0 <= -1) or (want > 0 and q0 >= 1):
            want = 0.0
        assert (q1, v1) == (float(np.clip(q0, -1, 1)), want)


def test_default_parameters_are_those_of_the_papers():
    generic, arm26 = TwoDofArm().to_config(), TwoDofArm.arm26().to_config()
    assert [generic[k] for k in ("m1", "m2", "l1g", "l2g", "i1", "i2", "l1", "l2", "viscosity")] == [
        1.864572, 1.534315, 0.180496, 0.181479, 0.013193, 0.020062, 0.309, 0.26, 0.0,
    ]  # fmt: skip
    assert [arm26[k] for k in ("m1", "m2", "l1g", "l2g", "i1", "i2", "l1", "l2", "viscosity")] == [
        1.82, 1.43, 0.135, 0.165, 0.051, 0.057, 0.309, 0.333, 0.0,
    ]  # fmt: skip
    assert TwoDofArm.arm26(m1=2.0).m1.item() == 2.0
    assert PointMass().mass.item() == 1.0 and PointMass().default_limits == ((-1.0, -1.0), (1.0, 1.0))
    assert TwoDofArm().default_limits == ((0.0, 0.0), (math.radians(140), math.radians(160)))


def test_a_point_mass_moves_in_one_to_three_dimensions():
    assert [PointMass(space_dim=n).space_names for n in (1, 2, 3)] == [("x",), ("x", "y"), ("x", "y", "z")]
    with pytest.raises(ValueError, match="PointMass: space_dim = 4 is not allowed; it must be 1, 2 or 3"):
        PointMass(space_dim=4)


def test_a_skeleton_without_equations_says_what_is_missing():
    bare, x = Skeleton(), torch.zeros(1, 1)
    for call in ("inertia", "endpoint", "jacobian"):
        with pytest.raises(NotImplementedError, match=rf"Skeleton does not define {call}\(\)"):
            getattr(bare, call)({}, x)
    with pytest.raises(NotImplementedError, match=r"acceleration\(\)"):
        bare.acceleration({}, x, x, x)
    with pytest.raises(NotImplementedError, match=r"attach\(\)"):
        bare.attach({}, x, x, x)

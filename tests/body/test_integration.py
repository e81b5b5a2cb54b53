"""Integration: orders of accuracy, conservation, limits, and gradients of one step."""

import functools
import itertools
import math

import pytest
import torch
from bodies import BODIES, MUSCLES, assert_golden, make_body, mid_state, tensor

from motornet_nb import (
    CompliantTendonArm26,
    Effector,
    FreePointMass24,
    PathGeometry,
    PointMass,
    PolynomialGeometry,
    Reacher,
    ReluMuscle,
    ReluPointMass24,
    RigidTendonArm26,
    RigidTendonHillMuscleThelen,
    TwoDofArm,
)
from motornet_nb.body.geometry import MusculotendonGeometry
from motornet_nb.body.integration import INTEGRATORS, EffectorState, generalised_force

PRECISE = torch.float64
STUDIES = {
    "relu_point_mass_24": lambda **k: ReluPointMass24(dtype=PRECISE, **k),
    "rigid_tendon_arm26_thelen": lambda **k: RigidTendonArm26(RigidTendonHillMuscleThelen(), dtype=PRECISE, **k),
}


def end_state(body, joint_state, drive, n_steps):
    "The state after some steps with a constant drive, from rest activation."
    c = body.coefficients()
    state = body.initial_state(body.as_joint_state(joint_state), c)
    with torch.no_grad():
        for _ in range(n_steps):
            state = body.advance(state, drive, c=c)
    return state


@pytest.mark.parametrize("name", STUDIES)
def test_rk4_agrees_with_the_golden_numbers(reference, name):
    golden = reference("rk4_reference")
    drive = tensor(golden[f"action_{name}"])
    duration = float(golden.attrs["duration"])
    *counts, finest = golden["n_steps"].values.tolist()
    assert finest > 4 * counts[-1]
    for i, n in enumerate(counts):
        body = STUDIES[name](timestep=duration / n, integration_method="rk4")
        state = end_state(body, golden[f"joint0_{name}"].values, drive, n)
        joint = torch.cat((state.position, state.velocity), 1)
        assert_golden(joint, golden[f"joint_end_{name}"][i], "f64", 0, f"joint state, {n} steps")
        assert_golden(
            state.muscle["activation"], golden[f"activation_end_{name}"][i], "f64", 0, f"activation, {n} steps"
        )
    # the last count is so large that its result is the exact one
    assert torch.allclose(joint, tensor(golden[f"joint_end_{name}"][-1]), rtol=1e-7, atol=1e-8)
    assert torch.allclose(
        state.muscle["activation"], tensor(golden[f"activation_end_{name}"][-1]), rtol=1e-7, atol=1e-8
    )


# ---- order of accuracy ------------------------------------------------------------------------------------------------


@functools.cache
def after_a_while(name, method, n):
    "The joint state after 0.16 s in `n` steps."
    make, joint_state, drive = ORDERS[name]
    state = end_state(make(timestep=0.16 / n, integration_method=method), joint_state, tensor(drive), n)
    return torch.cat((state.position, state.velocity), 1)


def measured_orders(name, method, *counts):
    "Order of accuracy from each number of steps to the next, twice as large; one a trial."
    exact = after_a_while(name, "rk4", 256)
    errors = torch.stack([(after_a_while(name, method, n) - exact).abs().max(1).values for n in counts])
    return (errors[:-1] / errors[1:]).log2()


def any_muscle(muscle, **k):
    "Arm26 with another rigid muscle model."
    return RigidTendonArm26(MUSCLES[muscle](), dtype=PRECISE, **k)


MOVING = [[0.8, 1.5, 0.4, 0.6], [1.1, 1.2, 0.3, 0.5]]
MILD = [[0.2, 0.1, 0.15, 0.05, 0.1, 0.12], [0.15, 0.12, 0.08, 0.1, 0.05, 0.1]]
ORDERS = {
    "point mass": (
        STUDIES["relu_point_mass_24"],
        [[0.1, -0.2, 0.3, 0.1], [-0.3, 0.25, 0.0, 0.2]],
        [[0.06, 0.02, 0.03, 0.05], [0.05, 0.05, 0.02, 0.04]],
    ),
    "arm26, thelen": (STUDIES["rigid_tendon_arm26_thelen"], [q[:2] for q in MOVING], MILD),
    "arm26, relu": (functools.partial(any_muscle, "relu"), MOVING, MILD),
    "arm26, damped and viscous": (
        lambda **k: any_muscle("relu", damping=0.3, skeleton=TwoDofArm.arm26(viscosity=0.2), **k),
        MOVING,
        MILD,
    ),
}


@pytest.mark.parametrize("name", ORDERS)
def test_rk4_is_of_fourth_order(name):
    orders = measured_orders(name, "rk4", 16, 32, 64)
    assert (orders >= 3.8).all(), orders


@pytest.mark.parametrize("name", ORDERS)
def test_euler_is_of_first_order(name):
    orders = measured_orders(name, "euler", 64, 128, 256)
    assert ((orders > 0.85) & (orders < 1.25)).all(), orders


def test_a_constant_force_on_a_mass_is_integrated_exactly_by_rk4():
    expected = {"rk4": 0.5, "euler": 0.495}
    for method, x in expected.items():
        body = FreePointMass24(integration_method=method, dtype=PRECISE, pos_upper_bound=2.0)
        body.reset(options={"joint_state": [0.0, 0.0]})
        for _ in range(100):
            states = body.step(torch.zeros(4), endpoint_load=[1.0, 0.0])
        assert states["joint"][0].tolist() == pytest.approx([x, 0.0, 1.0, 0.0], abs=1e-12)


def test_ministeps_are_smaller_steps():
    for method in INTEGRATORS:
        whole = Reacher(integration_method=method, n_ministeps=4, dtype=PRECISE)
        quarters = Reacher(integration_method=method, timestep=0.0025, dtype=PRECISE)
        drive = tensor([[0.001, 0.002, 0.003, 0.001]])
        a = end_state(whole, [0.8, 1.5, 0.1, -0.2], drive, 3)
        b = end_state(quarters, [0.8, 1.5, 0.1, -0.2], drive, 12)
        assert torch.equal(a.position, b.position) and torch.equal(a.muscle["activation"], b.muscle["activation"])


# ---- conservation -----------------------------------------------------------------------------------------------------

FREE = {
    "point mass": (FreePointMass24, [0.1, -0.2, 3.0, -4.0]),
    "arm": (Reacher, [0.3, 1.2, 2.0, -3.0]),
    "generic arm": (lambda **k: Reacher(skeleton=TwoDofArm(), **k), [0.3, 1.2, -1.0, 4.0]),
}


@pytest.mark.parametrize("name", FREE)
def test_energy_is_conserved_without_forces(name):
    make, joint_state = FREE[name]
    body = make(integration_method="rk4", timestep=0.005, dtype=PRECISE, pos_lower_bound=-100, pos_upper_bound=100)
    c = body.coefficients()
    energy = []
    state = body.initial_state(body.as_joint_state(joint_state), c)
    with torch.no_grad():
        for _ in range(100):
            energy.append(body.skeleton.kinetic_energy(c.skeleton, state.position, state.velocity).item())
            state = body.advance(state, torch.zeros(1, 4, dtype=PRECISE), c=c)
    assert max(energy) - min(energy) < 1e-8 * energy[0]
    assert (state.position - torch.tensor(joint_state[:2])).abs().max() > 0.5, "it did move"


def test_loads_change_the_energy_by_the_work_they_do():
    body = Reacher(integration_method="rk4", timestep=0.005, dtype=PRECISE, pos_lower_bound=-100, pos_upper_bound=100)
    c, force = body.coefficients(), tensor([[3.0, -2.0]])
    first = state = body.initial_state(body.as_joint_state([0.3, 1.2, 2.0, -3.0]), c)
    with torch.no_grad():
        for _ in range(60):
            state = body.advance(state, torch.zeros(1, 4, dtype=PRECISE), force, None, c)
    energies = [body.skeleton.kinetic_energy(c.skeleton, s.position, s.velocity).item() for s in (first, state)]
    hands = [body.skeleton.endpoint(c.skeleton, s.position) for s in (first, state)]
    work = (force * (hands[1] - hands[0])).sum().item()
    assert abs(work) > 0.1 and energies[1] - energies[0] == pytest.approx(work, rel=1e-6)


@pytest.mark.parametrize(
    "arguments", [{"damping": 0.5}, {"skeleton": TwoDofArm.arm26(viscosity=0.5)}], ids=["damping", "viscosity"]
)
def test_damping_takes_energy_out(arguments):
    body = Reacher(integration_method="rk4", dtype=PRECISE, pos_lower_bound=-100, pos_upper_bound=100, **arguments)
    c = body.coefficients()
    state = body.initial_state(body.as_joint_state([0.3, 1.2, 2.0, -3.0]), c)
    energy = [math.inf]
    with torch.no_grad():
        for _ in range(30):
            energy.append(body.skeleton.kinetic_energy(c.skeleton, state.position, state.velocity).item())
            state = body.advance(state, torch.zeros(1, 4, dtype=PRECISE), c=c)
    assert all(b < a for a, b in itertools.pairwise(energy)) and energy[-1] < 0.2 * energy[1]


def test_damping_and_viscosity_of_the_same_size_do_the_same():
    drive = tensor([[0.002, 0.001, 0.003, 0.001]])
    a = end_state(Reacher(damping=0.3, dtype=PRECISE), [0.8, 1.5, 1.0, -2.0], drive, 10)
    b = end_state(Reacher(skeleton=TwoDofArm.arm26(viscosity=0.3), dtype=PRECISE), [0.8, 1.5, 1.0, -2.0], drive, 10)
    assert torch.allclose(a.position, b.position, rtol=1e-12) and torch.allclose(a.velocity, b.velocity, rtol=1e-12)


def test_muscles_pull_against_their_moment_arms():
    body = FreePointMass24(damping=2.0, dtype=PRECISE)
    state = mid_state(body, torch.Generator().manual_seed(0))
    force = state.muscle["force"]
    expected = -(state.geometry.moment_arm @ force.unsqueeze(-1)).squeeze(-1) - 2.0 * state.velocity
    c = body.coefficients()
    assert torch.allclose(generalised_force(state, None, c), expected)
    assert torch.allclose(generalised_force(state, tensor([[5.0, 7.0]]), c), expected + tensor([[5.0, 7.0]]))


@pytest.mark.parametrize("method", INTEGRATORS)
def test_a_body_that_is_driven_into_its_limits_stays_there_and_can_leave(method):
    body = Reacher(integration_method=method, dtype=PRECISE).replace(max_isometric_force=20.0)
    body.reset(options={"joint_state": [2.0, 2.3]})
    for _ in range(60):
        states = body.step([1.0, 0.0, 1.0, 0.0])
    upper = body.pos_upper_bound.tolist()
    assert states["joint"][0].tolist() == pytest.approx([*upper, 0.0, 0.0], abs=1e-12)
    for joint, drive in ((0, [0.0, 1.0, 0.0, 0.0]), (1, [0.0, 0.0, 0.0, 1.0])):
        for _ in range(10):
            states = body.step(drive)
        assert states["joint"][0, joint] < upper[joint] - 0.05 and states["joint"][0, joint + 2] < -0.5


def test_velocity_limits_hold():
    body = FreePointMass24(vel_lower_bound=-0.5, vel_upper_bound=[0.2, 0.3], dtype=PRECISE)
    body.reset(options={"joint_state": [0.0, 0.0]})
    for _ in range(20):
        states = body.step(torch.zeros(4), endpoint_load=[50.0, 50.0])
    assert states["joint"][0, 2:].tolist() == [0.2, 0.3]
    for _ in range(20):
        states = body.step(torch.zeros(4), endpoint_load=[-50.0, -50.0])
    assert states["joint"][0, 2:].tolist() == [-0.5, -0.5]


# ---- the staggered Euler method ---------------------------------------------------------------------------------------


def test_euler_evaluates_muscles_at_the_previous_geometry():
    body = RigidTendonArm26(RigidTendonHillMuscleThelen(), dtype=PRECISE)
    c = body.coefficients()
    state = body.initial_state(body.as_joint_state([0.8, 1.5, 1.0, -1.0]), c)
    tendon = body.tendon_length
    for _ in range(3):
        before, state = state, body.advance(state, torch.full((1, 6), 0.2, dtype=PRECISE), c=c)
        assert torch.equal(state.muscle["length"], before.geometry.length - tendon)
        assert torch.equal(state.muscle["velocity"], before.geometry.velocity)
        assert not torch.allclose(state.geometry.length, before.geometry.length, rtol=1e-6)
    after = body.replace(integration_method="rk4").advance(state, torch.full((1, 6), 0.2, dtype=PRECISE))
    assert torch.equal(after.muscle["length"], after.geometry.length - tendon)


def test_compliant_rk4_and_small_euler_steps_agree():
    drive = tensor([[0.3, 0.1, 0.2, 0.1, 0.1, 0.2]])
    coarse = end_state(CompliantTendonArm26(dtype=PRECISE), [0.8, 1.5], drive, 100)
    fine = CompliantTendonArm26(integration_method="euler", n_ministeps=5, dtype=PRECISE)
    fine = end_state(fine, [0.8, 1.5], drive, 100)
    assert torch.allclose(coarse.position, fine.position, atol=2e-6)
    assert torch.allclose(coarse.muscle["length"], fine.muscle["length"], atol=2e-5)


# ---- gradients --------------------------------------------------------------------------------------------------------


def flat(state):
    "The tensors of a state, in order."
    return (state.position, state.velocity, *state.muscle.values(), *state.geometry)


def from_flat(tensors, names):
    "The inverse of `flat`."
    position, velocity, *rest = tensors
    muscle = dict(zip(names, rest[: len(names)], strict=True))
    return EffectorState(position, velocity, muscle, MusculotendonGeometry(*rest[len(names) :]))


def inputs_for(body, generator, batch):
    "A generic state, drives away from activations, and loads; all require gradients."
    state = mid_state(body, generator, batch)
    drive = 0.1 + 0.2 * torch.rand(batch, body.n_muscles, generator=generator, dtype=PRECISE)
    drive = drive + 0.6 * (torch.rand(batch, body.n_muscles, generator=generator, dtype=PRECISE) > 0.5)
    loads = [torch.randn(batch, n, generator=generator, dtype=PRECISE) for n in (body.space_dim, body.n_joints)]
    return [x.detach().clone().requires_grad_() for x in (*flat(state), drive, *loads)]


def one_step(body, names):
    "One step as a function of tensors alone."
    c = body.coefficients()
    return lambda *x: varying(flat(body.advance(from_flat(x[:-3], names), *x[-3:], c=c)))


def varying(values):
    "Without the constants, such as lengths of a constant geometry: gradcheck confuses outputs when there are some."
    return tuple(v for v in values if v.requires_grad)


@pytest.mark.parametrize("method", INTEGRATORS)
@pytest.mark.parametrize("name", BODIES)
def test_gradient_of_one_step_for_every_body_and_muscle(name, method, generator):
    body = make_body(name, integration_method=method, dtype=PRECISE, damping=0.1)
    names = body.muscle.state_names
    assert torch.autograd.gradcheck(one_step(body, names), inputs_for(body, generator, 2), fast_mode=True)


ARMS = [name for name in BODIES if "TendonArm26" in name]


@pytest.mark.parametrize(("name", "method"), [(n, "euler") for n in ARMS] + [("RigidTendonArm26, thelen", "rk4")])
def test_full_jacobian_of_one_step_of_an_arm(name, method, generator):
    body = make_body(name, integration_method=method, dtype=PRECISE)
    names = body.muscle.state_names
    assert torch.autograd.gradcheck(one_step(body, names), inputs_for(body, generator, 1))


def learnable(values):
    "Tensors that require gradients."
    return {k: tensor(v).requires_grad_() for k, v in values.items()}


def check_parameters(build, parameters, joint_state, n_muscles, method):
    "gradcheck of three steps from rest with respect to parameters of the body."
    names = list(parameters)

    def after(*values):
        body = build(**dict(zip(names, values, strict=True)), integration_method=method, dtype=PRECISE)
        state = body.initial_state(tensor(joint_state))
        for drive in (0.7, 0.4, 0.5):
            state = body.advance(state, torch.full((1, n_muscles), drive, dtype=PRECISE), tensor([[3.0, -2.0]]))
        endpoint = body.joint_to_cartesian(torch.cat((state.position, state.velocity), 1))
        return varying((endpoint, state.velocity, state.muscle["activation"], state.muscle["force"]))

    assert torch.autograd.gradcheck(after, tuple(parameters.values()), fast_mode=method == "rk4")
    values = after(*parameters.values())
    grads = torch.autograd.grad(sum((v * (i + 1)).sum() for i, v in enumerate(values)), tuple(parameters.values()))
    for name, grad in zip(names, grads, strict=True):
        assert (grad != 0).any(), f"no gradient reaches {name}"


@pytest.mark.parametrize("method", INTEGRATORS)
def test_gradients_reach_masses_and_lengths_of_the_arm(method):
    bones = learnable({k: v for k, v in TwoDofArm.arm26(viscosity=0.1).to_config().items() if k != "type"})
    extra = learnable({"damping": 0.2})

    def build(damping, integration_method, dtype, **bones):
        arm = TwoDofArm(**bones)
        paths = PathGeometry(bodies=[[0, 1], [1, 2]], points=[[[-0.1, 0.03], [0.1, 0.02]], [[0.2, 0.0], [0.2, 0.01]]])
        methods = {"integration_method": integration_method, "dtype": dtype}
        return Effector(arm, ReluMuscle(), geometry=paths, damping=damping, max_isometric_force=50.0, **methods)

    check_parameters(build, bones | extra, [[0.6, 1.1, 1.0, -2.0]], 2, method)


@pytest.mark.parametrize("method", INTEGRATORS)
@pytest.mark.parametrize("name", ["relu", "mujoco", "thelen", "kistemaker rigid", "kistemaker compliant"])
def test_gradients_reach_strengths_and_lengths_of_the_muscles(name, method):
    model = MUSCLES[name]
    sizes = {
        "max_isometric_force": [40.0, 60.0],
        "optimal_muscle_length": [0.1, 0.12],
        "tendon_length": [0.05, 0.06],
        "normalized_slack_muscle_length": [1.05, 1.02],
        "fpmax": [1.3, 1.1],
    }
    sizes = {k: v for k, v in sizes.items() if k in model.muscle_declarations}
    own = {
        "relu": {"tau_activation": 0.02},
        "mujoco": {"lmin": 0.4, "lmax": 1.7, "vmax": 1.2, "fvmax": 1.3, "passive_scale": 0.9},
        "thelen": {
            "gamma": 0.4,
            "passive_shape": 4.0,
            "passive_strain": 0.5,
            "force_velocity_shape": 0.3,
            "max_lengthening_force": 1.5,
        },
        "kistemaker rigid": {"tau_activation": 0.02},
        "kistemaker compliant": {"tau_activation": 0.02},
    }[name]

    def build(integration_method, dtype, **values):
        muscle = model(**{k: values.pop(k) for k in own})
        tables = {"a0": [0.162, 0.150], "a1": [[-0.03, 0.01], [0.01, -0.03]], "a2": [[0.0, 0.002], [0.003, 0.0]]}
        geometry = PolynomialGeometry(reference=[0.6, 1.1], **tables)
        methods = {"integration_method": integration_method, "dtype": dtype, "timestep": 0.001}
        return Effector(TwoDofArm.arm26(), muscle, geometry=geometry, **values, **methods)

    check_parameters(build, learnable(sizes | own), [[0.65, 1.05, 1.0, -1.5]], 2, method)


@pytest.mark.parametrize("method", INTEGRATORS)
def test_gradients_reach_path_coordinates_and_mass(method):
    parameters = learnable(
        {"first": [[1.0, 0.5], [0.1, 0.0]], "second": [[-1.0, 0.2], [0.0, 0.7], [0.0, 0.1]], "mass": 1.3}
    )

    def build(first, second, mass, integration_method, dtype):
        body = Effector(PointMass(mass=mass), ReluMuscle(), integration_method=integration_method, dtype=dtype)
        body.add_muscle([0, 1], first, max_isometric_force=5.0)
        return body.add_muscle([0, 0, 1], second, max_isometric_force=4.0)

    check_parameters(build, parameters, [[0.2, -0.1, 0.5, 0.3]], 2, method)


@pytest.mark.parametrize("method", INTEGRATORS)
def test_gradients_reach_polynomial_coefficients(method):
    shape = {"a0": [0.16, 0.18], "a1": [[-0.03, 0.01], [0.01, -0.03]], "a2": [[0.001, 0.002], [0.003, 0.001]]}

    def build(a0, a1, a2, integration_method, dtype):
        geometry = PolynomialGeometry(reference=[0.6, 1.1], a0=a0, a1=a1, a2=a2)
        sizes = {"optimal_muscle_length": 0.1, "tendon_length": 0.06, "max_isometric_force": 50.0}
        methods = {"integration_method": integration_method, "dtype": dtype}
        return Effector(TwoDofArm.arm26(), RigidTendonHillMuscleThelen(), geometry=geometry, **sizes, **methods)

    check_parameters(build, learnable(shape), [[0.7, 1.0, 1.0, -1.5]], 2, method)


@pytest.mark.parametrize("name", BODIES)
def test_gradients_of_a_second_of_movement_are_finite(name):
    body = make_body(name)
    drive = torch.full((2, body.n_muscles), 0.3).requires_grad_()
    c = body.coefficients()
    state = body.initial_state(mid_joint_state(body).expand(2, -1), c)
    for _ in range(40):
        state = body.advance(state, drive, c=c)
    (grad,) = torch.autograd.grad(state.position.square().sum(), drive)
    assert torch.isfinite(grad).all()


def mid_joint_state(body):
    "The middle of the joint ranges, at rest."
    middle = ((body.pos_lower_bound + body.pos_upper_bound) / 2).to(body.dtype)
    return torch.cat((middle, torch.zeros_like(middle)))[None]

"""Muscle paths and polynomials: lengths, velocities, moment arms."""

import json

import numpy as np
import pytest
import torch
from bodies import assert_golden, tensor

from motornet_nb import (
    CompliantTendonArm26,
    ConstantGeometry,
    Effector,
    Geometry,
    PathGeometry,
    PointMass,
    PolynomialGeometry,
    ReluMuscle,
    RigidTendonArm26,
    RigidTendonHillMuscleThelen,
    TwoDofArm,
    geometric_arm26,
)
from motornet_nb.body.geometry import velocity_from_moment_arms

PRECISE = torch.float64


def body_with(geometry, skeleton, dtype=PRECISE):
    "A body with ReLU muscles on a geometry."
    return Effector(skeleton, ReluMuscle(), geometry=geometry, dtype=dtype)


def paths_of(golden):
    "The paths that are stored, padded, in a golden file."
    bodies = [[int(b) for b in row if b >= 0] for row in golden["fixation_body"].values]
    tables = [t[: len(b)].tolist() for b, t in zip(bodies, golden["fixation_coordinates"].values, strict=True)]
    return PathGeometry(bodies=bodies, points=tables)


def random_paths(skeleton, generator, n=5):
    "Paths of two to five points over random bodies."
    bodies, points = [], []
    for _ in range(n):
        k = int(torch.randint(2, 6, (), generator=generator))
        bodies.append(torch.randint(skeleton.n_bodies, (k,), generator=generator).tolist())
        bodies[-1][-1] = skeleton.n_bodies - 1
        points.append((torch.rand(k, skeleton.space_dim, generator=generator, dtype=PRECISE) - 0.5).tolist())
    return PathGeometry(bodies=bodies, points=points)


def grid(golden, first, second, dtype):
    "Positions on the golden grid, and the velocities stored for them."
    position = np.stack(np.meshgrid(golden[first], golden[second], indexing="ij"), -1).reshape(-1, 2)
    return tensor(position, dtype), tensor(golden["joint_velocity"].values.reshape(-1, 2), dtype)


def as_on_grid(values, golden, *last):
    "Back to the shape of the golden grid."
    return values.reshape(*golden["joint_velocity"].shape[:2], *last, -1)


@pytest.mark.parametrize("variant", ["rigid", "compliant"])
def test_polynomial_geometry_agrees_with_the_golden_numbers(reference, precision, dtype, variant):
    golden = reference("geometry_arm26_polynomial").sel(variant=variant)
    arm = (
        RigidTendonArm26(RigidTendonHillMuscleThelen(), dtype=dtype)
        if variant == "rigid"
        else CompliantTendonArm26(dtype=dtype)
    )
    g = arm.evaluate_geometry(*grid(golden, "shoulder", "elbow", dtype))
    assert_golden(as_on_grid(g.length, golden), golden[f"length_{precision}"], precision, 5e-6, "length")
    assert_golden(as_on_grid(g.velocity, golden), golden[f"velocity_{precision}"], precision, 5e-6, "velocity")
    assert_golden(as_on_grid(g.moment_arm, golden, 2), golden[f"moment_arm_{precision}"], precision, 5e-6, "moment arm")


def test_point_mass_paths_agree_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("geometry_paths_point_mass")
    body = body_with(paths_of(golden), PointMass(), dtype)
    g = body.evaluate_geometry(*grid(golden, "x", "y", dtype))
    assert_golden(as_on_grid(g.length, golden), golden[f"length_{precision}"], precision, 5e-6, "length")
    assert_golden(as_on_grid(g.velocity, golden), golden[f"velocity_{precision}"], precision, 5e-6, "velocity")
    assert_golden(as_on_grid(g.moment_arm, golden, 2), golden[f"moment_arm_{precision}"], precision, 5e-6, "moment arm")


def test_arm_paths_agree_with_the_golden_numbers(reference, precision, dtype):
    golden = reference("geometry_paths_two_dof_arm")
    assert golden["muscle"].size == 11
    body = body_with(paths_of(golden), TwoDofArm(**json.loads(golden.attrs["skeleton"])), dtype)
    g = body.evaluate_geometry(*grid(golden, "shoulder", "elbow", dtype))
    assert_golden(as_on_grid(g.length, golden), golden[f"length_{precision}"], precision, 5e-6, "length")
    assert_golden(as_on_grid(g.moment_arm, golden, 2), golden[f"moment_arm_{precision}"], precision, 5e-6, "moment arm")
    # stored as a central difference with its own rounding, about 1e-10 m/s
    velocity, expected = as_on_grid(g.velocity, golden).numpy(), golden["velocity_fd_f64"].values
    np.testing.assert_allclose(velocity, expected, rtol=0, atol=2e-9 if precision == "f64" else 1e-5)


def test_geometric_arm_has_the_paths_and_sizes_of_the_golden_file(reference):
    golden = reference("geometry_paths_two_dof_arm")
    stored = [
        str(m).replace("_", " ").replace("tricepslat", "triceps lateral").replace("tricepslong", "triceps long")
        for m in golden["muscle"].values
    ]
    arm, paths = geometric_arm26(), paths_of(golden)
    for i, name in enumerate(arm.muscle_names):
        k = stored.index(name)
        assert arm.geometry.bodies[i] == paths.bodies[k] and torch.equal(arm.geometry.points[i], paths.points[k])
        for parameter in arm.muscle.muscle_declarations:
            assert getattr(arm, parameter)[i].item() == pytest.approx(golden[parameter].values[k], rel=1e-12), parameter


GEOMETRIES = {
    "1d paths": (PointMass(space_dim=1), random_paths),
    "2d paths": (PointMass(), random_paths),
    "3d paths": (PointMass(space_dim=3), random_paths),
    "arm paths": (TwoDofArm(), random_paths),
    "arm26 paths": (TwoDofArm.arm26(l1=0.35), random_paths),
    "polynomial": (TwoDofArm.arm26(), lambda *_: RigidTendonArm26.geometry.default),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_velocity_is_the_time_derivative_of_length(name, generator):
    skeleton, make = GEOMETRIES[name]
    body = body_with(make(skeleton, generator), skeleton)
    c = body.coefficients()
    n = skeleton.n_joints
    q = 0.3 + 1.2 * torch.rand(30, n, generator=generator, dtype=PRECISE)
    v = 6 * torch.rand(30, n, generator=generator, dtype=PRECISE) - 3
    velocity = body.evaluate_geometry(q, v, c).velocity
    _, slope = torch.func.jvp(lambda x: body.evaluate_geometry(x, v, c).length, (q,), (v,))
    assert torch.allclose(velocity, slope, rtol=1e-10, atol=1e-12)
    h = 1e-5
    ahead, behind = (body.evaluate_geometry(q + s * h * v, v, c).length for s in (1, -1))
    difference = (ahead - behind) / (2 * h)
    assert ((velocity - difference).abs() <= 1e-6 * velocity.abs().clamp(min=1e-3)).all()


@pytest.mark.parametrize("name", GEOMETRIES)
def test_moment_arms_are_the_gradient_of_length(name, generator):
    skeleton, make = GEOMETRIES[name]
    body = body_with(make(skeleton, generator), skeleton)
    c = body.coefficients()
    q = 0.3 + 1.2 * torch.rand(5, skeleton.n_joints, generator=generator, dtype=PRECISE)
    g = body.evaluate_geometry(q, torch.zeros_like(q), c)
    for i, posture in enumerate(q):
        slope = torch.autograd.functional.jacobian(
            lambda x: body.evaluate_geometry(x[None], x[None], c).length[0], posture
        )
        assert torch.allclose(g.moment_arm[i], slope.T, rtol=1e-10, atol=1e-12)


def test_velocity_counts_every_joint_once_for_points_on_the_forearm():
    # a muscle fixed to the world and to the forearm, only the shoulder turning
    body = body_with(PathGeometry(bodies=[[0, 2]], points=[[[-0.052, 0.033], [0.044, 0.001]]]), TwoDofArm())
    velocity = body.evaluate_geometry(tensor([[0.8, 1.5]]), tensor([[1.0, 0.0]])).velocity
    assert velocity.item() == pytest.approx(-0.05958, abs=5e-6)


def test_moment_arms_have_the_sign_of_the_length_change():
    arm = geometric_arm26(dtype=PRECISE)
    moment_arm = arm.evaluate_geometry(tensor([[0.8, 1.5]]), tensor([[0.0, 0.0]])).moment_arm[0]
    names = arm.muscle_names
    assert moment_arm[0, names.index("triceps lateral")].abs() < 1e-12  # an elbow extensor has no lever at the shoulder
    assert moment_arm[1, names.index("triceps lateral")] > 0
    assert (moment_arm[:, names.index("biceps")] < 0).all()
    assert moment_arm[0, names.index("pectoralis")] < 0 < moment_arm[0, names.index("deltoid")]


@pytest.mark.parametrize(
    ("bodies", "points", "position"),
    [
        ([[0, 1]], [[[1.0, 1.0], [0.0, 0.0]]], [1.0, 1.0]),  # the mass is on its anchor
        ([[0, 1, 1]], [[[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]], [0.2, 0.3]),  # two points coincide
        ([[0, 1], [1, 0]], [[[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [-1.0, 0.5]]], [0.2, 0.3]),  # adjoining muscles meet
        ([[0, 0, 1]], [[[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]]], [0.5, 0.5]),  # everything in one place
    ],
)
def test_zero_length_segments_are_finite_in_value_and_gradient(bodies, points, position):
    for dtype in (torch.float32, PRECISE):
        body = body_with(PathGeometry(bodies=bodies, points=points), PointMass(), dtype)
        q = tensor([position], dtype).requires_grad_()
        v = tensor([[0.3, -0.4]], dtype).requires_grad_()
        g = body.evaluate_geometry(q, v)
        for value in g:
            assert torch.isfinite(value).all()
        for grad in torch.autograd.grad(g.length.sum() + g.velocity.sum() + g.moment_arm.square().sum(), (q, v)):
            assert torch.isfinite(grad).all()


def test_a_zero_length_segment_has_no_length_velocity_or_moment_arm():
    body = body_with(PathGeometry(bodies=[[0, 1]], points=[[[1.0, 1.0], [0.0, 0.0]]]), PointMass())
    g = body.evaluate_geometry(tensor([[1.0, 1.0]]), tensor([[0.3, -0.4]]))
    assert [x.abs().sum().item() for x in g] == [0, 0, 0]


def test_a_body_on_a_zero_length_path_can_be_trained_through():
    for method in ("euler", "rk4"):
        body = Effector(PointMass(), ReluMuscle(), integration_method=method, dtype=PRECISE)
        for x in (0.0, 1.0):
            body.add_muscle([0, 1], [[x, 0.0], [0.0, 0.0]], max_isometric_force=5.0)
        drive = torch.full((1, 2), 0.5, dtype=PRECISE, requires_grad=True)
        state = body.initial_state(torch.zeros(1, 4, dtype=PRECISE))
        for _ in range(5):
            state = body.advance(state, drive)
        (grad,) = torch.autograd.grad(state.position.sum(), drive)
        assert torch.isfinite(grad).all() and grad[0, 1] > 0


def test_no_segment_runs_between_different_muscles():
    apart = [[0, 1], [0, 1]], [[[5.0, 0.0], [0.0, 0.0]], [[0.0, 9.0], [0.0, 0.0]]]
    both = body_with(PathGeometry(bodies=apart[0], points=apart[1]), PointMass())
    q, v = tensor([[0.5, 0.5]]), tensor([[1.0, 2.0]])
    together = both.evaluate_geometry(q, v)
    for i in (0, 1):
        alone = body_with(PathGeometry(bodies=[apart[0][i]], points=[apart[1][i]]), PointMass()).evaluate_geometry(q, v)
        assert torch.equal(together.length[:, [i]], alone.length)
        assert torch.equal(together.moment_arm[..., [i]], alone.moment_arm)
    assert len(both.geometry.coefficients()["start"]) == 2


def test_gradients_reach_path_coordinates_and_polynomials():
    anchor = tensor([[2.0, 2.0], [0.0, 0.0]]).requires_grad_()
    body = body_with(PathGeometry(bodies=[[0, 1]], points=[anchor]), PointMass())
    q, v = tensor([[0.1, 0.2]]), tensor([[0.0, 0.0]])
    body.evaluate_geometry(q, v).length.sum().backward()
    unit = (q - anchor[0]).detach() / (q - anchor[0]).detach().norm()
    assert torch.allclose(anchor.grad, torch.cat((-unit, unit)))
    a1 = tensor([[0.03], [0.01]]).requires_grad_()
    poly = PolynomialGeometry(reference=[0.5, 0.5], a0=[0.3], a1=a1, a2=[[0.1], [0.0]])
    length = body_with(poly, TwoDofArm()).evaluate_geometry(tensor([[0.8, 0.4]]), v).length
    assert length.item() == pytest.approx(0.3 + 0.03 * 0.3 + 0.1 * 0.3**2 - 0.01 * 0.1, rel=1e-12)
    length.sum().backward()
    assert a1.grad.flatten().tolist() == pytest.approx([0.3, -0.1])


def test_constant_geometry_has_no_length_and_the_given_moment_arms():
    body = body_with(ConstantGeometry(moment_arm=[[-1.0, 1.0], [0.0, 0.5]]), PointMass())
    g = body.evaluate_geometry(torch.rand(3, 2).double(), torch.rand(3, 2).double())
    assert g.length.shape == g.velocity.shape == (3, 2) and not g.length.any() and not g.velocity.any()
    assert g.moment_arm.shape == (3, 2, 2) and g.moment_arm[2].tolist() == [[-1.0, 1.0], [0.0, 0.5]]


def test_velocity_follows_from_moment_arms_by_the_chain_rule():
    moment_arm = tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert velocity_from_moment_arms(moment_arm, tensor([[10.0, 100.0]])).tolist() == [[310.0, 420.0]]


@pytest.mark.parametrize(
    ("bodies", "points", "message"),
    [
        ([[0]], [[[0, 0]]], r"bodies = \[0\] is not allowed; it must be a path of at least two points"),
        ([[0, 1]], [], r"points = \[\] is not allowed; it must be given for as many muscles as bodies \(1\)"),
        (
            [[0, 1]],
            [[[0, 0]]],
            r"points = \[\[0.0, 0.0\]\] is not allowed; it must be as many points as fixation bodies \(2\)",
        ),
        (
            [[0, 1.5]],
            [[[0, 0], [0, 0]]],
            r"bodies = \[\[0, 1.5\]\] is not allowed; it must be for each muscle, a list of body",
        ),
        ([["0", "1"]], [[[0, 0], [0, 0]]], r"bodies = \[\['0', '1'\]\] is not allowed"),
        ([[0, True]], [[[0, 0], [0, 0]]], "bodies = "),
        (3, [], r"bodies = 3 is not allowed"),
        (
            [[0, 1]],
            [[[0, 0], [0, "a"]]],
            r"points = \[\[\[0, 0\], \[0, 'a'\]\]\] is not allowed; it must be for each muscle, a table",
        ),
        ([[0, 1]], [[[0, 0], [0, float("nan")]]], r"points = .*nan.* is not allowed"),
        ([[0, 1]], [[[0, 0], [0]]], r"points = \[\[\[0, 0\], \[0\]\]\] is not allowed"),
        ([[0, 1]], [[0, 0]], r"points = \[\[0, 0\]\] is not allowed"),
        ([[0, 1]], None, r"points = None is not allowed"),
    ],
)
def test_malformed_paths_are_refused(bodies, points, message):
    with pytest.raises(ValueError, match=f"PathGeometry: {message}"):
        PathGeometry(bodies=bodies, points=points)


@pytest.mark.parametrize(
    ("bodies", "points", "message"),
    [
        ([[0, 3]], [[[0, 0], [1, 1]]], r"\[0, 3\] .* 0 \(world\), 1 \(upper arm\), 2 \(forearm\)"),
        ([[-1, 1]], [[[0, 0], [1, 1]]], r"\[-1, 1\]"),
        ([[0, 1]], [[[0, 0, 0], [1, 1, 1]]], "points with 2 coordinates each"),
    ],
)
def test_paths_that_do_not_fit_the_skeleton_are_refused(bodies, points, message):
    with pytest.raises(ValueError, match=message):
        body_with(PathGeometry(bodies=bodies, points=points), TwoDofArm())


@pytest.mark.parametrize(
    "geometry",
    [
        PolynomialGeometry(reference=[0.5], a0=[0.3], a1=[[0.03]], a2=[[0.0]]),
        ConstantGeometry(moment_arm=[[1.0, 2.0]]),
        ConstantGeometry(moment_arm=[[1.0], [1.0], [1.0]]),
    ],
)
def test_geometries_over_another_number_of_joints_are_refused(geometry):
    with pytest.raises(ValueError, match=r"geometry = .* must be a geometry over 2 joints"):
        body_with(geometry, TwoDofArm())


def test_polynomial_tables_must_have_one_shape():
    with pytest.raises(ValueError, match=r"PolynomialGeometry: a2 = .* must be a table of 2 joints by 1 muscles"):
        PolynomialGeometry(reference=[0.5, 0.0], a0=[0.3], a1=[[0.03], [0.0]], a2=[[0.0, 0.0]])


def test_a_geometry_without_equations_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Geometry does not define n_muscles"):
        body_with(Geometry(), PointMass())

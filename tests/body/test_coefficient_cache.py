"""Remembered coefficients: used again only when nothing has changed."""

import pytest
import torch
from bodies import arm

from motornet_nb import (
    FreePointMass24,
    ReluMuscle,
    RigidTendonArm26,
    RigidTendonHillMuscleThelen,
    TwoDofArm,
)

PRECISE = torch.float64


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

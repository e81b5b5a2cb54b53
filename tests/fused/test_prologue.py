"""What follows from parameters alone, and tensors that a step finds outside."""

import torch
from fused_referee import DOUBLE, SINGLE, check, normal


def test_work_on_parameters_alone():
    "It is done before the loop, with gradients: inverse masses, normalised weights, rotations, tables of numbers, a closed-over constant."
    table = torch.tensor([1.0, 2.0, 3.0], dtype=DOUBLE)

    def step(parameters, constants, carry, inputs, feedback):
        angle, mass, weight = parameters["angle"], parameters["mass"], parameters["weight"]
        turn = torch.stack((torch.stack((angle.cos(), -angle.sin())), torch.stack((angle.sin(), angle.cos()))))
        normalised = weight / weight.norm(dim=1, keepdim=True)
        inverse = torch.cumsum(torch.eye(2, dtype=DOUBLE) * mass + 0.1, 0)  # what a step cannot do may stand here
        carry = 0.9 * carry @ turn.T + inputs / mass * table[:2] + (carry @ normalised) @ inverse
        carry = torch.tanh(carry) + torch.arange(2, dtype=DOUBLE) * 0.1
        return carry, {"weighted": carry * parameters["weight"].softmax(-1)[0], "mass": mass.expand(carry.shape)}

    parameters = {
        "angle": normal(),
        "mass": normal(2, seed=1).detach().abs().add(1).requires_grad_(),
        "weight": normal(2, 2, seed=2),
    }
    check(step, parameters, (), normal(5, 2, seed=3), normal(4, 5, 2, seed=4))


def test_a_closed_over_tensor_of_another_precision():
    "A single-precision table in a step of double precision, and the other way round, as torch mixes them."
    single, double = torch.tensor([0.3, 0.1]), torch.tensor([0.3, 0.1], dtype=DOUBLE)

    def step(parameters, constants, carry, inputs, feedback):
        carry = torch.tanh(carry * single) + torch.arange(2) * 0.5
        return carry, inputs + single

    check(step, (), (), normal(5, 2), normal(4, 5, 2, seed=1))

    def narrow_step(parameters, constants, carry, inputs, feedback):
        return torch.tanh(carry * double.float()) + torch.arange(2) * 0.5, inputs

    check(narrow_step, (), (), normal(5, 2, dtype=SINGLE), normal(4, 5, 2, seed=1, dtype=SINGLE), relative=1e-4)


def test_a_matrix_of_parameters_may_be_inverted():
    "Before the loop anything may be done that torch can do."

    def step(parameters, constants, carry, inputs, feedback):
        return torch.tanh(carry @ torch.linalg.inv(parameters)) + inputs, carry

    matrix = (torch.eye(2, dtype=DOUBLE) + 0.1 * normal(2, 2).detach()).requires_grad_()
    check(step, matrix, (), normal(5, 2, seed=3), normal(4, 5, 2, seed=4))

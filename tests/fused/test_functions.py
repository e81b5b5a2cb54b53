"""Derivatives of the pointwise functions at the edges of their domains."""

import pytest
import torch
import torch.nn.functional as F
from fused_referee import DOUBLE, assert_close

from motornet_nb import fused


def only(function, *values) -> list[torch.Tensor]:
    "A function of given numbers in one fused step: its values and the gradients of their sum, then the same of torch."
    given = [torch.tensor(v, dtype=DOUBLE)[None, None].requires_grad_() for v in values]

    def step(parameters, constants, carry, inputs, feedback):
        return carry, function(*inputs)

    _, got = fused.scan(step, (), (), torch.zeros(1, 1, dtype=DOUBLE), tuple(given))
    want = function(*(g[0] for g in given))[None]
    return [got, *torch.autograd.grad(got.sum(), given), want, *torch.autograd.grad(want.sum(), given)]


SLOPES_AT_THE_EDGE = {
    "norm of zeros": (lambda x: x.norm(dim=-1, keepdim=True), [0.0, 0.0, 0.0]),
    "normalised zeros": (lambda x: F.normalize(x, dim=-1), [0.0, 0.0, 0.0]),
    "square root of zero": (lambda x: x.sqrt(), [0.0, 1.0, 4.0]),
    "square root behind a choice": (lambda x: torch.where(x > 0, x.clamp(min=1e-12).sqrt(), 0.0), [0.0, 1.0, -4.0]),
    "logarithm of zero": (lambda x: x.log(), [0.0, 1.0, 4.0]),
    "power of zero": (lambda x: x**1.5 + x**0.0 + x**2.5, [0.0, 1.0, 4.0]),
    "zero to tensors": (lambda x, y: x**y, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.5, 0.0]),
    "angle of zeros": (lambda x, y: torch.atan2(x, y), [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]),
    "arc sine at its end": (lambda x: x.asin(), [0.5, -0.5, 1.0]),
}


@pytest.mark.parametrize("name", SLOPES_AT_THE_EDGE)
def test_slopes_at_the_edge_of_a_domain_are_those_of_torch(name):
    "Where a derivative has to be chosen; where it is infinite in torch it may be any number that is none."
    function, *values = SLOPES_AT_THE_EDGE[name]
    results = only(function, *values)
    half = len(results) // 2
    for what, got, want in zip(("value", "slope", "second slope"), results[:half], results[half:], strict=False):
        known = torch.isfinite(want)
        assert_close(got[known], want[known], f"{what} of {name}")
        assert not torch.isfinite(got[~known]).any()

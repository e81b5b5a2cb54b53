"""Mean squares have the values and derivatives of their equations, in single precision, too."""

import pytest
import torch

from motornet_nb.learning.mean_squares import mean_distance, mean_square, mean_square_change


def test_terms_have_the_derivatives_of_their_equations():
    "Against finite differences, for every order in memory; kinks and the inside of the target are left out."
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64)
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        back = [order.index(d) for d in range(3)]
        given = x.permute(order).contiguous().permute(back).requires_grad_()
        assert given.shape == x.shape
        for function in (mean_square, mean_square_change):
            assert torch.autograd.gradcheck(function, (given,))
        for radius, euclidean in ((0.0, False), (0.8, False), (0.8, True)):
            assert torch.autograd.gradcheck(lambda e, r=radius, k=euclidean: mean_distance(e, r, k), (given,))
        assert mean_square(given).item() == pytest.approx(x.square().mean().item(), rel=1e-12)
        change = x.diff(dim=1).square().mean().item()
        assert mean_square_change(given).item() == pytest.approx(change, rel=1e-12)
    four = torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(mean_square_change, (four,))


@pytest.mark.parametrize("shape", [(64, 100, 50), (64, 100, 100), (256, 200, 100), (7, 3, 5), (131073,)], ids=str)
@pytest.mark.parametrize("kind", ["uniform", "normal", "constant"])
def test_means_of_squares_are_exact_in_single_precision(shape, kind):
    "To 1e-6 of the same mean in double precision, over millions of numbers and whatever their order in memory."
    generator = torch.Generator().manual_seed(1)
    uniform = torch.rand(shape, generator=generator)
    x = {"uniform": 0.3 * uniform, "normal": uniform.normal_(generator=generator), "constant": torch.full(shape, 0.3)}
    for given in (x[kind], x[kind].transpose(0, -1)):
        want = given.double().square().mean().item()
        assert mean_square(given).item() == pytest.approx(want, rel=1e-6)
        if given.ndim == 3:
            moving = given if kind != "constant" else given * torch.arange(given.shape[1])[:, None]
            want = moving.diff(dim=1).double().square().mean().item()
            assert mean_square_change(moving).item() == pytest.approx(want, rel=1e-6)

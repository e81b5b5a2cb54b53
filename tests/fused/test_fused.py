"""The fused engine on its own: every operation, layouts, time, gradients, memory, what it refuses, compilers and their cache."""

import errno
import functools
import linecache
import os
import platform
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map

from motornet_nb import fused
from motornet_nb.fused import compiler, recorder

DOUBLE, SINGLE = torch.float64, torch.float32


# ---- the referee -----------------------------------------------------------------------------------------------------


def normal(*shape, seed=0, dtype=DOUBLE, scale=1.0, learn=True) -> torch.Tensor:
    "Random numbers that need a gradient."
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype).requires_grad_(learn)


def eager(step, parameters, constants, carry, inputs, feedback=(), taps=(), n_steps=None):
    "The plain loop that the fused one has to agree with."
    n_steps = min(len(t) for t in tree_leaves(inputs)) if n_steps is None else n_steps
    history = []
    for k in range(n_steps):
        now = tree_map(lambda x, k=k: x[k], inputs)
        read = tuple(
            history[k - delay][name] if k >= delay else first
            for (name, delay), first in zip(taps, feedback, strict=True)
        )
        carry, outputs = step(parameters, constants, carry, now, read)
        history.append(outputs)
    return carry, tree_map(lambda *over_time: torch.stack(over_time), *history)


def assert_close(got, want, what="", relative=1e-10):
    "The same numbers but for rounding, relative to the number or to a hundredth of the largest; NaN and infinity where they belong."
    assert got.shape == want.shape and got.dtype == want.dtype, (
        f"{what}: {got.shape} {got.dtype}, not {want.shape} {want.dtype}"
    )
    got, want = got.detach(), want.detach()
    finite = want[torch.isfinite(want)]
    absolute = relative * 0.01 * float(finite.abs().max()) if finite.numel() else 0.0
    close = torch.isclose(got, want, rtol=relative, atol=absolute + 1e-300, equal_nan=True)
    assert bool(close.all()), (
        f"{what}: {got[~close][:4].tolist()}, not {want[~close][:4].tolist()} at {(~close).nonzero()[0].tolist()}"
    )


def learning(*groups) -> list[torch.Tensor]:
    "The tensors that need a gradient."
    return [t for t in tree_leaves(groups) if isinstance(t, torch.Tensor) and t.requires_grad]


def gradients(result, wanted, seed=5) -> list[torch.Tensor]:
    "Of a random weighting of everything a rollout returns."
    generator, total = torch.Generator().manual_seed(seed), 0.0
    for tensor in tree_leaves(result):
        weight = torch.randn(tensor.shape, generator=generator, dtype=torch.float64).to(tensor.dtype)
        if tensor.requires_grad:
            total = total + (tensor * weight).sum()
    found = torch.autograd.grad(total, wanted, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found, strict=True)]


def check(step, parameters, constants, carry, inputs, feedback=(), taps=(), n_steps=None, scan=None, relative=1e-10):
    "A fused rollout, its last carry and all its gradients against the plain loop; returns the scan."
    arguments = (parameters, constants, carry, inputs, feedback)
    scan = fused.Scan(step, *arguments, taps=taps) if scan is None else scan
    got = scan(*arguments, n_steps=n_steps)
    want = eager(step, *arguments, taps, n_steps)
    for k, (ours, theirs) in enumerate(zip(tree_leaves(got), tree_leaves(want), strict=True)):
        assert_close(ours, theirs, f"result {k}", relative)
    wanted = learning(*arguments)
    if wanted:
        for k, pair in enumerate(zip(gradients(got, wanted), gradients(want, wanted), strict=True)):
            assert_close(*pair, f"gradient {k} of shape {tuple(wanted[k].shape)}", 10 * relative)
    return scan


# ---- every operation -------------------------------------------------------------------------------------------------

VALUES = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 0.7]  # with ties between two arguments, and on every kink


def table_inputs(dtype) -> tuple[torch.Tensor, torch.Tensor]:
    "Two arguments (time, trial, 8): the values in all relations to each other, then random numbers."
    values = torch.tensor(VALUES, dtype=dtype)
    turned = torch.stack([values.roll(k) for k in range(8)])
    x = torch.stack((values.expand(8, 8), normal(8, 8, seed=1, dtype=dtype).detach()))
    y = torch.stack((turned, normal(8, 8, seed=2, dtype=dtype).detach()))
    return x.requires_grad_(), y.requires_grad_()


def square(x):
    "Eight rows as (trial, 2, 4)."
    return x.unflatten(-1, (2, 4))


def overwritten(x, change):
    "A copy of x after an operation in place."
    x = x.clone()
    change(x)
    return x


def changed_columns(x, y):
    "Columns worked on in place, and read again."
    x = x.clone()
    x[:, :, 0] -= 1.0
    x[:, :, 1:3] *= y[:, :, 1:3]
    x.mT[:, 3] += x[:, :, 0]
    return x


#: what torch calls it: functions of two tensors (trial, 8) and of a parameter (4, 4)
POINTWISE = {
    "add": lambda x, y, w: torch.add(x, y, alpha=3) + 1.5,
    "sub": lambda x, y, w: torch.sub(x, y, alpha=0.5) - 2 * x,
    "mul": lambda x, y, w: x * y * 0.3,
    "div": lambda x, y, w: x / (y * y + 0.5) + 2 / (y * y + 0.5),
    "true_divide": lambda x, y, w: torch.true_divide(x, 3),
    "maximum": lambda x, y, w: torch.maximum(x, y),
    "minimum": lambda x, y, w: torch.minimum(x, y),
    "gt": lambda x, y, w: torch.where(x > y, x, 2 * y),
    "ge": lambda x, y, w: torch.where(x >= y, x, 2 * y),
    "lt": lambda x, y, w: torch.where(x < y, x, 2 * y),
    "le": lambda x, y, w: torch.where(x <= 0.5, x, 2 * y),
    "eq": lambda x, y, w: torch.where(x == y, x, 2 * y),
    "ne": lambda x, y, w: x * (x != y),
    "bitwise_and": lambda x, y, w: torch.where((x > 0) & (y > 0), x, 2 * y),
    "bitwise_or": lambda x, y, w: torch.where((x > 0) | (y > 0), x, 2 * y),
    "bitwise_xor": lambda x, y, w: torch.where((x > 0) ^ (y > 0), x, 2 * y),
    "bitwise_not": lambda x, y, w: torch.where(~(x > 0), x, 2 * y),
    "logical_and": lambda x, y, w: torch.where(torch.logical_and(x, y), x, 2 * y),
    "logical_or": lambda x, y, w: torch.where(torch.logical_or(x, y), x, 2 * y),
    "logical_xor": lambda x, y, w: torch.where(torch.logical_xor(x, y), x, 2 * y),
    "logical_not": lambda x, y, w: torch.where(torch.logical_not(x), y, 2 * x),
    "where": lambda x, y, w: torch.where(x > 0.3, x, 0.0) + torch.where(y > x, 1.0, y),
    "clamp_min": lambda x, y, w: torch.clamp_min(x, 0.5) + 3 * torch.clamp_min(x, y),
    "clamp_max": lambda x, y, w: torch.clamp_max(x, 0.5) + 3 * torch.clamp_max(x, y),
    "clamp": lambda x, y, w: x.clamp(-0.5, 1) + 2 * x.clamp(min=0) + 3 * x.clamp(max=0.5),
    "clamp (tensors)": lambda x, y, w: torch.clamp(x, y, y + 1) + 3 * torch.clamp(x, y, -y),
    "neg": lambda x, y, w: -x,
    "sgn": lambda x, y, w: torch.sgn(x) * y,
    "sign": lambda x, y, w: torch.sign(x) * y,
    "exp": lambda x, y, w: torch.exp(x),
    "expm1": lambda x, y, w: torch.expm1(x),
    "log": lambda x, y, w: torch.log(x.abs() + 0.1),
    "log1p": lambda x, y, w: torch.log1p(x * x),
    "sqrt": lambda x, y, w: torch.sqrt(x * x + 0.1),
    "sin": lambda x, y, w: torch.sin(3 * x),
    "cos": lambda x, y, w: torch.cos(3 * x),
    "tan": lambda x, y, w: torch.tan(0.4 * x),
    "asin": lambda x, y, w: torch.asin(0.2 * x),
    "acos": lambda x, y, w: torch.acos(0.2 * x),
    "atan": lambda x, y, w: torch.atan(x),
    "atan2": lambda x, y, w: torch.atan2(x, y + 0.1),
    "tanh": lambda x, y, w: torch.tanh(x),
    "sigmoid": lambda x, y, w: torch.sigmoid(x),
    "erf": lambda x, y, w: torch.erf(x),
    "abs": lambda x, y, w: torch.abs(x),
    "floor": lambda x, y, w: torch.floor(x) * y,
    "ceil": lambda x, y, w: torch.ceil(x) * y,
    "trunc": lambda x, y, w: torch.trunc(x) * y,
    "round": lambda x, y, w: torch.round(x) * y,
    "mish": lambda x, y, w: F.mish(x),
    "amax": lambda x, y, w: x * square(y).amax((-2, -1))[..., None] + x.amax(-1, keepdim=True),
    "amin": lambda x, y, w: x * square(y).amin(-1).sum(-1)[..., None],
    "baddbmm": lambda x, y, w: torch.baddbmm(square(x).mT @ square(y), square(y).mT, square(x), beta=0.5).flatten(1)[
        :, :8
    ],
    "flip": lambda x, y, w: x.flip(-1) * square(y).flip((-2, -1)).flatten(-2),
    "hardtanh": lambda x, y, w: F.hardtanh(x),
    "hardtanh (relu6)": lambda x, y, w: F.relu6(6 * x),
    "reciprocal": lambda x, y, w: torch.reciprocal(x * x + 0.5),
    "rsqrt": lambda x, y, w: torch.rsqrt(x * x + 0.5),
    "square": lambda x, y, w: torch.square(x),
    "rsub": lambda x, y, w: torch.rsub(x, y, alpha=2) + (1 - x),
    "addcmul": lambda x, y, w: torch.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda x, y, w: torch.addcdiv(x, y, x * x + 1, value=0.5),
    "lerp": lambda x, y, w: torch.lerp(x, y, 0.3) + torch.lerp(x, y, x * y),
    "relu": lambda x, y, w: F.relu(x),
    "leaky_relu": lambda x, y, w: F.leaky_relu(x, 0.1),
    "elu": lambda x, y, w: F.elu(x, 1.3) + F.selu(x),
    "softplus": lambda x, y, w: F.softplus(20 * x) + F.softplus(x, 2.0, 1.0),
    "silu": lambda x, y, w: F.silu(x),
    "gelu": lambda x, y, w: F.gelu(x) + 3 * F.gelu(x, approximate="tanh"),
    "log_sigmoid_forward": lambda x, y, w: F.logsigmoid(x),
    "sinh": lambda x, y, w: torch.sinh(x),
    "cosh": lambda x, y, w: torch.cosh(x),
    "exp2": lambda x, y, w: torch.exp2(x),
    "log2": lambda x, y, w: torch.log2(x * x + 0.5),
    "pow": lambda x, y, w: x**2 + x**3 + (x * x + 0.5) ** -2 + (x * x + 0.5) ** 0.5 + (x * x + 0.5) ** -0.5 + x**9,
    "pow (numbers)": lambda x, y, w: (x * x + 0.5) ** 1.7 + 2.5**x + x**1 + x**0,
    "pow (tensors)": lambda x, y, w: (x * x + 0.5) ** y,
    "heaviside": lambda x, y, w: torch.heaviside(x.detach(), x.detach() * 0 + 0.5) * y,
    "masked_fill": lambda x, y, w: x.masked_fill(y > 0, 0.5) + x.masked_fill(y > x, -1),
    "isfinite": lambda x, y, w: torch.where(torch.isfinite(x / (y.abs() > 0.6)), x, 2 * y),
    "isnan": lambda x, y, w: torch.where(torch.isnan((x * 0) / (y.abs() > 0.6)), x, 2 * y),
    "zeros_like": lambda x, y, w: torch.maximum(x, torch.zeros_like(x)),
    "ones_like": lambda x, y, w: torch.ones_like(x) - x,
    "full_like": lambda x, y, w: torch.full_like(x, 0.25) * x,
    "fill": lambda x, y, w: overwritten(x, lambda z: z.fill_(2.0)) * y + torch.fill(x, 0.5) * x,
    "new_zeros": lambda x, y, w: x.new_zeros(x.shape[0], 8) + x,
    "new_ones": lambda x, y, w: x.new_ones(x.shape[0], 1) * x,
    "new_full": lambda x, y, w: x.new_full((x.shape[0], 8), 0.3) * x,
    "empty_like": lambda x, y, w: torch.empty_like(x).copy_(y) * x,
    "new_empty": lambda x, y, w: x.new_empty(x.shape).fill_(1.5) * x,
}
JOINING = {
    "sum": lambda x, y, w: x * x.sum(-1, keepdim=True) + y * square(x).sum((1, 2))[:, None],
    "mean": lambda x, y, w: x * x.mean(-1, keepdim=True) + y * square(x).mean((1, 2))[:, None],
    "linalg_vector_norm": lambda x, y, w: x / x.norm(dim=-1, keepdim=True),
    "var": lambda x, y, w: x * x.var(-1, keepdim=True) + y * square(x).var((1, 2), correction=0)[:, None],
    "var_mean": lambda x, y, w: x * torch.cat([t.expand(-1, 4) for t in torch.var_mean(x, -1, keepdim=True)], -1),
    "native_layer_norm": lambda x, y, w: F.layer_norm(square(x), (4,), w[0], w[1]).flatten(1) + F.layer_norm(y, (8,)),
    "_softmax": lambda x, y, w: torch.softmax(square(x), 1).flatten(1) + torch.softmax(x * y, -1),
    "_log_softmax": lambda x, y, w: torch.log_softmax(square(x), 1).flatten(1) + torch.log_softmax(x * y, -1),
    "cat": lambda x, y, w: torch.cat((x[:, 2:5], y[:, :4], w[:1, :1].expand(len(x), 1)), -1),
    "stack": lambda x, y, w: torch.stack((x, y, x * y), 1)[:, 1] + torch.stack((x, y), -1).flatten(1)[:, 4:12],
    "index": lambda x, y, w: x[:, [7, 0, 0, 3, 2, 2, 1, 5]] + x[:, torch.tensor([0, 2, 4, 6])].repeat_interleave(2, -1),
    "index_select": lambda x, y, w: torch.index_select(x, 1, torch.tensor([1, 0, 3, 2, 2, 2, 7, 6])) * w[0].sum(),
    "slice_scatter": lambda x, y, w: overwritten(x, lambda z: z[:, 2:5].copy_(y[:, :3])) * x,
    "select_scatter": lambda x, y, w: overwritten(square(x), lambda z: z[:, 1, 2].copy_(y[:, 0])).flatten(1) * x,
    "copy": lambda x, y, w: overwritten(x, lambda z: z.copy_(y)) * x,
    "mm": lambda x, y, w: torch.cat((x[:, :4] @ w, (w @ y[:, ::2].T).T), -1),
    "addmm": lambda x, y, w: torch.cat(
        (torch.addmm(w[0], x[:, :4], w, beta=0.5, alpha=2), F.linear(y[:, 4:], w, w[1])), -1
    ),
    "mv": lambda x, y, w: x * torch.mv(x[:, :4], w[0])[:, None],
    "bmm": lambda x, y, w: (square(x).mT @ square(y)).flatten(1)[:, :8] + (square(x) @ w).flatten(1),
    "bmm (einsum)": lambda x, y, w: (
        torch.einsum("bij,bkj,jk->bik", square(x), square(y), w[:, :2]).flatten(1).repeat_interleave(2, 1)
    ),
    "merged batch": lambda x, y, w: F.linear(square(x).flatten(0, 1), w).view(-1, 2, 4).flatten(1) * y,
}
LOOKING = {
    "alias": lambda x, y, w: torch.ops.aten.alias(x) * x,
    "clone": lambda x, y, w: x.clone() * y,
    "contiguous": lambda x, y, w: square(x).mT.contiguous().flatten(1) * y,
    "detach": lambda x, y, w: x.detach() * x + y * (x * y).detach(),
    "lift_fresh": lambda x, y, w: x * torch.tensor(1.5, dtype=x.dtype),
    "lift_fresh_copy": lambda x, y, w: x * torch.tensor([1.0, 2.0] * 4, dtype=x.dtype),
    "_to_copy": lambda x, y, w: torch.where(x > 0, y, x) * (x > y).to(x.dtype),
    "to": lambda x, y, w: x.to(x.dtype) * y,
    "positive": lambda x, y, w: +x * y,
    "_conj": lambda x, y, w: x.conj() * y,
    "lift": lambda x, y, w: torch.ops.aten.lift(x) * y,
    "select": lambda x, y, w: x.select(1, -3)[:, None] * x + square(y)[:, 1, None, :].expand(-1, 2, -1).flatten(1),
    "slice": lambda x, y, w: (
        x[:, 1:8:2].repeat_interleave(2, -1) * y + torch.cat((x[:, -2:], x[:, :100], x[:, 4:4]), -1)[:, :8]
    ),
    "transpose": lambda x, y, w: square(x).transpose(1, 2).reshape(len(x), 8) * y,
    "t": lambda x, y, w: x.t().t() * y,
    "numpy_T": lambda x, y, w: (x.T * y.T).T,
    "permute": lambda x, y, w: x.view(-1, 2, 2, 2).permute(3, 0, 2, 1).permute(1, 0, 3, 2).reshape(-1, 8) * y,
    "unsqueeze": lambda x, y, w: (x.unsqueeze(0) * y.unsqueeze(1).transpose(0, 1))[0],
    "squeeze": lambda x, y, w: (x[:, :1].squeeze(-1)[:, None] * y).unsqueeze(0).squeeze(),
    "expand": lambda x, y, w: x[:, None, :2].expand(-1, 4, 2).flatten(1) * y + w[0, 0].expand(len(x), 8),
    "view": lambda x, y, w: x.view(-1, 4, 2)[:, :, 1].repeat_interleave(2, -1) * y,
    "_unsafe_view": lambda x, y, w: torch.ops.aten._unsafe_view(x, [len(x), 2, 4]).mT.flatten(1) * y,
    "reshape": lambda x, y, w: square(x).mT.reshape(len(x), -1) * y,
    "_reshape_alias": lambda x, y, w: torch.ops.aten._reshape_alias(x, [len(x), 2, 4], [8, 4, 1]).mT.flatten(1) * y,
    "split": lambda x, y, w: torch.cat(x.split(3, 1)[::-1], 1) * y,
    "split_with_sizes": lambda x, y, w: torch.cat(x.split((1, 5, 2), 1)[::-1], 1) * y,
    "unsafe_split": lambda x, y, w: torch.cat(torch.unsafe_split(x, 3, 1)[::-1], 1) * y,
    "unsafe_split_with_sizes": lambda x, y, w: torch.cat(torch.unsafe_split_with_sizes(x, (1, 5, 2), 1)[::-1], 1) * y,
    "chunk": lambda x, y, w: torch.cat(x.chunk(3, -1)[::-1], 1) * y,
    "unsafe_chunk": lambda x, y, w: torch.cat(torch.unsafe_chunk(x, 3, -1)[::-1], 1) * y,
    "unbind": lambda x, y, w: torch.stack(square(x).unbind(1)[::-1], 1).flatten(1) * y,
    "diagonal": lambda x, y, w: (
        torch.cat([square(x)[:, :, :3].diagonal(k, 1, 2) for k in (0, 1, -1)], 1).sum(1, True) * y
    ),
    "no change": lambda x, y, w: torch.cat(
        [
            (x[:, ::2] * 1.0)[:, 1:] * y[:, :3],
            torch.sin(square(x).mT + 0.0)[:, 1:, 0] ** 2,
            ((x[:, 1::2] ** 1) / 1)[:, 2:] * (y[:, :1].expand(-1, 4) - 0.0)[:, 2:],
        ],
        1,
    ),
    "a column changed": lambda x, y, w: changed_columns(square(x), square(y)).flatten(1) * y,
    "views of views": lambda x, y, w: (
        square(x)[:, :, 1:].mT[:, ::2].unsqueeze(1)[:, 0].flatten(1).repeat_interleave(2, 1) * y
    ),
}
TABLE = POINTWISE | JOINING | LOOKING

#: rows of the tables that no step can reach: torch takes these operations apart before they arrive


@functools.cache
def table_results(dtype):
    "All operations as the outputs of one step, fused and eager: results, gradients, refusals, and the table's rows that were used."
    x, y = table_inputs(dtype)
    w, start, refused, used = normal(4, 4, seed=3, dtype=dtype), torch.zeros(8, 1, dtype=dtype), {}, set()

    class Noting(dict):
        def __getitem__(self, name):
            used.add(name)
            return super().__getitem__(name)

    def step(parameters, constants, carry, inputs, feedback):
        outputs = {}
        for name, function in TABLE.items():
            try:
                outputs[name] = function(*inputs, parameters)
            except Exception as error:
                refused[name] = error
        return carry + inputs[0][:, :1], outputs

    arguments = (w, (), start, (x, y))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "OPERATIONS", Noting(recorder.OPERATIONS))
        patch.setattr(recorder, "VIEWS", Noting(recorder.VIEWS))
        scan = fused.Scan(step, *arguments)
    _, got = scan(*arguments)
    want = {name: torch.stack([f(a, b, w) for a, b in zip(x, y, strict=True)]) for name, f in TABLE.items()}
    weight = torch.linspace(0.5, 1.5, 8, dtype=dtype)

    def slopes(result):
        found = torch.autograd.grad(result, (x, y, w), weight.expand_as(result), retain_graph=True, allow_unused=True)
        return [torch.zeros_like(t) if g is None else g for t, g in zip((x, y, w), found, strict=True)]

    return {n: (got[n], slopes(got[n]), want[n], slopes(want[n])) for n in got}, refused, used


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_every_operation_agrees_with_torch(name, dtype):
    "Forward and gradient, also where two arguments are equal and where a function has a kink."
    results, refused, _ = table_results(dtype)
    assert name not in refused, f"{type(refused[name]).__name__}: {refused[name]}"
    got, got_slopes, want, want_slopes = results[name]
    relative = 1e-10 if dtype == DOUBLE else 2e-4
    assert_close(got, want, name, relative)
    for which, ours, theirs in zip(("first", "second", "parameter"), got_slopes, want_slopes, strict=True):
        assert_close(ours, theirs, f"gradient of {name} to the {which} argument", relative)


def test_every_row_of_the_tables_is_tested():
    "An operation that is added to the fused engine has to be added here."
    used = table_results(DOUBLE)[2]
    known = set(recorder.OPERATIONS) | set(recorder.VIEWS)
    assert known - used - {"dot"} == set()  # dot is there to be refused


# ---- edges -----------------------------------------------------------------------------------------------------------


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


STRANGE = [float("nan"), float("inf"), float("-inf"), 0.0, -3.0]
STRANGE_FUNCTIONS = {
    "exp": lambda x, y: x.exp(),
    "expm1": lambda x, y: x.expm1(),
    "sigmoid": lambda x, y: x.sigmoid(),
    "tanh": lambda x, y: x.tanh(),
    "relu": lambda x, y: x.relu(),
    "abs": lambda x, y: x.abs(),
    "sqrt": lambda x, y: x.sqrt(),
    "log": lambda x, y: x.log(),
    "log1p": lambda x, y: x.log1p(),
    "erf": lambda x, y: x.erf(),
    "atan": lambda x, y: x.atan(),
    "floor": lambda x, y: x.floor(),
    "softplus": lambda x, y: F.softplus(x),
    "elu": lambda x, y: F.elu(x),
    "leaky_relu": lambda x, y: F.leaky_relu(x),
    "clamp": lambda x, y: x.clamp(-1, 1),
    "clamp from below": lambda x, y: x.clamp(min=-1),
    "clamp from above": lambda x, y: x.clamp(max=1),
    "clamp by tensors": lambda x, y: torch.clamp(x, y, y + 1),
    "clamp between strange tensors": lambda x, y: torch.clamp(y, x, x),
    "maximum": lambda x, y: torch.maximum(x, y),
    "maximum, the other way round": lambda x, y: torch.maximum(y, x),
    "minimum": lambda x, y: torch.minimum(x, y),
    "minimum, the other way round": lambda x, y: torch.minimum(y, x),
    "where": lambda x, y: torch.where(x > 0, x, y),
    "comparisons": lambda x, y: (x > y).to(x.dtype) + 2 * (x <= y) + 4 * (x == x) + 8 * (x != y),
    "isfinite": lambda x, y: torch.where(torch.isfinite(x), y, 2 * y),
    "isnan": lambda x, y: torch.where(torch.isnan(x), y, 2 * y),
    "times zero": lambda x, y: x * 0.0,
    "a sum": lambda x, y: x.sum(-1, keepdim=True) + x,
    "softmax": lambda x, y: torch.softmax(x, -1),
    "softmax of finite numbers": lambda x, y: torch.softmax(x[:, 3:].clamp(-1e30, 1e30), -1).sum(-1, keepdim=True) + y,
}


@functools.cache
def strange_results(dtype):
    "What becomes of numbers that are none, fused and in torch."
    largest, smallest = torch.finfo(dtype).max * 0.5, torch.finfo(dtype).tiny * 2
    x = torch.tensor([*STRANGE, largest, -largest, smallest], dtype=dtype)[None, None]
    y = torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0, -2.0, 3.0, 4.0][: x.shape[-1]], dtype=dtype)[None, None]

    def step(parameters, constants, carry, inputs, feedback):
        return carry, {name: function(*inputs) for name, function in STRANGE_FUNCTIONS.items()}

    _, got = fused.scan(step, (), (), torch.zeros(1, 1, dtype=dtype), (x, y))
    return got, {name: function(x[0], y[0])[None] for name, function in STRANGE_FUNCTIONS.items()}


@pytest.mark.parametrize("name", STRANGE_FUNCTIONS)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_numbers_that_are_none_are_handed_on(name, dtype):
    "NaN, infinity, and the largest and smallest numbers, as torch does it: a guard has to find them at the end."
    got, want = strange_results(dtype)
    assert_close(got[name], want[name], name, 1e-12 if dtype == DOUBLE else 1e-5)


def test_an_output_the_loss_does_not_use_does_not_disturb_the_gradients():
    "Its derivative may be infinite: said which outputs are read, the scan does not ask for it. The last carry is there all the same."

    def step(parameters, constants, carry, inputs, feedback):
        return {"last": inputs + 1, "sum": carry["sum"] + inputs}, {"used": inputs * 2, "unused": inputs.sqrt()}

    x = torch.zeros(2, 3, 4, dtype=DOUBLE, requires_grad=True)
    carry = {name: torch.ones(3, 4, dtype=DOUBLE) for name in ("last", "sum")}
    arguments = ((), (), carry, x)
    last, outputs = fused.Scan(step, *arguments, read=["used"])(*arguments)
    outputs["used"].sum().backward()
    assert outputs["unused"] is None
    assert_close(last["last"], torch.ones(3, 4, dtype=DOUBLE))
    assert_close(last["sum"], torch.ones(3, 4, dtype=DOUBLE))
    assert_close(x.grad, torch.full_like(x, 2.0))


def wide(dtype):
    "For each function where to look at it: evenly spaced, and close to 0 on both sides."
    double = dtype == DOUBLE
    tiny = np.concatenate([s * np.geomspace(1e-300 if double else 1e-30, 0.9, 1500) for s in (1, -1)])
    ranges = {
        "exp": (-708, 709) if double else (-87, 88),  # what is smaller may become 0
        "expm1": (-60, 700) if double else (-30, 88),
        "sin": (-1e4, 1e4) if double else (-1e3, 1e3),
        "cos": (-1e4, 1e4) if double else (-1e3, 1e3),
        "tanh": (-30, 30),
        "sigmoid": (-700, 40) if double else (-85, 40),
        "log1p": (-0.99, 100),
        "erf": (-7, 7),
        "atan": (-100, 100),
        "tan": (-1.5, 1.5),
        "sinh": (-80, 80),
        "cosh": (-80, 80),
        "softplus": (-30, 30),
    }
    return {
        name: np.concatenate([np.linspace(*ends, 3000), tiny]).astype(str(dtype)[6:]) for name, ends in ranges.items()
    }


REFERENCE = {
    "sigmoid": lambda x: np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))),
    "softplus": lambda x: F.softplus(torch.from_numpy(x)).numpy(),
    "erf": lambda x: torch.erf(torch.from_numpy(x)).numpy(),
    "atan": np.arctan,
}


@functools.cache
def wide_results(dtype):
    "All functions over their ranges."
    given = {name: torch.from_numpy(x)[None, :, None] for name, x in wide(dtype).items()}

    def step(parameters, constants, carry, inputs, feedback):
        return carry, {name: getattr(torch, name, F.softplus)(x) for name, x in inputs.items()}

    n = next(iter(given.values())).shape[1]
    return fused.scan(step, (), (), torch.zeros(n, 1, dtype=dtype), given)[1]


@pytest.mark.parametrize("name", wide(DOUBLE))
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_functions_are_accurate_to_a_few_last_bits(name, dtype):
    "Over a wide range and close to zero."
    x = wide(dtype)[name].astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        want = REFERENCE.get(name, getattr(np, name, None))(x)
    got = wide_results(dtype)[name].numpy().ravel()
    unit = np.spacing(np.abs(want).astype(got.dtype)).astype(np.float64)
    if name in ("sin", "cos", "tan"):  # close to a zero of theirs far from 0 what counts is the rounding of the angle
        unit = np.maximum(unit, np.finfo(got.dtype).eps * (np.abs(x) > 1) * 0.25)
    if name == "softplus":  # torch's own leaves it at log(1 + exp(x))
        unit = np.maximum(unit, np.finfo(got.dtype).eps * np.abs(want) * 4)
    error = np.abs(got.astype(np.float64) - want) / unit
    worst = error.argmax()
    assert error[worst] <= 4, (
        f"{error[worst]:.3g} units of the last bit at {x[worst]!r}: {got[worst]!r}, not {want[worst]!r}"
    )


# ---- whole steps -----------------------------------------------------------------------------------------------------

RICH_TAPS = [("speed", 2), ("drive", 5), ("speed", 9)]


def rich(parameters, constants, carry, inputs, feedback):
    "A step with a bit of everything: a cell, a body, inputs of both kinds, delays, work on parameters alone."
    hidden, (place, speed) = carry
    unit = parameters["direction"] / parameters["direction"].norm()
    seen = torch.cat((feedback[0], feedback[1], inputs["goal"], hidden), -1)
    hidden = torch.tanh(F.linear(seen, parameters["weight"], parameters["bias"]) + constants["offset"])
    drive = torch.sigmoid(hidden @ parameters["readout"].exp().T) * (1 + inputs["time"])
    pull = drive @ parameters["pull"] * constants["strength"] - 0.5 * place + 0.1 * feedback[2] * unit
    speed = speed + 0.1 * (pull + inputs["push"] - F.softplus(parameters["friction"]) * speed)
    place = (place + 0.1 * speed).clamp(-1.0, 1.0)
    return (hidden, (place, speed)), {"speed": speed, "drive": drive, "place": place, "hidden": hidden}


def rich_parameters(dtype=DOUBLE, seed=0):
    "For `rich`."
    shapes = {"weight": (5, 12), "bias": (5,), "readout": (3, 5), "pull": (3, 2), "friction": (), "direction": (2,)}
    return {n: normal(*s, seed=seed + i, dtype=dtype, scale=0.4) for i, (n, s) in enumerate(shapes.items())}


def rich_rest(batch, steps, dtype=DOUBLE, seed=50):
    "Constants, carry, inputs and feedback for `rich`."

    def make(*shape):
        make.seed += 1
        return normal(*shape, seed=make.seed, dtype=dtype, scale=0.3)

    make.seed = seed
    constants = {"offset": make(batch, 5), "strength": make(batch, 1)}
    carry = (make(batch, 5), (make(batch, 2), make(batch, 2)))
    time = torch.linspace(0, 1, steps, dtype=dtype)
    inputs = {"goal": make(steps, batch, 2), "push": make(steps, batch, 2), "time": time}
    return constants, carry, inputs, (make(batch, 2), make(batch, 3), make(batch, 2))


@functools.cache
def rich_scan(dtype=DOUBLE, target=None) -> fused.Scan:
    "One program for all tests of `rich`."
    return fused.Scan(rich, rich_parameters(dtype), *rich_rest(3, 2, dtype), taps=RICH_TAPS, target=target)


SIZES = [(1, 7), (2, 1), (63, 2), (64, 7), (65, 7), (200, 2), (3, 300), (33, 12)]


@pytest.mark.parametrize("batch, steps", SIZES)
def test_any_number_of_trials_and_steps_runs_in_one_program(batch, steps):
    "Carry, constants, inputs, delayed feedback (with delays longer than the trial) and parameters, forward and backward."
    check(rich, rich_parameters(), *rich_rest(batch, steps), taps=RICH_TAPS, scan=rich_scan())


def test_single_precision_agrees_loosely():
    "With the same program as in the tests of double precision, written for float32."
    check(
        rich, rich_parameters(SINGLE), *rich_rest(70, 20, SINGLE), taps=RICH_TAPS, scan=rich_scan(SINGLE), relative=1e-3
    )


def test_fewer_steps_than_inputs():
    "`n_steps` cuts the trial; what the inputs say after it gets a gradient of 0."
    parameters, rest = rich_parameters(), rich_rest(4, 9)
    check(rich, parameters, *rest, taps=RICH_TAPS, n_steps=6, scan=rich_scan())


def test_two_runs_are_bit_for_bit_the_same():
    "Results and gradients, with one thread, with two, and again."
    parameters, rest = rich_parameters(), rich_rest(200, 11)

    def once(threads):
        history = rich_scan().run(fused.flatten(parameters, *rest), threads=threads)
        result = [history.carry, *(history.output(i) for i in rich_scan().positions.values())]
        return tree_leaves(result) + gradients(result, learning(parameters, *rest))

    first = once(1)
    for threads in (1, 2, 2, 3):
        for k, (ours, theirs) in enumerate(zip(once(threads), first, strict=True)):
            assert torch.equal(ours, theirs), f"tensor {k} with {threads} threads"


@pytest.mark.parametrize("shared", [(), ("weight",), ("weight", "bias", "readout", "pull", "friction", "direction")])
def test_replicates_are_so_many_rollouts(shared):
    "Each network with its own consecutive trials; parameters they share get the sum of their gradients."
    each = [rich_parameters(seed=100 * i) for i in range(3)]
    together = {
        n: each[0][n] if n in shared else torch.stack([e[n].detach() for e in each]).requires_grad_() for n in each[0]
    }
    batch = 35  # so that the blocks of a replicate are not full
    rest = rich_rest(3 * batch, 7)
    history = rich_scan().run(fused.flatten(together, *rest), replicates=3)
    got = [history.carry, {name: history.output(i).movedim(1, 0) for name, i in rich_scan().positions.items()}]
    parts = []
    for i in range(3):
        own = {n: together[n] if n in shared else together[n][i] for n in together}
        share = slice(i * batch, (i + 1) * batch)
        constants, carry, feedback = tree_map(lambda t, share=share: t[share], (rest[0], rest[1], rest[3]))
        inputs = {n: t[:, share] if t.ndim > 1 else t for n, t in rest[2].items()}
        parts.append(eager(rich, own, constants, carry, inputs, feedback, RICH_TAPS))
    want = [
        tree_map(lambda *t: torch.cat(t), *(carry for carry, _ in parts)),
        tree_map(lambda *t: torch.cat(t, 1), *(outputs for _, outputs in parts)),
    ]
    wanted = learning(together, *rest)
    for k, (ours, theirs) in enumerate(zip(tree_leaves(got), tree_leaves(want), strict=True)):
        assert_close(ours, theirs, f"result {k}")
    for k, (ours, theirs) in enumerate(zip(gradients(got, wanted), gradients(want, wanted), strict=True)):
        assert_close(ours, theirs, f"gradient {k}", 1e-9)


def test_what_is_changed_before_the_backward_pass_is_refused():
    "A tensor that was read, an output that is a view of what is kept; a second backward pass needs the memory too."
    step = lambda p, c, x, u, f: (x * p["w"] + c * u, {"x": x * x * p["w"]})  # noqa: E731
    weight, constant = torch.tensor(0.9, requires_grad=True), torch.ones(64, 3)
    arguments = ({"w": weight, "free": torch.ones(3)}, constant, torch.ones(64, 3), torch.ones(5, 64, 3), ())
    scan = fused.Scan(step, *arguments)
    history = scan.run(fused.flatten(*arguments))
    history.output(0).sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        history.output(0).sum().backward()

    history = scan.run(fused.flatten(*arguments))
    (stored,) = history.shares(0, blocked=True)
    loss = stored.sum()
    with torch.no_grad():
        stored[0] = 0.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()

    inner = torch.full((3,), 2.0)
    other = ({"w": weight, "free": inner}, *arguments[1:])
    step = lambda p, c, x, u, f: (x * p["w"] * p["free"] + c * u, {"x": x * p["w"]})  # noqa: E731
    outputs = fused.scan(step, *other)[1]
    inner.add_(1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        outputs["x"].sum().backward()


MEMORY = """
import ctypes, sys
from motornet_nb.fused import memory
asked = []
class Library:
    def __init__(self, name): pass
    def mallopt(self, option, value): asked.append((option, value))
ctypes.CDLL = Library
memory.keep_freed_memory()
memory.keep_freed_memory()
print(asked)
"""


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [({}, 2), ({"MALLOC_TRIM_THRESHOLD_": "100000"}, 0), ({"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1"}, 0)],
)
def test_freed_memory_is_kept_unless_the_user_has_chosen(chosen, asked):
    "Once, and only the two settings of glibc."
    if sys.platform != "linux":
        asked = 0
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, env={**os.environ, **chosen})
    assert run.returncode == 0, run.stderr
    options = eval(run.stdout)
    assert len(options) == asked and {o for o, _ in options} <= {-1, -3}


def test_trials_that_cannot_be_shared_equally_are_refused():
    "Seven trials for two networks."
    with pytest.raises(ValueError, match="7 trials"):
        rich_scan().run(fused.flatten(rich_parameters(), *rich_rest(7, 2)), replicates=2)


def test_going_back_twice():
    "With retain_graph the same gradients again, without it torch's own error."
    parameters, rest = rich_parameters(), rich_rest(5, 4)
    _, outputs = rich_scan()(parameters, *rest)
    total, wanted = outputs["place"].square().sum(), learning(parameters, *rest)
    first = torch.autograd.grad(total, wanted, retain_graph=True, allow_unused=True)
    second = torch.autograd.grad(total, wanted, allow_unused=True)
    assert all(a is b is None or torch.equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match=r"second time|freed"):
        torch.autograd.grad(total, wanted, allow_unused=True)


def test_a_gradient_of_a_gradient_is_refused():
    "Rather than wrong."
    parameters, rest = rich_parameters(), rich_rest(2, 3)
    _, outputs = rich_scan()(parameters, *rest)
    (first,) = torch.autograd.grad(outputs["place"].square().sum(), parameters["bias"], create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(first.square().sum(), parameters["weight"])


def test_only_some_gradients_are_asked_for():
    "Of one parameter, of the last carry alone, of one output alone."
    parameters, rest = rich_parameters(), rich_rest(5, 4)
    frozen = {n: p.detach() for n, p in parameters.items()} | {"bias": parameters["bias"]}
    detached = tree_map(torch.Tensor.detach, rest)
    for wanted, arguments in (
        (parameters["bias"], (frozen, *detached)),
        (rest[1][0], (tree_map(torch.Tensor.detach, parameters), detached[0], rest[1], *detached[2:])),
    ):
        for pick in (lambda r: r[0][0], lambda r: r[0][1][1], lambda r: r[1]["drive"], lambda r: r[1]["place"][-1]):
            got, want = pick(rich_scan()(*arguments)), pick(eager(rich, *arguments, RICH_TAPS))
            slopes = [torch.autograd.grad(t.square().sum(), wanted)[0] for t in (got, want)]
            assert_close(*slopes, relative=1e-9)


def test_without_gradients():
    "The same numbers, nothing attached, and no memory kept for a way back."
    parameters, rest = rich_parameters(), rich_rest(70, 8)
    carry, outputs = rich_scan()(parameters, *rest)
    with torch.no_grad():
        free_carry, free_outputs = rich_scan()(parameters, *rest)
    for ours, theirs in zip(tree_leaves((free_carry, free_outputs)), tree_leaves((carry, outputs)), strict=True):
        assert not ours.requires_grad and theirs.requires_grad
        assert torch.equal(ours, theirs)


def test_a_scan_built_without_gradients_says_so():
    "It has no way back; asked for one it does not return numbers without a graph."

    def step(parameters, constants, carry, inputs, feedback):
        return carry * parameters + inputs, carry

    p, carry, inputs = torch.tensor(0.5, dtype=DOUBLE), normal(3, 2, learn=False), normal(4, 3, 2, seed=1, learn=False)
    scan = check(step, p, (), carry, inputs)
    assert not scan.suits(fused.flatten(p.clone().requires_grad_(), (), carry, inputs))
    with pytest.raises(ValueError, match="backward"):
        scan(p.clone().requires_grad_(), (), carry, inputs)


def test_a_tensor_that_needed_no_gradient_when_the_scan_was_built():
    "It gets one all the same, or the scan says that it does not suit."

    def step(parameters, constants, carry, inputs, feedback):
        return torch.tanh(carry * parameters[0] + inputs + parameters[1]), carry

    p, q = torch.tensor(0.5, dtype=DOUBLE, requires_grad=True), torch.tensor(0.2, dtype=DOUBLE)
    carry, inputs = normal(3, 2, learn=False), normal(4, 3, 2, seed=1, learn=False)
    scan = fused.Scan(step, (p, q), (), carry, inputs)
    other = (p, q.clone().requires_grad_())
    if scan.suits(fused.flatten(other, (), carry, inputs)):
        check(step, other, (), carry, inputs, scan=scan)
    else:
        with pytest.raises((RuntimeError, ValueError)):
            _, outputs = scan(other, (), carry, inputs)
            torch.autograd.grad(outputs.sum(), other)


def test_what_was_kept_from_an_earlier_run_stays_as_it_was():
    "Memory is used again only when nobody holds it: outputs, views of them, gradients, and graphs that were not yet followed back."
    parameters, first, second = rich_parameters(), rich_rest(40, 6), rich_rest(40, 6, seed=500)
    scan = rich_scan()
    alone = scan(parameters, *first)
    wanted = learning(parameters, *first)
    expected = [t.detach().clone() for t in tree_leaves(alone)]
    slopes = gradients(alone, wanted)
    del alone
    kept = scan(parameters, *first)
    part, as_array = kept[1]["place"].detach()[2, :, :1], kept[1]["speed"].detach().numpy()
    history = scan.run(fused.flatten(parameters, *first))  # not yet brought back from its blocks
    for _ in range(3):
        other = scan(parameters, *second)
        gradients(other, learning(parameters, *second))
        with torch.no_grad():
            scan(parameters, *second)
    for ours, theirs in zip(tree_leaves(kept), expected, strict=True):
        assert torch.equal(ours, theirs)
    place = kept[1]["place"].detach().clone()
    assert torch.equal(part, place[2, :, :1])
    assert torch.equal(history.output(scan.positions["place"]).movedim(1, 0), place)
    for ours, theirs in zip(gradients(kept, wanted), slopes, strict=True):
        assert torch.equal(ours, theirs)
    before = as_array.copy()
    del kept, history, other
    scan(parameters, *second)
    assert (as_array == before).all()


def test_several_scans_live_side_by_side():
    "Two programs taking turns, their graphs followed back in the other order."

    def step(parameters, constants, carry, inputs, feedback):
        return torch.sin(carry @ parameters) + inputs, carry * 2

    def other_step(parameters, constants, carry, inputs, feedback):
        return torch.cos(carry @ parameters) - inputs, carry * 3

    w, carry, inputs = normal(2, 2), normal(5, 2, seed=1), normal(6, 5, 2, seed=2)
    scans = [(f, fused.Scan(f, w, (), carry, inputs)) for f in (step, other_step)]
    results = [(f, scan(w, (), carry, inputs)) for f, scan in scans * 2]
    for function, result in reversed(results):
        want = eager(function, w, (), carry, inputs)
        for ours, theirs in zip(
            gradients(result, [w, carry, inputs]), gradients(want, [w, carry, inputs]), strict=True
        ):
            assert_close(ours, theirs)


def test_tensors_in_odd_layouts_are_read_rightly():
    "Transposed, expanded and cut arguments; a batch of one that stands for all trials."
    parameters, (constants, carry, inputs, feedback) = rich_parameters(), rich_rest(6, 5)
    parameters["weight"] = normal(12, 5, seed=7, scale=0.4).detach().T.requires_grad_()
    inputs["goal"] = normal(6, 2, 10, seed=8).detach().permute(2, 0, 1)[::2].requires_grad_()
    constants["strength"] = normal(1, 1, seed=9).detach().expand(6, 1).requires_grad_()
    check(rich, parameters, constants, carry, inputs, feedback, RICH_TAPS, scan=rich_scan())


def test_shapes_that_differ_are_noticed():
    "`suits` is about everything but the numbers of trials, steps and replicates."
    parameters, rest = rich_parameters(), rich_rest(9, 4)
    scan = rich_scan()

    def suits(*arguments):
        return scan.suits(fused.flatten(*arguments))

    constants, carry, inputs, feedback = rest
    assert suits(parameters, *rest)
    assert suits({n: torch.stack([p, p]) for n, p in parameters.items()}, *rest)
    assert not suits(parameters, constants, carry, inputs | {"goal": normal(4, 9, 3)}, feedback)
    assert not suits(parameters, constants, carry, inputs | {"more": normal(4, 9, 3)}, feedback)
    assert not suits(parameters | {"bias": normal(6)}, *rest)
    assert not suits(*tree_map(torch.Tensor.float, (parameters, *rest)))


OTHERS = {
    "a shorter parameter": lambda p, c, k, i, f: (p | {"bias": normal(4)}, c, k, i, f),
    "a longer input": lambda p, c, k, i, f: (p, c, k, i | {"push": normal(4, 9, 3)}, f),
    "another carry": lambda p, c, k, i, f: (p, c, (k[0][:, :4], k[1]), i, f),
    "fewer trials in the constants": lambda p, c, k, i, f: (p, c | {"offset": c["offset"][:7]}, k, i, f),
    "fewer trials in an input": lambda p, c, k, i, f: (p, c, k, i | {"goal": i["goal"][:, :7]}, f),
    "fewer steps in an input": lambda p, c, k, i, f: (p, c, k, i | {"time": i["time"][:2]}, f),
    "no feedback": lambda p, c, k, i, f: (p, c, k, i, ()),
}


@pytest.mark.parametrize("name", OTHERS)
def test_arguments_a_scan_was_not_built_for_are_refused(name):
    "Rather than memory read that does not belong to them."
    arguments = OTHERS[name](rich_parameters(), *rich_rest(9, 4))
    with pytest.raises((ValueError, TypeError, RuntimeError, KeyError, IndexError)):
        rich_scan()(*arguments, n_steps=4)


def test_the_order_of_names_does_not_matter():
    "Or it is refused; the numbers are never given to another name."
    parameters, rest = rich_parameters(), rich_rest(9, 4)
    turned = dict(reversed(parameters.items()))
    want = rich_scan()(parameters, *rest)
    try:
        got = rich_scan()(turned, *rest)
    except (ValueError, TypeError, RuntimeError):
        return
    for ours, theirs in zip(tree_leaves(got), tree_leaves(want), strict=True):
        assert_close(ours, theirs)


# ---- modules and composites ------------------------------------------------------------------------------------------


def module_step(module, forward):
    "A step that runs a module with weights that are given."

    def step(parameters, constants, carry, inputs, feedback):
        return torch.func.functional_call(module, parameters, (carry, inputs)), ()

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, carry, inputs):
            return forward(self.inner, carry, inputs)

    module = Wrapped().to(DOUBLE)
    return step, dict(module.named_parameters())


class Attention(nn.Module):
    "Softmax, einsum, layer normalisation, a merged batch and a stack."

    def __init__(self):
        super().__init__()
        self.query, self.key, self.norm = nn.Linear(3, 4), nn.Linear(3, 4, bias=False), nn.LayerNorm([2, 3])

    def forward(self, hidden, x):
        slots = torch.stack((hidden.view(-1, 2, 3)[:, 0], x), 1)
        query, key = self.query(slots.flatten(0, 1)).view(-1, 2, 4), self.key(slots)
        weights = torch.softmax(torch.einsum("bik,bjk->bij", query, key) / 2, -1)
        return self.norm(torch.bmm(weights, slots)).flatten(1)


class Layered(nn.Module):
    "Two layers of gated units written out by hand, with in-place work."

    def __init__(self):
        super().__init__()
        self.gates = nn.ModuleList([nn.Linear(3 + 3, 6), nn.Linear(3 + 3, 6)])

    def forward(self, hidden, x):
        hidden = hidden.clone()
        for i, layer in enumerate(self.gates):
            gate, new = layer(torch.cat((x, hidden[:, 3 * i : 3 * i + 3]), -1)).chunk(2, -1)
            gate = gate.sigmoid()
            hidden[:, 3 * i : 3 * i + 3] *= gate
            hidden[:, 3 * i : 3 * i + 3] += (1 - gate) * new.tanh()
            x = hidden[:, 3 * i : 3 * i + 3]
        return hidden


def perceptron():
    "Layers of several kinds."
    return nn.Sequential(
        nn.Linear(9, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 7, bias=False), nn.GELU(), nn.Linear(7, 6), nn.Tanh()
    )


MODULES = {
    "GRUCell": (lambda: nn.GRUCell(3, 6), lambda m, h, x: m(x, h)),
    "GRUCell without bias": (lambda: nn.GRUCell(3, 6, bias=False), lambda m, h, x: m(x, h)),
    "RNNCell": (lambda: nn.RNNCell(3, 6), lambda m, h, x: m(x, h)),
    "RNNCell, relu": (lambda: nn.RNNCell(3, 6, nonlinearity="relu"), lambda m, h, x: m(x, h)),
    "GRU": (lambda: nn.GRU(3, 6), lambda m, h, x: m(x[None], h[None])[1][0]),
    "GRU, two layers, trials first": (
        lambda: nn.GRU(3, 3, num_layers=2, batch_first=True),
        lambda m, h, x: m(x[:, None], h.view(-1, 2, 3).transpose(0, 1).contiguous())[1].transpose(0, 1).flatten(1),
    ),
    "Perceptron": (perceptron, lambda m, h, x: m(torch.cat((h, x), -1))),
    "Attention": (Attention, lambda m, h, x: m(h, x)),
    "Layered": (Layered, lambda m, h, x: m(h, x)),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    "Cells and composites of torch.nn, forward and with the gradients of all their weights."
    torch.manual_seed(0)
    make, forward = MODULES[name]
    step, parameters = module_step(make(), forward)
    check(step, parameters, (), normal(5, 6, seed=3), normal(4, 5, 3, seed=4))


def test_a_cell_with_two_hidden_tensors():
    "LSTMCell."
    torch.manual_seed(0)
    cell = nn.LSTMCell(3, 4).to(DOUBLE)

    def step(parameters, constants, carry, inputs, feedback):
        hidden = torch.func.functional_call(cell, parameters, (inputs, carry))
        return hidden, {"hidden": hidden[0]}

    check(step, dict(cell.named_parameters()), (), (normal(5, 4), normal(5, 4, seed=1)), normal(6, 5, 3, seed=2))


def test_work_in_place():
    "Rows overwritten, added to, cleared; through views; in tensors made within the step; the caller's own stay as they were."

    def step(parameters, constants, carry, inputs, feedback):
        before = carry
        state = carry.clone()
        state[:, 0] = inputs[:, 0]
        state[:, 1:3] += inputs[:, 1:]
        state[:, -1].mul_(2).add_(state[:, 0])
        table = torch.zeros(carry.shape[0], 2, 4, dtype=carry.dtype)
        table[:, 0, 1:3] = state[:, :2]
        table[:, 1] = before * parameters
        table[:, :, 0] -= 1.0
        view = table.view(-1, 8)
        view[:, 5].mul_(1.5)
        view.clamp_(max=2.0)
        inputs.mul_(1.5)
        return (torch.tanh(table.sum(1) + state) * 0.5).sub_(0.1), {"table": table, "view": view, "scaled": inputs}

    def on_copies(parameters, constants, carry, inputs, feedback):
        return step(parameters, constants, carry, inputs.clone(), feedback)

    w, carry, inputs = normal(4), normal(5, 4, seed=1), normal(3, 5, 3, seed=2)
    saved = [t.detach().clone() for t in (w, carry, inputs)]
    want = eager(on_copies, w, (), carry, inputs)
    got = fused.scan(step, w, (), carry, inputs)
    for k, (ours, theirs) in enumerate(zip(tree_leaves(got), tree_leaves(want), strict=True)):
        assert_close(ours, theirs, f"result {k}")
    for k, pair in enumerate(zip(gradients(got, [w, carry, inputs]), gradients(want, [w, carry, inputs]), strict=True)):
        assert_close(*pair, f"gradient {k}")
    assert all(torch.equal(a, b) for a, b in zip(saved, (w, carry, inputs), strict=True))


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


def test_a_step_that_uses_the_same_tensor_for_everything():
    "One node as carry, output and tap, an output that is a constant or an input, a carry that never changes or is swapped."

    def step(parameters, constants, carry, inputs, feedback):
        first, second, still = carry
        new = torch.sin(first + second * parameters) + inputs + feedback[0]
        return (second, new, still), {
            "new": new,
            "again": new,
            "input": inputs,
            "constant": constants,
            "still": still,
            "first": first,
            "one": torch.ones_like(new),
        }

    arguments = (
        normal(),
        normal(5, 2, seed=1),
        tuple(normal(5, 2, seed=k) for k in (2, 3, 4)),
        normal(7, 5, 2, seed=5),
    )
    for taps in ([("new", 1)], [("again", 3)], [("input", 2)], [("first", 1)], [("constant", 4)]):
        check(step, *arguments, (normal(5, 2, seed=6),), taps)


def test_outputs_in_any_structure():
    "A tuple with positions as taps, a single tensor, nothing but a carry, no inputs at all."

    def in_a_tuple(parameters, constants, carry, inputs, feedback):
        return torch.sin(carry) + feedback[0] * inputs, (carry, torch.cos(carry))

    check(in_a_tuple, (), (), normal(3, 2), normal(5, 3, 2, seed=1), (normal(3, 2, seed=2),), [(1, 2)])

    def alone(parameters, constants, carry, inputs, feedback):
        return torch.sin(carry), ()

    check(alone, (), (), normal(3, 2), (), n_steps=4)
    with pytest.raises(ValueError, match="delay"):
        fused.Scan(in_a_tuple, (), (), normal(3, 2), normal(5, 3, 2), (normal(3, 2),), [(1, 0)])


def test_outputs_that_are_true_or_false():
    "They come back as such."

    def step(parameters, constants, carry, inputs, feedback):
        return carry + inputs, {"above": carry > inputs, "both": (carry > 0) & (inputs > 0), "nonzero": inputs != 0}

    arguments = ((), (), normal(6, 3), normal(4, 6, 3, seed=1))
    _, got = fused.scan(step, *arguments)
    _, want = eager(step, *arguments)
    for name in want:
        assert got[name].dtype == torch.bool and torch.equal(got[name], want[name]), name


def test_large_matrices_and_odd_sizes():
    "Products whose sizes do not fit the vectors, read transposed, cut and with leading dimensions."

    def step(parameters, constants, carry, inputs, feedback):
        wide, narrow, tall = parameters
        hidden = torch.tanh(carry @ wide.T + F.linear(inputs, narrow))
        grouped = (hidden.view(-1, 13, 3) @ narrow[:3, :3].T).flatten(1)
        return torch.tanh(grouped @ wide[:, 2:41]) * 0.5 + hidden * 0.1, {
            "one": hidden @ tall,
            "cut": hidden[:, 1:18:2] @ tall[:9],
        }

    parameters = (normal(39, 39, scale=0.2).detach(), normal(39, 3, seed=1, scale=0.3), normal(39, 1, seed=2))
    wide = torch.cat((parameters[0], parameters[0][:, :2]), 1)[:, :41]
    parameters = (wide.requires_grad_(), *parameters[1:])

    def wrapped(parameters, constants, carry, inputs, feedback):
        return step((parameters[0], *parameters[1:]), constants, carry, inputs, feedback)

    def first_part(parameters, constants, carry, inputs, feedback):
        return wrapped(parameters, constants, torch.cat((carry, carry[:, :2]), 1)[:, :41], inputs, feedback)

    check(first_part, parameters, (), normal(37, 39, seed=3), normal(3, 37, 3, seed=4))


# ---- any step --------------------------------------------------------------------------------------------------------

#: functions of two tensors (trial, 4), a parameter (4, 4) and an input (trial, 4), which keep numbers moderate
BLOCKS = {
    "tanh": lambda a, b, w, u: torch.tanh(a),
    "sigmoid": lambda a, b, w, u: torch.sigmoid(a * 2),
    "sine": lambda a, b, w, u: torch.sin(a) * torch.cos(b),
    "sum": lambda a, b, w, u: 0.5 * (a + b) + u,
    "product": lambda a, b, w, u: torch.tanh(a) * b,
    "quotient": lambda a, b, w, u: a / (1 + b * b),
    "exponential": lambda a, b, w, u: torch.exp(-a * a) - torch.expm1(-b * b),
    "root": lambda a, b, w, u: torch.sqrt(a * a + b * b + 0.1) - torch.log1p(a * a),
    "linear": lambda a, b, w, u: F.linear(a, w, w[0]),
    "linear, turned": lambda a, b, w, u: torch.tanh(a) @ w + b,
    "linear, part": lambda a, b, w, u: torch.cat((a[:, :2] @ w[1:3, :2], b[:, 2:]), -1),
    "linear, merged": lambda a, b, w, u: F.linear(a.view(-1, 2, 2).flatten(0, 1), w[:2, :2]).view(-1, 4),
    "outer": lambda a, b, w, u: (a[:, :, None] * torch.tanh(b)[:, None] * w).sum(1),
    "bmm": lambda a, b, w, u: (torch.tanh(a).view(-1, 2, 2) @ b.view(-1, 2, 2).mT).flatten(1),
    "turned": lambda a, b, w, u: a.view(-1, 2, 2).mT.flatten(1) + b,
    "picked": lambda a, b, w, u: a[:, [3, 0, 0, 1]] - b[:, ::2].repeat_interleave(2, -1),
    "joined": lambda a, b, w, u: torch.cat((b[:, 2:], a[:, 1:3]), -1),
    "taken apart": lambda a, b, w, u: torch.stack(a.unbind(-1)[::-1], -1) + b[:, 1, None],
    "overwritten": lambda a, b, w, u: overwritten(a, lambda z: z[:, 1:3].copy_(b[:, :2])),
    "added to": lambda a, b, w, u: overwritten(a, lambda z: z[:, 2].add_(b[:, 0]).mul_(0.5)),
    "softmax": lambda a, b, w, u: torch.softmax(a, -1) * b,
    "layer norm": lambda a, b, w, u: F.layer_norm(a + u, (4,), w[0], w[1]),
    "mean": lambda a, b, w, u: a - a.mean(-1, keepdim=True) + b.var(-1, keepdim=True),
    "larger": lambda a, b, w, u: torch.maximum(a, u),
    "clamped": lambda a, b, w, u: a.clamp(-0.7, 0.6) + b.clamp(min=-0.3),
    "rectified": lambda a, b, w, u: F.relu(a - 0.1) - F.leaky_relu(b + 0.2),
    "chosen": lambda a, b, w, u: torch.where(a > u, b, 0.5 * a),
    "magnitude": lambda a, b, w, u: (a - u).abs() - F.softplus(b),
    "parameter": lambda a, b, w, u: a * (w.exp().sum(0) * 0.1) + (1 / (w[2] ** 2 + 1)),
    "fixed": lambda a, b, w, u: (
        a * torch.tensor([1.0, -0.5, 0.25, 2.0], dtype=a.dtype) + torch.eye(4, dtype=a.dtype)[1]
    ),
}


@st.composite
def programs_of_blocks(draw):
    "Steps as lists of (block, first argument, second argument), and delays."
    names = draw(st.lists(st.sampled_from(sorted(BLOCKS)), min_size=3, max_size=12))
    lines = [(name, draw(st.integers(0, 4 + k)), draw(st.integers(0, 4 + k))) for k, name in enumerate(names)]
    return lines, draw(st.integers(1, 4)), draw(st.integers(1, 3))


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(programs_of_blocks())
def test_any_step_made_of_these_blocks(program):
    "Random compositions on three carries, an input and a delayed output, forward and backward."
    lines, delay, batch = program

    def step(parameters, constants, carry, inputs, feedback):
        values = [*carry, inputs, feedback[0]]
        for name, first, second in lines:
            values.append(BLOCKS[name](values[first], values[second], parameters, constants))
        last = [torch.tanh(v) for v in (values * 2)[-3:]]
        return tuple(last), {"last": values[-1], "middle": values[len(values) // 2]}

    carry = tuple(normal(batch, 4, seed=k) for k in (1, 2, 3))
    arguments = (normal(4, 4, scale=0.5), normal(batch, 4, seed=4), carry, normal(4, batch, 4, seed=5))
    check(step, *arguments, (normal(batch, 4, seed=6),), [("last", delay)], relative=1e-9)


# ---- what is refused -------------------------------------------------------------------------------------------------

OUTSIDE = torch.ones(2, dtype=DOUBLE, requires_grad=True)

REFUSED = {
    "a random draw": (lambda p, x: x + torch.rand_like(x), "random draw", "torch.rand_like(x)"),
    "dropout": (lambda p, x: F.dropout(x, 0.5, True), "random draw", "F.dropout"),
    "a branch": (lambda p, x: x if x.sum() > 0 else -x, "value", "if x.sum() > 0"),
    "a branch on one trial": (lambda p, x: x if x[0, 0] > 0 else -x, "trial|value", "if x[0, 0] > 0"),
    "a number taken out": (lambda p, x: x * x.mean().item(), "value|trials", "x.mean().item()"),
    "a branch on a parameter": (lambda p, x: x if p[0] > 0 else -x, "value", "if p[0] > 0"),
    "a linear solver": (
        lambda p, x: torch.linalg.inv(x.view(-1, 1, 2).mT @ x.view(-1, 1, 2) + 1)[:, 0],
        "inv",
        "torch.linalg.inv",
    ),
    "a running sum": (lambda p, x: x.cumsum(-1), "cumsum", "x.cumsum(-1)"),
    "a running sum over trials": (lambda p, x: x.cumsum(0), "cumsum", "x.cumsum(0)"),
    "sorting": (lambda p, x: x.sort(-1).values, "sort", "x.sort(-1)"),
    "a sum over the trials": (lambda p, x: x - x.sum(0), "trials", "x.sum(0)"),
    "a mean over everything": (lambda p, x: x - x.mean(), "trials", "x.mean()"),
    "a normalisation over the trials": (lambda p, x: x - x.softmax(0), "trials", "x.softmax(0)"),
    "one trial for all": (lambda p, x: x - x[0], "one trial|picked", "x - x[0]"),
    "trials in another order": (lambda p, x: x.flip(0), "flip", "x.flip(0)"),
    "half the trials": (lambda p, x: torch.cat((x[::2], x[1::2])), "trials", "x[::2]"),
    "products of trials with trials": (lambda p, x: (x @ x.T) @ x, "trial", "x @ x.T"),
    "an index that is data": (lambda p, x: x.gather(1, x.argmax(-1, keepdim=True)), "argmax|gather", "x.argmax"),
    "an index from a comparison": (lambda p, x: x[x > 0], "index|value", "x[x > 0]"),
    "an outside tensor that learns": (lambda p, x: x * OUTSIDE, "gradient", "x * OUTSIDE"),
    "another precision": (lambda p, x: x.float().double(), "float32", "x.float()"),
    "whole numbers": (lambda p, x: x.long() * x, "int64", "x.long()"),
    "a division that rounds": (lambda p, x: torch.div(x, 2, rounding_mode="floor"), "rounding_mode", "torch.div"),
    "a norm of another order": (lambda p, x: x / x.norm(1, dim=-1, keepdim=True), "norm", "x.norm(1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_fused_is_refused_with_its_place(name):
    "The message names the operation, and the file and line of the step that asked for it."
    function, words, code = REFUSED[name]

    def step(parameters, constants, carry, inputs, feedback):
        return function(parameters, carry) + inputs, carry

    with pytest.raises(fused.Unsupported, match=words) as caught:
        fused.Scan(step, normal(2), (), normal(3, 2), normal(4, 3, 2))
    place = re.search(r"([^\s:]*test_fused\.py):(\d+)", str(caught.value))
    assert place, f"no line in: {caught.value}"
    assert code in linecache.getline(__file__, int(place[2])), f"another line in: {caught.value}"


def test_steps_of_another_form_are_refused():
    "A carry that changes its shape, no pair, a result without trials, a carry of whole numbers, an error of the step's own."

    def scan(function, carry=None):
        fused.Scan(lambda p, c, k, i, f: function(k), (), (), normal(3, 2) if carry is None else carry, normal(4, 3, 2))

    with pytest.raises(fused.Unsupported, match="carry"):
        scan(lambda k: (k[:, :1], k))
    with pytest.raises(fused.Unsupported, match="returns"):
        scan(lambda k: k)
    with pytest.raises(fused.Unsupported, match="structure"):
        scan(lambda k: ((k, k), k))
    with pytest.raises(fused.Unsupported, match="trials first"):
        scan(lambda k: (k, k.T))
    with pytest.raises(fused.Unsupported, match="int64"):
        scan(lambda k: (k, k), torch.ones(3, 2, dtype=torch.long))
    with pytest.raises(fused.Unsupported, match="ZeroDivisionError"):
        scan(lambda k: (k / (1 // 0), k))


# ---- processors and compilers ----------------------------------------------------------------------------------------

IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


def runs_here(name: str) -> bool:
    "Whether this processor has a target's vectors."
    order = ["plain", "avx2", "avx512"]
    return order.index(name) <= order.index(compiler.find_target().name)


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
@pytest.mark.parametrize("name", compiler.TARGETS)
def test_every_kind_of_processor_gives_the_same_numbers(name, dtype, monkeypatch):
    "The program compiles for all of them, and runs where the processor has the vectors."
    monkeypatch.delenv("MOTORNET_NB_VECTORS", raising=False)
    if not IS_X86 and name != "plain":
        with pytest.raises(fused.CompilerError):
            rich_scan(dtype, compiler.TARGETS[name])
        return
    scan = rich_scan(dtype, compiler.TARGETS[name])
    assert scan.target.name == name
    if runs_here(name):
        arguments = (rich_parameters(dtype), *rich_rest(67, 9, dtype))
        check(rich, *arguments, taps=RICH_TAPS, scan=scan, relative=1e-10 if dtype == DOUBLE else 1e-3)


@pytest.mark.parametrize("name", compiler.TARGETS)
def test_every_operation_on_every_kind_of_processor(name, monkeypatch):
    "All operations of the table, in single precision, which has the most trials in a vector."
    monkeypatch.setenv("MOTORNET_NB_VECTORS", name)
    assert compiler.find_target() is compiler.TARGETS[name]
    monkeypatch.delenv("MOTORNET_NB_VECTORS")
    if not IS_X86 or not runs_here(name) or name == compiler.find_target().name:
        return  # the widest vectors are those of the tests above
    monkeypatch.setenv("MOTORNET_NB_VECTORS", name)
    results, _, _ = table_results.__wrapped__(SINGLE)
    for operation, (got, got_slopes, want, want_slopes) in results.items():
        if operation in ("detach", "hardtanh", "hardtanh (relu6)"):
            continue  # the same everywhere: tested above
        for ours, theirs in zip((got, *got_slopes), (want, *want_slopes), strict=True):
            assert_close(ours, theirs, operation, 2e-4)


def test_an_unknown_kind_of_processor_is_refused(monkeypatch):
    "With those there are."
    monkeypatch.setenv("MOTORNET_NB_VECTORS", "neon9")
    with pytest.raises(ValueError, match=r"neon9.*avx512, avx2, plain"):
        compiler.find_target()


@pytest.mark.skipif(shutil.which("clang++") is None, reason="clang++ is not installed; g++ is tested everywhere")
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=["f64", "f32"])
def test_the_other_compiler(dtype, monkeypatch):
    "clang++ builds the same programs, and they give the same numbers."
    monkeypatch.setenv("CXX", "clang++")
    relative = 1e-10 if dtype == DOUBLE else 1e-3
    arguments = (rich_parameters(dtype), *rich_rest(67, 9, dtype))
    check(rich, *arguments, taps=RICH_TAPS, scan=rich_scan.__wrapped__(dtype), relative=relative)
    if dtype == DOUBLE:
        results, _, _ = table_results.__wrapped__(dtype)
        for operation, (got, _, want, _) in results.items():
            assert_close(got, want, operation)


SOURCE = 'extern "C" int answer() {{ return {}; }}'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    "An empty cache folder."
    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "mine" / "programs"))
    return tmp_path / "mine" / "programs"


def test_a_program_is_built_once(folder):
    "In the folder that MOTORNET_NB_CACHE names, which is made; other source, other program; nothing else is left there."
    target = compiler.TARGETS["plain"]
    library, compiled = compiler.build([SOURCE.format(42)], target)
    assert compiled and library.answer() == 42
    library, compiled = compiler.build([SOURCE.format(42)], target)
    assert not compiled and library.answer() == 42
    library, compiled = compiler.build([SOURCE.format(43)], target)
    assert compiled and library.answer() == 43
    assert compiler.cache_folder() == folder
    assert [p.suffix for p in sorted(folder.iterdir())] == [".so", ".so"]


@pytest.mark.skipif(not IS_X86, reason="flags of other processors")
def test_other_flags_make_another_program(folder):
    "The kind of processor is part of the fingerprint."
    assert compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])[1]
    assert compiler.build([SOURCE.format(1)], compiler.TARGETS["avx2"])[1]


def test_a_scan_says_whether_it_was_compiled(folder):
    "And how long it took; the second one comes from the cache."

    def step(parameters, constants, carry, inputs, feedback):
        return carry * 0.5 + inputs, carry

    first, second = (fused.Scan(step, (), (), normal(3, 2), normal(4, 3, 2)) for _ in range(2))
    assert first.compiled and not second.compiled
    assert all(seconds > 0 for seconds in first.seconds.values())


DAMAGED = """
import pathlib, sys
from motornet_nb.fused import compiler

load, compiler.ctypes.CDLL = compiler.ctypes.CDLL, lambda path: None  # the first time it is only built
target, source, folder = compiler.TARGETS["plain"], sys.argv[1], compiler.cache_folder()
assert compiler.build([source], target)[1]
(file,) = folder.glob("*.so")
whole = file.read_bytes()
compiler.ctypes.CDLL = load
file.write_bytes(whole[: int(sys.argv[2]) * len(whole) // 100])
library, compiled = compiler.build([source], target)
assert compiled and library.answer() == 1000
"""


@pytest.mark.parametrize("percent", [0, 1, 50, 95])
def test_a_program_that_was_cut_short_is_built_again(folder, percent):
    "After a crash or on a full disk; in a process of its own, which must not die of it."
    run = subprocess.run(
        [sys.executable, "-c", DAMAGED, SOURCE.format(1000), str(percent)], capture_output=True, text=True
    )
    assert run.returncode == 0, f"ended with {run.returncode}: {run.stderr[-500:]}"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no such permissions")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_to_is_refused(folder, mode):
    "What they put there would run as ours."
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(fused.CompilerError, match=r"not yours alone.*chmod 700.*MOTORNET_NB_CACHE"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    "Because there is a file in its place."
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTORNET_NB_CACHE", str(tmp_path / "file" / "programs"))
    with pytest.raises(fused.CompilerError, match="MOTORNET_NB_CACHE"):
        compiler.cache_folder()


def test_without_a_compiler(tmp_path, monkeypatch):
    "The error says what to install."
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(fused.CompilerError, match=r"no g\+\+.*apt install g\+\+"):
        compiler.find_compiler()
    with pytest.raises(fused.CompilerError, match=r"apt install g\+\+.*CXX"):
        fused.Scan(lambda p, c, k, i, f: (k + i, k), (), (), normal(3, 2), normal(4, 3, 2))


@pytest.mark.parametrize("command", ["no-such-compiler", "/no/such/place/g++ -O1"])
def test_a_compiler_that_is_not_there(command, monkeypatch):
    "The error names what CXX said."
    monkeypatch.setenv("CXX", command)
    with pytest.raises(fused.CompilerError, match=r"no-such-compiler|no/such/place") as caught:
        compiler.find_compiler()
    assert "apt install g++" in str(caught.value)


@pytest.mark.skipif(shutil.which("false") is None, reason="there is no command that does nothing")
def test_a_command_that_is_no_compiler(folder, monkeypatch):
    "It runs, but fails."
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(fused.CompilerError, match=r"false does not run.*apt install g\+\+"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])


def test_cxx_may_have_arguments(folder, monkeypatch):
    "As is usual for it."
    monkeypatch.setenv("CXX", "g++ -O1")
    assert compiler.find_compiler() == ["g++", "-O1"]
    assert compiler.build([SOURCE.format(7)], compiler.TARGETS["plain"])[0].answer() == 7


def test_a_program_that_the_compiler_refuses(folder):
    "The error has the compiler's own words, and leaves nothing behind."
    with pytest.raises(fused.CompilerError, match="refused"):
        compiler.build(["this is no program"], compiler.TARGETS["plain"])
    assert list(folder.iterdir()) == []


def no_space(*arguments, **options):
    "As a full disk answers."
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refused_by_the_disk(number):
    "A temporary folder that cannot be made."

    def folder(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return folder


@pytest.mark.parametrize("number", [errno.EROFS, errno.EDQUOT, errno.ENOSPC, errno.EACCES])
def test_a_folder_that_cannot_be_written(folder, monkeypatch, number):
    "Read-only, over the quota, full, forbidden: the error names the folder and the way out; what is in it already still serves."
    target = compiler.TARGETS["plain"]
    compiler.build([SOURCE.format(5)], target)
    monkeypatch.setattr(compiler.tempfile, "TemporaryDirectory", refused_by_the_disk(number))
    library, compiled = compiler.build([SOURCE.format(5)], target)
    assert not compiled and library.answer() == 5
    with pytest.raises(fused.CompilerError, match=r"cannot be written .*MOTORNET_NB_CACHE") as caught:
        compiler.build([SOURCE.format(6)], target)
    assert os.strerror(number) in str(caught.value) and str(folder) in str(caught.value)


def test_a_disk_that_is_full_in_the_end(folder, monkeypatch):
    "The last step of all: nothing is left behind."
    monkeypatch.setattr(compiler.os, "replace", no_space)
    with pytest.raises(fused.CompilerError, match=r"cannot be written .*No space.*MOTORNET_NB_CACHE"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no limits")
@pytest.mark.parametrize("size", [10, 4096])
def test_files_that_must_not_grow(folder, size):
    "Neither ours nor the compiler's; in a process of its own, as the limit is the process's."
    code = (
        "import resource, sys; from motornet_nb.fused import compiler\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))\n"
        "try: compiler.build([sys.argv[1]], compiler.TARGETS['plain'])\n"
        "except compiler.CompilerError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code, SOURCE.format(1)], capture_output=True, text=True)
    assert "MOTORNET_NB_CACHE" in run.stdout, run.stderr[-500:]


def test_a_program_that_must_not_be_loaded(folder, monkeypatch):
    "As on a disk from which nothing may be run."

    def refuse(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(compiler.ctypes, "CDLL", refuse)
    for _ in range(2):  # just built, and from the folder
        with pytest.raises(fused.CompilerError, match=r"failed to map segment.*noexec.*MOTORNET_NB_CACHE"):
            compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])


def test_a_compiler_that_is_killed_or_does_not_start(folder, tmp_path, monkeypatch):
    "For want of memory, say."
    command = tmp_path / "c++"
    command.write_text("#!/bin/sh\nif [ $1 = --version ]; then echo clang; else kill -9 $$; fi\n")
    command.chmod(0o700)
    monkeypatch.setenv("CXX", str(command))
    with pytest.raises(fused.CompilerError, match="was killed, perhaps as there is too little memory"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])

    def no_memory(*arguments, **options):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(compiler.subprocess, "Popen", no_memory)
    with pytest.raises(fused.CompilerError, match=r"does not run .Cannot allocate memory"):
        compiler.build([SOURCE.format(1)], compiler.TARGETS["plain"])

"""Every operation of the fused engine in one step; its programs are built once for all tests."""

import functools
import platform

import pytest
import torch
import torch.nn.functional as F
from fused_referee import normal, overwritten

from motornet_nb import fused
from motornet_nb.fused import compiler, recorder

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


IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


def runs_here(name: str) -> bool:
    "Whether this processor has a target's vectors."
    order = ["plain", "avx2", "avx512"]
    return order.index(name) <= order.index(compiler.find_target().name)

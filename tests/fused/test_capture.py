"""Steps that are captured, whatever they are made of, and steps that are refused."""

import linecache
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from fused_referee import DOUBLE, assert_close, check, eager, gradients, normal, overwritten
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._pytree import tree_leaves

from motornet_nb import fused


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
    "A step as a list of (block, first argument, second argument), and a delay."
    names = draw(st.lists(st.sampled_from(sorted(BLOCKS)), min_size=3, max_size=12))
    lines = [(name, draw(st.integers(0, 4 + k)), draw(st.integers(0, 4 + k))) for k, name in enumerate(names)]
    return lines, draw(st.integers(1, 4))


@settings(max_examples=5, deadline=None, derandomize=True, database=None)
@given(st.lists(programs_of_blocks(), min_size=5, max_size=5), st.integers(1, 3))
def test_any_step_made_of_these_blocks(programs, batch):
    "Random compositions on three carries, an input and a delayed output, forward and backward; five of them side by side are built at once."

    def step(parameters, constants, carry, inputs, feedback):
        next_carry, outputs = [], {}
        for k, (lines, _) in enumerate(programs):
            values = [*carry[k], inputs, feedback[k]]
            for name, first, second in lines:
                values.append(BLOCKS[name](values[first], values[second], parameters, constants))
            next_carry.append(tuple(torch.tanh(v) for v in (values * 2)[-3:]))
            outputs |= {f"last {k}": values[-1], f"middle {k}": values[len(values) // 2]}
        return tuple(next_carry), outputs

    carry = tuple(tuple(normal(batch, 4, seed=10 * k + i) for i in (1, 2, 3)) for k in range(5))
    arguments = (normal(4, 4, scale=0.5), normal(batch, 4, seed=4), carry, normal(4, batch, 4, seed=5))
    feedback = tuple(normal(batch, 4, seed=10 * k + 6) for k in range(5))
    taps = [(f"last {k}", delay) for k, (_, delay) in enumerate(programs)]
    check(step, *arguments, feedback, taps, relative=1e-9)


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
    place = re.search(rf"([^\s:]*{re.escape(Path(__file__).name)}):(\d+)", str(caught.value))
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

"""What the fused engine has to agree with, and a step with a bit of everything; its programs are built once for all tests."""

import functools

import torch
import torch.nn.functional as F
from torch.utils._pytree import tree_leaves, tree_map

from motornet_nb import fused

DOUBLE, SINGLE = torch.float64, torch.float32


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


def overwritten(x, change):
    "A copy of x after an operation in place."
    x = x.clone()
    change(x)
    return x

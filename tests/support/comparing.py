"""An engine against the eager one: outputs and gradients."""

import torch
from bodies import make_body
from torch import nn

import motornet_nb as mn

DOUBLE, SINGLE = torch.float64, torch.float32


def judged(played, names=None) -> torch.Tensor:
    "A number that depends on everything a rollout has recorded, each output at its own scale."
    generator, total = torch.Generator().manual_seed(3), 0.0
    for name in sorted(played if names is None else names):
        tensor = played[name]
        weight = torch.randn(tensor.shape, generator=generator, dtype=DOUBLE)
        if tensor.requires_grad:
            scale = tensor.detach().double().abs().max() + 1e-3
            total = total + (tensor * (weight / scale).to(tensor)).mean()
    return total


def learned(policy, env) -> list[nn.Parameter]:
    "What needs a gradient, of the network and of the body."
    return [p for m in (policy, env) for p in m.parameters() if p.requires_grad]


def run(engine, policy, env, n=6, seed=1, **arguments):
    "Outputs by name, and the gradients of everything that learns."
    played = mn.play(policy, env, env.sample(n, seed, "train"), seed, engine=engine, **arguments)
    wanted = learned(policy, env)
    found = torch.autograd.grad(judged(played), wanted, allow_unused=True) if wanted else ()
    slopes = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found, strict=True)]
    return {name: played[name].detach() for name in played}, slopes


def distance(got, want) -> float:
    "Largest difference, relative to the largest number."
    assert got.shape == want.shape
    scale = want.double().abs().max() if want.numel() else torch.tensor(0.0)
    return float((got.double() - want.double()).abs().max() / (scale + 1e-6)) if want.numel() else 0.0


def check(policy, env, engine="fused", n=6, seed=1, relative=1e-9, **arguments):
    "An engine against the eager one: the same outputs, all of them, and the same gradients."
    got, got_slopes = run(engine, policy, env, n, seed, **arguments)
    want, want_slopes = run("eager", policy, env, n, seed, **arguments)
    assert list(got) == list(want)
    for name in want:
        assert got[name].dtype == want[name].dtype
        assert torch.isfinite(want[name]).all() or name in ("go_cue",)
        assert distance(got[name], want[name]) < relative, name
    for k, (ours, theirs) in enumerate(zip(got_slopes, want_slopes, strict=True)):
        assert distance(ours, theirs) < 10 * relative, f"gradient {k} of shape {tuple(theirs.shape)}"


def body_world(name, method="euler", dtype=DOUBLE, duration=0.05) -> mn.Environment:
    "A body in a curl field, with noise everywhere and delays longer than a step."
    body = make_body(name, integration_method=method, dtype=dtype)
    loads = [mn.CurlField(strength=5.0)] if body.space_dim == 2 else []
    noise = {"action_noise": 0.01, "observation_noise": 0.02}
    task = mn.RandomTargetReach(loads=loads)
    return mn.Environment(body, task, duration=duration, proprioception_delay=0.02, vision_delay=0.03, **noise)


def double_world(**arguments) -> mn.Environment:
    "A point mass in double precision."
    task = arguments.pop("task", None)
    body = mn.ReluPointMass24(dtype=DOUBLE)
    return mn.Environment(body, mn.RandomTargetReach() if task is None else task, **{"duration": 0.1} | arguments)

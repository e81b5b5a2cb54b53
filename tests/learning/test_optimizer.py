"""Optimisers and schedulers, and weights that are frozen, unfrozen, replaced or added on the way."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from short_trainings import quick, weights
from torch import nn
from worlds import Perceptron, assert_equal, network, point_mass_world

from motornet_nb import Environment, RandomTargetReach, ReachLoss, ReluPointMass24, Streams, play


def test_optimizers():
    "Adam by default; an optimiser, or a function that makes one."
    runs = {
        "default": quick(learning_rate=3e-3),
        "factory": quick(optimizer=lambda p: torch.optim.Adam(p, lr=3e-3, fused=True)),
        "sgd": quick(optimizer=lambda p: torch.optim.SGD(p, lr=1e-2)),
    }
    net = network(point_mass_world())
    runs["object"] = quick(net, optimizer=torch.optim.SGD(net.parameters(), lr=1e-2))
    for a, b in (("default", "factory"), ("sgd", "object")):
        for x, y in zip(weights(runs[a][1]), weights(runs[b][1]), strict=True):
            assert_equal(x, y)
    assert not torch.equal(weights(runs["sgd"][1])[0], weights(runs["default"][1])[0])


def test_a_step_of_the_optimizer_follows_the_gradient():
    "With plain gradient descent the weights move by minus the rate times the clipped gradient."
    env = point_mass_world()
    net = network(env)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    streams = Streams(0, 0)
    ReachLoss()(play(net, env, env.sample(8, streams, "train"), streams))[0].backward()
    gradient = {n: p.grad.clone() for n, p in net.named_parameters()}
    norm = torch.sqrt(sum(g.square().sum() for g in gradient.values())).item()
    for clip in (None, norm / 3, norm * 3):
        net.load_state_dict(before)
        log, _ = quick(net, env, n_batches=1, clip_norm=clip, optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
        assert log["gradient_norm"][0] == pytest.approx(norm, rel=1e-5)
        scale = 1 / 3 if clip is not None and clip < norm else 1
        for name, p in net.named_parameters():
            torch.testing.assert_close(p.detach(), before[name] - 0.1 * scale * gradient[name], rtol=1e-4, atol=1e-7)


def test_schedulers():
    "Stepped after every batch; the log has the rate that was used; plateau schedulers get the loss."
    log, _ = quick(scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 2, gamma=0.1), n_batches=5)
    np.testing.assert_allclose(log["learning_rate"], [1e-3, 1e-3, 1e-4, 1e-4, 1e-5])
    net = network(point_mass_world())
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    log, _ = quick(net, optimizer=optimizer, scheduler=torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5))
    np.testing.assert_allclose(log["learning_rate"], [1e-2, 5e-3, 2.5e-3])
    plateau = lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.1, patience=0)  # noqa: E731
    worse = iter([1.0, 2.0, 0.5, 0.6, 0.7])
    log, _ = quick(scheduler=plateau, n_batches=5, loss=lambda r: r["activation"].mean() * 0 + next(worse))
    np.testing.assert_allclose(log["learning_rate"], [1e-3, 1e-3, 1e-4, 1e-4, 1e-5])


def states(net, stop_at, change, **arguments):
    "A network's weights after every batch, where something is changed after one of them."
    seen = []

    def after(progress):
        if progress.batch == stop_at:
            change()
        seen.append({name: p.detach().clone() for name, p in net.named_parameters()})

    quick(net, n_batches=6, callbacks=after, **arguments)
    return seen


#: for networks without memory
PLAIN = ReachLoss().without("hidden", "hidden_rate")


def moved(seen, name):
    "Whether a parameter differs from one batch to the next."
    return [a[name].shape != b[name].shape or not torch.equal(a[name], b[name]) for a, b in itertools.pairwise(seen)]


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_weights_that_are_frozen_and_unfrozen_on_the_way(engine):
    "Learnt exactly while they want a gradient: momentum and weight decay do not move them, either."
    momentum = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1), "engine": engine}
    net = network(point_mass_world())
    net.weight_hh.requires_grad_(False)
    seen = states(net, 3, lambda: net.weight_hh.requires_grad_(True), **momentum)
    assert moved(seen, "weight_hh") == [False, False, True, True, True] and all(moved(seen, "weight_ih"))
    net = network(point_mass_world())
    seen = states(net, 3, lambda: net.weight_hh.requires_grad_(False), **momentum)
    assert moved(seen, "weight_hh") == [True, True, False, False, False] and all(moved(seen, "weight_ih"))


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_weights_that_are_replaced_on_the_way(engine):
    "What has the name now is learnt, whatever its shape; it begins without memory, and the others keep theirs."
    env = point_mass_world()
    net = Perceptron(env.n_observations, env.n_actions)
    last = next(n for n, m in reversed(list(net.named_modules())) if isinstance(m, nn.Linear))
    new = nn.Linear(net.get_submodule(last).in_features, env.n_actions)
    seen = states(net, 3, lambda: net.set_submodule(last, new), engine=engine, loss=PLAIN)
    assert all(moved(seen, f"{last}.weight")) and net.get_submodule(last) is new

    def as_if_by_hand():
        other = Perceptron(env.n_observations, env.n_actions)
        other.load_state_dict(first)
        later = nn.Linear(new.in_features, new.out_features)
        later.load_state_dict(start)
        optimizer = torch.optim.Adam(other.parameters(), lr=1e-3, fused=True)
        for batch in range(6):
            if batch == 3:
                old = [other.get_parameter(f"{last}.{n}") for n in ("weight", "bias")]
                other.set_submodule(last, later)
                optimizer.param_groups[0]["params"] = [
                    {id(o): n for o, n in zip(old, later.parameters(), strict=True)}.get(id(p), p)
                    for p in optimizer.param_groups[0]["params"]
                ]
            streams = Streams(0, batch)
            total, _ = PLAIN(play(other, env, env.sample(8, streams, "train"), streams))
            optimizer.zero_grad()
            total.backward()
            nn.utils.clip_grad_norm_(other.parameters(), 1.0)
            optimizer.step()
        return other

    torch.manual_seed(5)
    net, new = Perceptron(env.n_observations, env.n_actions), nn.Linear(new.in_features, env.n_actions)
    first = {n: t.clone() for n, t in net.state_dict().items()}
    start = {n: t.clone() for n, t in new.state_dict().items()}
    states(net, 3, lambda: net.set_submodule(last, new), env=env, engine=engine, loss=PLAIN)
    for (name, got), want in zip(net.named_parameters(), as_if_by_hand().parameters(), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6, msg=name)


def test_when_nothing_is_left_to_learn():
    "Or replicates would learn the body they share: the next batch says so."
    env = point_mass_world()
    net = network(env)
    with pytest.raises(ValueError, match=r"policy .*parameters to train"):
        quick(net, env, callbacks=lambda p: net.requires_grad_(False))
    force = nn.Parameter(torch.full((4,), 500.0))
    env = Environment(
        ReluPointMass24(muscle_parameters={"max_isometric_force": force}), RandomTargetReach(), duration=0.1
    )
    (own,) = env.parameters()
    own.requires_grad_(False)
    with pytest.raises(
        ValueError, match=r"max_isometric_force.*without parameters to learn, where replicates share it"
    ):
        quick(network(env), env, replicates=2, callbacks=lambda p: own.requires_grad_(True))


def test_a_body_that_is_learnt_from_some_batch_on():
    "Its parameters are followed, too."
    force = nn.Parameter(torch.full((4,), 500.0))
    env = Environment(
        ReluPointMass24(muscle_parameters={"max_isometric_force": force}), RandomTargetReach(), duration=0.1
    )
    (own,) = env.parameters()
    own.requires_grad_(False)
    seen = []

    def after(progress):
        seen.append(own.detach().clone())
        if progress.batch == 2:
            own.requires_grad_(True)

    quick(network(env), env, n_batches=4, learning_rate=0.1, callbacks=after)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2]) and not torch.equal(seen[2], seen[3])


def test_pruned_weights_keep_their_place():
    "Pruning gives a parameter another name; its optimiser state stays, and the mask holds."
    from torch.nn.utils import prune

    env = point_mass_world()
    net = Perceptron(env.n_observations, env.n_actions)
    layer = next(m for m in net.modules() if isinstance(m, nn.Linear))
    weight, made = layer.weight, []

    def optimizer(parameters):
        made.append(torch.optim.Adam(parameters, lr=1e-2))
        return made[0]

    def after(progress):
        if progress.batch == 2:
            prune.l1_unstructured(layer, "weight", 0.5)

    quick(net, env, n_batches=5, loss=PLAIN, optimizer=optimizer, callbacks=after)
    assert int(made[0].state[weight]["step"]) == 5 and layer.weight_orig is weight
    assert int((layer.weight == 0).sum()) == layer.weight.numel() // 2


def test_an_optimizer_that_holds_some_parameters_only():
    "The others are named, and stay; frozen ones are meant to be left out."
    env = point_mass_world()
    net = network(env)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    with pytest.warns(UserWarning, match=r"does not hold weight_ih, weight_hh, bias_ih, bias_hh: not learnt"):
        quick(net, env, optimizer=torch.optim.SGD(net.output.parameters(), lr=0.1))
    changed = [n for n, p in net.named_parameters() if not torch.equal(before[n], p.detach())]
    assert changed == ["output.weight", "output.bias"]
    for name, p in net.named_parameters():
        p.requires_grad_(name.startswith("output"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(net, env, optimizer=torch.optim.SGD(net.output.parameters(), lr=0.1))

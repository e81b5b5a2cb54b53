"""Outputs by name, however they are stored: numbers, gradients, shares of networks."""

import pytest
import torch
from comparing import double_world
from worlds import network, point_mass_world

import motornet_nb as mn


def test_a_body_that_runs_away_is_seen():
    "A number that is none at the end of a trial shows in `final_sum()`, with the fused engine as with the eager one."
    env = double_world()
    net = network(env)
    with torch.no_grad():
        net.output.bias[1] = float("nan")
    trials = env.sample(40, 1, "train")
    for name in ("eager", "fused"):
        played = mn.play(net, env, trials, 1, engine=name)
        assert not torch.isfinite(played.recorded.final_sum()).any(), name
        assert torch.isnan(played["action"][..., 1]).all() and torch.isfinite(played["action"][..., 0]).sum() > 0


def test_outputs_are_a_mapping():
    "Of the same names in the same order, with every engine."
    env = double_world()
    net = network(env)
    recorded = {e: mn.play(net, env, env.sample(3), engine=e).recorded for e in ("eager", "fused")}
    assert list(recorded["eager"]) == list(recorded["fused"]) and len(recorded["eager"]) == len(recorded["fused"])
    with pytest.raises(KeyError):
        recorded["fused"]["no such output"]
    assert torch.isfinite(recorded["fused"].final_sum()).all() and recorded["fused"].final_sum().shape == (1,)


@pytest.mark.parametrize("engine", ["fused", "eager"])
def test_what_was_looked_at_without_gradients_has_them_later(engine):
    "A glance at a rollout before the loss is formed does not change the gradients."
    env = point_mass_world()
    net = network(env)
    played = mn.play(net, env, env.sample(4, 0, "train"), engine=engine)
    with torch.no_grad():
        assert not played["hidden"].requires_grad and not played.blocked("activation").requires_grad
    assert played["hidden"].requires_grad and played.blocked("activation").requires_grad


@pytest.mark.parametrize("engine", ["fused", "eager"])
@pytest.mark.parametrize("batch", [5, 32, 64, 70])
def test_outputs_as_they_are_stored(engine, batch):
    "The same numbers and gradients, whatever the order of the trials; mixed with outputs that are asked for by name."
    env = point_mass_world().double()
    net = network(env)
    slopes = []
    for ask in ("blocked", "by name", "both"):
        net.zero_grad()
        played = mn.play(net, env, env.sample(batch, 0, "train"), 0, engine=engine)
        named, stored = played["hidden"], played.blocked("hidden")
        assert stored.shape[-2:] == named.shape[-2:] and stored.numel() == named.numel()
        assert torch.equal(stored.reshape(named.shape), named)
        assert played.blocked("target_position") is played["target_position"]
        parts = {"blocked": [stored], "by name": [named], "both": [0.25 * stored, 0.75 * named]}[ask]
        sum((part.sum() + part[..., 1:, :].diff(dim=-2).square().sum()) for part in parts).backward()
        slopes.append([p.grad.clone() for p in net.parameters()])
    for got, want in zip(slopes[0], slopes[1], strict=True):
        assert torch.allclose(got, want, rtol=1e-10, atol=1e-12)
    assert any(s.abs().sum() > 0 for s in slopes[2])


@pytest.mark.parametrize("engine", ["fused", "eager"])
@pytest.mark.parametrize("batch", [7, 32, 64])
def test_replicates_have_their_own_share_as_it_is_stored(engine, batch):
    "Numbers and gradients of each network are those it would have alone."
    env = point_mass_world().double()
    nets = mn.Replicates([network(env, seed=i) for i in range(3)])
    trials = [env.sample(batch, i, "train") for i in range(3)]
    streams = [mn.Streams(i) for i in range(3)]
    together = mn.play(nets, env, trials, streams, engine=engine).split()
    losses = [(i + 1) * played.blocked("hidden").square().sum() for i, played in enumerate(together)]
    torch.stack([loss for i, loss in enumerate(losses) if i != 1]).sum().backward()  # one of them is left out
    for i in range(3):
        assert torch.equal(together[i].blocked("hidden").reshape(together[i]["hidden"].shape), together[i]["hidden"])
        alone = network(env, seed=i)
        played = mn.play(alone, env, trials[i], streams[i])
        assert torch.allclose(together[i]["hidden"], played["hidden"], rtol=1e-10, atol=1e-13)
        if i == 1:
            assert all(p.grad is None or not p.grad.any() for p in nets[i].parameters())
            continue
        ((i + 1) * played["hidden"].square().sum()).backward()
        for ours, theirs in zip(nets[i].parameters(), alone.parameters(), strict=True):
            assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)

"""What engines have in common, and the eager one."""

import pytest
import torch
from comparing import distance, double_world, judged
from worlds import network

import motornet_nb as mn
from motornet_nb.control.engine import EagerEngine, Engine, StaticEngine
from motornet_nb.control.engines import make_engine
from motornet_nb.control.rollout import play_with


@pytest.mark.parametrize("threads", [1, 2])
def test_replicates(threads):
    "Several networks at once give what each gives alone, on both engines and any number of threads."
    env = double_world(action_noise=0.02, task=mn.RandomTargetReach(loads=[mn.CurlField(4.0)]))
    nets = [network(env, seed=s) for s in range(3)]
    together = mn.Replicates(nets)
    for name in ("eager", "fused"):
        engine = make_engine(name, together, env)
        trials = [env.sample(5, s, "train") for s in range(3)]
        played = play_with(engine, trials, [mn.Streams(s) for s in range(3)], threads=threads)
        slopes = torch.autograd.grad(
            sum(judged(p) for p in played.split()), list(together.parameters()), allow_unused=True
        )
        alone = [mn.play(net, env, t, s) for s, (net, t) in enumerate(zip(nets, trials, strict=True))]
        for share, one in zip(played.split(), alone, strict=True):
            for key in one:
                assert distance(share[key].detach(), one[key].detach()) < 1e-9, key
        want = torch.autograd.grad(sum(judged(p) for p in alone), list(together.parameters()), allow_unused=True)
        for ours, theirs in zip(slopes, want, strict=True):
            assert distance(ours, theirs) < 1e-8


def test_the_first_step_so_many_times():
    "All outputs are there, of the shapes they would have; nothing moves."
    env = double_world(action_noise=0.02)
    nets = mn.Replicates([network(env, seed=s) for s in range(2)])
    episode, hidden = env.begin(env.sample(6), seed=1), nets.init_hidden(6)
    still, played = (kind(nets, env).run(episode, hidden, episode.inputs) for kind in (StaticEngine, EagerEngine))
    assert list(still) == list(played)
    for name in still:
        assert still[name].shape == played[name].shape
        assert torch.equal(still[name], played[name][:, :1].expand_as(still[name]))


def test_the_base_class_asks_for_run():
    "And tells who it is."
    env = double_world()
    engine = Engine(network(env), env)
    assert engine.description == engine.name == ""
    with pytest.raises(NotImplementedError, match="Engine does not define run"):
        engine.run(env.begin(env.sample(1)), None, None)

"""The closed loop: a pure step, and the scan of it."""

import pytest
import torch
from worlds import (
    arm,
    assert_equal,
    network,
)

import motornet_nb as mn
from motornet_nb import (
    CenterOutReach,
    CurlField,
    DelayedReach,
    Environment,
    ForcePulse,
    PolicyGRU,
)
from motornet_nb.control.closed_loop import Carry, ClosedLoop, scan


def test_the_step_is_pure():
    "Called again with the same arguments it gives the same; with other parameters another; arguments stay as they are."
    env = Environment(arm(), CenterOutReach(loads=[CurlField(4.0)]), duration=0.2, action_noise=0.1, vision_delay=0.05)
    loop = ClosedLoop(network(env), env)
    episode = env.begin(env.sample())
    carry = Carry(episode.state, loop.policy.init_hidden(8))
    now = episode.inputs.at(0)
    parameters = dict(loop.named_parameters())
    torch.manual_seed(0)
    state = torch.get_rng_state()
    _, first = loop.step(parameters, episode.constants, carry, now, episode.feedback)
    _, again = loop.step(parameters, episode.constants, carry, now, episode.feedback)
    assert_equal(torch.get_rng_state(), state)
    for name, value in first.items():
        assert_equal(value, again[name], name)
    other = parameters | {"policy.output.bias": parameters["policy.output.bias"] + 1}
    _, louder = loop.step(other, episode.constants, carry, now, episode.feedback)
    assert (louder["action"] > first["action"]).all()
    assert_equal(loop.step(parameters, episode.constants, carry, now, episode.feedback)[1]["action"], first["action"])


def test_the_scan_reads_taps_on_its_history():
    "A scan of any step: a sum with a delayed copy of its own output."
    steps = torch.arange(1.0, 7.0)[:, None]

    def step(constants, carry, inputs, feedback):
        out = carry + inputs["x"] + constants * feedback[0]
        return out, {"y": out}

    from motornet_nb.task.episode import Tap

    last, history = scan(step, 10.0, torch.zeros(1), {"x": steps}, [Tap("y", 2)], [torch.ones(1)], 6)
    y = []
    for k in range(6):
        y.append((y[-1] if y else 0) + k + 1 + 10 * (y[k - 2] if k >= 2 else 1))
    assert [float(h["y"]) for h in history] == y and float(last) == y[-1]


@pytest.mark.parametrize("body", ["polynomials", "paths", "compliant tendons"])
def test_the_step_is_one_graph_without_chance(body):
    """Loads, delays and noise included, the step can be traced into tensor operations that depend on its arguments alone."""
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils._pytree import tree_flatten, tree_unflatten

    effector = {
        "polynomials": lambda: mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()),
        "paths": mn.geometric_arm26,
        "compliant tendons": lambda: mn.CompliantTendonArm26(timestep=0.01),
    }[body]()
    task = DelayedReach(loads=[CurlField(8.0), ForcePulse(3.0)])
    env = Environment(effector, task, duration=0.2, vision_delay=0.05, action_noise=0.01, vision_noise=0.01)
    loop = ClosedLoop(PolicyGRU(env.n_observations, 8, 6), env)

    def arguments(seed):
        episode = env.begin(env.sample(7, seed, "train"), seed)
        now = episode.inputs.at(3)
        carry = Carry(episode.state, loop.policy.init_hidden(7))
        return dict(loop.named_parameters()), episode.constants, carry, now, episode.feedback

    flat, structure = tree_flatten(arguments(0))

    def step(*leaves):
        return tree_flatten(loop.step(*tree_unflatten(list(leaves), structure)))[0]

    graph = make_fx(torch.func.functionalize(step, remove="mutations"))(*flat)
    assert not any(node.op == "get_attr" for node in graph.graph.nodes)  # nothing comes from outside
    assert not any("rand" in str(node.target) or "bernoulli" in str(node.target) for node in graph.graph.nodes)
    other = tree_flatten(arguments(1))[0]
    for traced, eager in zip(graph(*other), step(*other), strict=True):
        # torch 2.6 takes a cell of a GRU apart when it traces it, which can change the last bit
        exact = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)
        torch.testing.assert_close(traced, eager, rtol=0, atol=0 if exact else 1e-7)

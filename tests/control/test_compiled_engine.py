"""The compiled engine gives what the eager one gives."""

import pytest
import torch
from bodies import BODIES
from comparing import DOUBLE, body_world, check, double_world
from worlds import Perceptron, network

import motornet_nb as mn
from motornet_nb.control.compiled_engine import CompiledEngine
from motornet_nb.control.engines import make_engine


def test_the_compiled_engine(monkeypatch):
    "torch.compile, on the smallest world there is: one chunk, and a step that is left over."
    monkeypatch.setattr(CompiledEngine, "chunk", 2)
    env = double_world(duration=0.03, sensors=("vision",))
    check(Perceptron(env.n_observations, env.n_actions, 2).to(DOUBLE), env, "compile", n=2)


@pytest.mark.parametrize("steps, delay", [(3, 1), (5, 4), (7, 6), (12, 6), (12, 13)])
def test_chunks_of_the_compiled_engine(steps, delay, monkeypatch):
    "Trials that are shorter or longer than a chunk, delays within one, beyond one and beyond the trial."
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **arguments: compile_(f, **arguments | {"backend": "eager"}))
    torch._dynamo.reset()
    env = double_world(duration=steps / 100, vision_delay=delay / 100, action_stacking=2, action_noise=0.01)
    check(network(env, 4), env, "compile", relative=1e-12)


def test_the_compiled_engine_has_no_replicates():
    "It says which engine has."
    env = double_world()
    with pytest.raises(ValueError, match="'fused' or 'eager'"):
        make_engine("compile", mn.Replicates([network(env, seed=s) for s in range(2)]), env)


def test_many_compiled_engines(monkeypatch):
    "More than the eight times after which torch gives up on a piece of code."
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **arguments: compile_(f, **arguments | {"backend": "eager"}))
    monkeypatch.setattr(CompiledEngine, "chunk", 1)
    env = double_world(duration=0.02, sensors=("vision",))
    for i in range(9):
        net = Perceptron(env.n_observations, env.n_actions, 2).to(DOUBLE)
        mn.play(net, env, env.sample(2 + i, 0, "train"), engine="compile")["action"]


@pytest.mark.parametrize("name", BODIES)
def test_every_body_can_be_compiled(name, monkeypatch):
    "One graph for torch.compile; what its own compiler makes of it is torch's business."
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **arguments: compile_(f, **arguments | {"backend": "eager"}))
    monkeypatch.setattr(CompiledEngine, "chunk", 1)
    env = body_world(name, duration=0.02)
    check(network(env, 4), env, "compile", n=3, relative=1e-12)

"""What a step reads besides its arguments: noticed when it changes, put back when the step changed it, followed by the engine."""

import collections
import dataclasses
import functools
import os
import random
import sys
import types

import numpy as np
import pytest
import torch
import torch.nn.utils.prune
from torch import nn
from worlds import point_mass_world

import motornet_nb as mn
from motornet_nb import fused
from motornet_nb.fused.containers import alike
from motornet_nb.fused.executed import Executed, is_library
from motornet_nb.fused.surroundings import Surroundings
from motornet_nb.task.loads import Load

N = 4
GAIN = 1.0
TABLE = {"gain": 1.0}
settings = types.ModuleType("settings_of_a_laboratory")
sys.modules[settings.__name__] = settings


def from_globals(h):
    return GAIN * TABLE["gain"] * h


def with_default(h, gain=1.0):
    return gain * h


@dataclasses.dataclass
class Settings:
    gain: float = 1.0
    parts: list = dataclasses.field(default_factory=lambda: [1.0])


class Slots:
    __slots__ = ("gain",)

    def __init__(self):
        self.gain = 1.0


class Recurrent(nn.Module):
    "A network whose hidden state passes through a gate."

    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.inward, self.outward = nn.Linear(n_inputs, N), nn.Linear(N, n_actions)
        self.matrix = nn.Parameter(torch.randn(N, N))

    def init_hidden(self, batch_size):
        return torch.zeros(batch_size, N)

    def gate(self, h):
        return h

    def forward(self, x, h):
        h = torch.tanh(self.inward(x) + self.gate(h) @ self.matrix)
        return torch.sigmoid(self.outward(h)), h


def set_global(value):
    global GAIN
    GAIN = value


def late(net, h):
    import settings_of_a_laboratory

    return settings_of_a_laboratory.gain * h


def tried(net, h):
    try:
        return net.extra * h
    except AttributeError:
        return h


def mask(*values):
    return torch.tensor(values, dtype=torch.bool)


def register(name, value):
    return lambda net: net.register_buffer(name, value())


def keep(name, value):
    return lambda net: setattr(net, name, value())


def nothing(net):
    pass


# name: (what is set up, the gate, what changes later)
READ = {
    "an attribute": (keep("gain", lambda: 1.0), lambda s, h: s.gain * h, lambda s: setattr(s, "gain", -0.5)),
    "an entry of a dict in a dict": (
        keep("table", lambda: {"a": {"gain": 1.0}}),
        lambda s, h: s.table["a"]["gain"] * h,
        lambda s: s.table["a"].update(gain=-0.5),
    ),
    "a key that was not there": (
        keep("table", dict),
        lambda s, h: s.table.get("gain", 1.0) * h,
        lambda s: s.table.update(gain=-0.5),
    ),
    "the length of a list": (keep("items", lambda: [1]), lambda s, h: len(s.items) * h, lambda s: s.items.append(2)),
    "a set": (keep("on", set), lambda s, h: h * (2.0 if "a" in s.on else 1.0), lambda s: s.on.add("a")),
    "the order of a queue": (
        keep("queue", lambda: collections.deque([1.0, -0.5])),
        lambda s, h: s.queue[0] * h,
        lambda s: s.queue.rotate(),
    ),
    "a word": (
        keep("mode", lambda: "plus"),
        lambda s, h: h if s.mode == "plus" else -h,
        lambda s: setattr(s, "mode", "-"),
    ),
    "an array, in place": (
        keep("array", lambda: np.ones(N, np.float32)),
        lambda s, h: torch.tensor(s.array) * h,
        lambda s: s.array.__setitem__(1, -0.5),
    ),
    "a number of an array": (
        keep("array", lambda: np.ones(N)),
        lambda s, h: float(s.array[1]) * h,
        lambda s: s.array.fill(-0.5),
    ),
    "a tensor, in place": (keep("t", lambda: torch.ones(N)), lambda s, h: s.t * h, lambda s: s.t.fill_(-0.5)),
    "a tensor's data": (keep("t", lambda: torch.ones(N)), lambda s, h: s.t * h, lambda s: s.t.data.mul_(-0.5)),
    "another tensor": (keep("t", lambda: torch.ones(N)), lambda s, h: s.t * h, lambda s: setattr(s, "t", -s.t)),
    "a tensor that is one number": (
        keep("t", lambda: torch.tensor(1.0)),
        lambda s, h: s.t * h,
        lambda s: s.t.fill_(-0.5),
    ),
    "a number taken out": (
        keep("t", lambda: torch.tensor(1.0)),
        lambda s, h: s.t.item() * h,
        lambda s: s.t.fill_(-0.5),
    ),
    "numbers read past torch": (
        keep("t", lambda: torch.ones(2)),
        lambda s, h: s.t.tolist()[0] * h,
        lambda s: s.t.fill_(-0.5),
    ),
    "a mask": (register("m", lambda: mask(1, 1, 1, 1)), lambda s, h: h * s.m, lambda s: s.m.copy_(mask(1, 0, 1, 0))),
    "a mask on weights": (
        register("m", lambda: torch.ones(N, N, dtype=torch.bool)),
        lambda s, h: h @ (s.matrix * s.m),
        lambda s: s.m.fill_(False),
    ),
    "a mask that chooses": (
        register("m", lambda: mask(1, 1, 0, 0)),
        lambda s, h: torch.where(s.m, h, -h),
        lambda s: s.m.logical_not_(),
    ),
    "a mask as an index": (
        register("m", lambda: mask(1, 1, 0, 0)),
        lambda s, h: h + h[:, s.m].sum(1, keepdim=True),
        lambda s: s.m.copy_(mask(1, 0, 1, 1)),
    ),
    "a list of units": (
        register("i", lambda: torch.arange(N)),
        lambda s, h: h[:, s.i],
        lambda s: s.i.copy_(torch.tensor([3, 0, 1, 1])),
    ),
    "whole numbers": (
        register("i", lambda: torch.ones(N, dtype=torch.long)),
        lambda s, h: h * s.i / 2,
        lambda s: s.i.copy_(torch.tensor([3, 0, -1, 1])),
    ),
    "a decision on a whole number": (
        register("i", lambda: torch.tensor(1)),
        lambda s, h: h if s.i > 0 else -h,
        lambda s: s.i.fill_(-1),
    ),
    "an activation function": (
        keep("f", lambda: torch.tanh),
        lambda s, h: s.f(h),
        lambda s: setattr(s, "f", torch.relu),
    ),
    "a layer": (keep("f", nn.Tanh), lambda s, h: s.f(h), lambda s: setattr(s, "f", nn.ReLU())),
    "a layer's setting": (
        keep("f", lambda: nn.LeakyReLU(0.1)),
        lambda s, h: s.f(h),
        lambda s: setattr(s.f, "negative_slope", 0.7),
    ),
    "a layer more": (
        keep("fs", lambda: nn.ModuleList([nn.Tanh()])),
        lambda s, h: sum(f(h) for f in s.fs),
        lambda s: s.fs.append(nn.ReLU()),
    ),
    "a hook": (nothing, lambda s, h: h, lambda s: s.outward.register_forward_hook(lambda m, i, o: -o)),
    "the mode": (nothing, lambda s, h: h if s.training else -h, lambda s: s.eval()),
    "a method": (nothing, lambda s, h: h, lambda s: setattr(s, "gate", lambda h: -h)),
    "a name made up": (
        keep("gain_x", lambda: 1.0),
        lambda s, h: getattr(s, "gain_" + "x") * h,
        lambda s: setattr(s, "gain_x", -0.5),
    ),
    "a name that was not there": (nothing, tried, lambda s: setattr(s, "extra", -0.5)),
    "an object's attributes": (
        keep("c", Settings),
        lambda s, h: s.c.gain * s.c.parts[0] * h,
        lambda s: s.c.parts.__setitem__(0, -0.5),
    ),
    "slots": (keep("c", Slots), lambda s, h: s.c.gain * h, lambda s: setattr(s.c, "gain", -0.5)),
    "globals": (lambda net: set_global(1.0), lambda s, h: from_globals(h), lambda s: set_global(-0.5)),
    "a global dict": (
        lambda net: TABLE.update(gain=1.0),
        lambda s, h: from_globals(h),
        lambda s: TABLE.update(gain=-0.5),
    ),
    "a module": (
        lambda net: setattr(settings, "gain", 1.0),
        lambda s, h: settings.gain * h,
        lambda s: setattr(settings, "gain", -0.5),
    ),
    "a module imported late": (
        lambda net: setattr(settings, "gain", 1.0),
        late,
        lambda s: setattr(settings, "gain", -0.5),
    ),
    "a default": (
        lambda net: setattr(with_default, "__defaults__", (1.0,)),
        lambda s, h: with_default(h),
        lambda s: setattr(with_default, "__defaults__", (-0.5,)),
    ),
    "a partial": (
        keep("f", lambda: functools.partial(with_default, gain=1.0)),
        lambda s, h: s.f(h),
        lambda s: s.f.keywords.update(gain=-0.5),
    ),
    "the process's environment": (
        lambda net: os.environ.pop("GAIN_OF_A_TEST", None),
        lambda s, h: float(os.environ.get("GAIN_OF_A_TEST", "1")) * h,
        lambda s: os.environ.update(GAIN_OF_A_TEST="-0.5"),
    ),
}


def made(name, env, n=1):
    "Networks of one class, and what changes the last of them."
    prepare, gate, change = READ[name]
    torch.manual_seed(0)
    kind = type("Gated", (Recurrent,), {"gate": gate})
    nets = [kind(env.n_observations, env.n_actions) for _ in range(n)]
    for net in nets:
        prepare(net)
    return (*nets, lambda: change(nets[-1]))


def played(net, env, engine, learn=True):
    with torch.set_grad_enabled(learn):  # a program without a way back is built in half the time
        return mn.play(net, env, env.sample(3, 0), engine=engine, audit=False)["hidden"].detach()


@pytest.mark.parametrize("name", READ)
def test_what_a_step_reads_is_followed(name):
    "Before and after it changed, the fused engine plays what the eager one plays; and the change is one that shows."
    env = point_mass_world(duration=0.04)
    net, change = made(name, env)
    before = played(net, env, "eager", learn=False)
    torch.testing.assert_close(played(net, env, "fused", learn=False), before, rtol=1e-4, atol=1e-6)
    change()
    after = played(net, env, "eager", learn=False)
    assert (after - before).abs().max() > 1e-3 or name == "a hook"  # which shows in the action
    torch.testing.assert_close(played(net, env, "fused", learn=False), after, rtol=1e-4, atol=1e-6)


def curl(b, motion):
    vx, vy = motion.endpoint_velocity.unbind(-1)
    return b * torch.stack((-vy, vx), -1)


class Field(Load):
    "A load with a setting of its own."

    depends_on_motion = True

    def setup(self):
        self.table = {"b": 5.0}

    def force(self, motion, time, drawn):
        return curl(self.table["b"], motion)


def field_with_closure():
    b = 5.0

    def field(motion, time, trial):
        return curl(b, motion)

    def change():
        nonlocal b
        b = 50.0

    return field, change


def field_with_tensor():
    b = torch.tensor(5.0)
    return (lambda motion, time, trial: curl(b, motion)), lambda: b.fill_(50.0)


def field_of_a_class():
    field = Field()
    return field, lambda: field.table.update(b=50.0)


@pytest.mark.parametrize("make", [field_with_closure, field_with_tensor, field_of_a_class])
def test_what_a_load_reads_is_followed(make):
    "A curriculum: ten times the field."
    load, change = make()
    env = point_mass_world(mn.RandomTargetReach(loads=[load]))
    torch.manual_seed(0)
    net = Recurrent(env.n_observations, env.n_actions)
    trials = env.sample(3, 0)
    for _ in range(2):
        fused_load, eager_load = (
            mn.play(net, env, trials, engine=engine, audit=False)["endpoint_load"].detach()
            for engine in ("fused", "eager")
        )
        torch.testing.assert_close(fused_load, eager_load, rtol=1e-4, atol=1e-5)
        assert eager_load.abs().max() > 0.01
        change()


def count(net, h):
    net.steps += 1
    return net.steps * h


def log(net, h):
    net.items.append(float(len(net.items)))
    return h


def remember(net, h):
    before, net.last = net.last, h
    return h if before is None else h + 0 * h.sum()


def own_draws(net, h):
    return float(net.random.normal()) * h


CHANGES = {
    "a counter": (keep("steps", lambda: 0), count, r"policy\.steps \(0 before, 1 now\)"),
    "a list that grows": (keep("items", list), log, r"the length of policy\.items \(0 before, 1 now\)"),
    "a tensor kept for the next step": (keep("last", lambda: None), remember, r"policy\.last"),
    "NumPy's random numbers": (nothing, lambda s, h: np.random.rand() * h, "NumPy's random numbers"),  # noqa: NPY002
    "Python's random numbers": (nothing, lambda s, h: random.random() * h, "Python's random numbers"),
    "random numbers of its own": (
        keep("random", lambda: np.random.default_rng(0)),
        own_draws,
        r"policy\.random",
    ),
    "a buffer, in place": (
        register("b", lambda: torch.ones(())),
        lambda s, h: s.b.mul_(0.9) * h,
        r"policy\.b\) in place",
    ),
    "a buffer, replaced": (
        register("b", lambda: torch.ones(())),
        lambda s, h: (setattr(s, "b", s.b * 0.9), s.b * h)[1],
        r"a buffer that the step replaces \(policy\.b\)",
    ),
    "a tensor, in place": (keep("b", lambda: torch.ones(())), lambda s, h: s.b.mul_(0.9) * h, "changed in place"),
    "the hidden state, in place": (nothing, lambda s, h: h.mul_(0.5), "changes its carry .* in place"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_step_that_changes_something_is_refused(name):
    "In words that name it; everything stands where it stood, so that who plays eagerly instead finds what was there."
    prepare, gate, words = CHANGES[name]
    env = point_mass_world(duration=0.04)
    net = type("Gated", (Recurrent,), {"gate": gate})(env.n_observations, env.n_actions)
    prepare(net)
    around = Surroundings({"policy": net})
    with pytest.raises(fused.Unsupported, match=words):
        mn.play(net, env, engine="fused")
    assert around.change() is None
    with pytest.warns(UserWarning, match="eager engine runs"):
        automatic = mn.play(net, env, engine="auto")["hidden"]
    assert bool(torch.isfinite(automatic).all())


def test_pruned_layers_are_followed():
    "Torch's own pruning writes an attribute before every call, which is no state of the network."
    env = point_mass_world(duration=0.04)
    torch.manual_seed(0)
    net = Recurrent(env.n_observations, env.n_actions)
    nn.utils.prune.random_unstructured(net.inward, "weight", 0.3)
    for amount in (1.0, 0.0):
        net.inward.weight_mask.mul_(amount)
        torch.testing.assert_close(played(net, env, "fused"), played(net, env, "eager"), rtol=1e-4, atol=1e-6)


def test_replicates_may_differ_in_buffers_but_not_in_settings():
    "Masks are each network's own; what Python reads has to be the same, else it is refused and named."
    env = point_mass_world(duration=0.04)
    *nets, _ = made("a mask on weights", env, 3)
    for i, net in enumerate(nets):
        net.m[:, i] = False
    together = mn.Replicates(nets)
    trials = [env.sample(3, 0)] * 3
    ours, theirs = (
        mn.play(together, env, trials, engine=e, audit=False)["hidden"].detach() for e in ("fused", "eager")
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert (theirs[:3] - theirs[3:6]).abs().max() > 1e-3
    for name, place in (("an attribute", r"policy\.gain"), ("a tensor, in place", r"policy\.t")):
        *nets, change = made(name, env, 2)
        change()
        with pytest.raises(fused.Unsupported, match=f"replicates that differ in {place}"):
            mn.play(mn.Replicates(nets), env, trials[:2], engine="fused")


def test_an_attribute_that_no_step_reads_builds_nothing(monkeypatch):
    "A callback may count; setting an equal number is no change; a number that returns finds its program again."
    env = point_mass_world(duration=0.04)
    net, change = made("an attribute", env)
    net.batches = 0
    recorded, of = [], fused.Recording
    monkeypatch.setattr(fused, "Recording", lambda *a, **k: recorded.append(1) or of(*a, **k))
    of_joined = of.joined
    fused.Recording.joined = of_joined
    for k in range(3):
        net.batches, net.gain = k, float(str(1.0))
        played(net, env, "fused")
    assert len(recorded) == 1
    change()
    played(net, env, "fused")
    net.gain = 1.0
    played(net, env, "fused")
    assert len(recorded) == 2


def test_what_keeps_changing_is_refused():
    "A program for every batch would be slower than none."
    env = point_mass_world(duration=0.04)
    net, _ = made("an attribute", env)
    with pytest.raises(fused.Unsupported, match=r"built \d+ times.*policy\.gain.*register_buffer"):
        for k in range(20):
            net.gain = 1.0 + k / 7
            played(net, env, "fused")


def test_alike():
    "Equal numbers of one type, not of two; containers only if they are the same."
    assert alike(0.1, 0.1) and alike(float("nan"), float("nan")) and alike((1, "a"), (1, "a"))
    assert not alike(1, 1.0) and not alike(True, 1) and not alike([1], [1])


def test_everything_is_put_back():
    "Attributes that are new, entries that are gone, lists that grew, arrays, sets, cells, generators."
    generator = np.random.default_rng(0)
    thing = types.SimpleNamespace(
        number=1, table={"a": 1, "b": 2}, items=[1, 2], array=np.arange(3.0), on={1}, random=generator
    )
    around = Surroundings({"thing": thing})
    thing.number, thing.array[1] = 2, 7.0
    del thing.table["a"]
    thing.table["c"] = 3
    thing.items.append(3)
    thing.on.add(2)
    first = generator.normal()
    assert around.change() is not None
    around.restore()
    assert around.change() is None
    assert (thing.number, thing.table, thing.items, thing.on) == (1, {"a": 1, "b": 2}, [1, 2], {1})
    assert list(thing.table) == ["a", "b"] and thing.array.tolist() == [0, 1, 2] and generator.normal() == first


def test_only_what_ran_is_looked_at_again():
    "Another method's names are nobody's business."

    class Two:
        def __init__(self):
            self.read, self.other = 1, 1

        def one(self):
            return self.read

        def two(self):
            return self.other

    thing = Two()
    around = Surroundings({"thing": thing})
    with Executed() as executed:
        thing.one()
    around = Surroundings({"thing": thing}, executed=executed)
    thing.other = 2
    assert around.same()
    thing.read = 2
    assert not around.same() and str(around.change()) == "thing.read (1 before, 2 now)"


class WithCount(Recurrent):
    "A hidden state with a number in it that is no tensor."

    def init_hidden(self, batch_size):
        return {"h": torch.zeros(batch_size, N), "steps": 0}

    def forward(self, x, hidden):
        h = torch.tanh(self.inward(x) + hidden["h"] * (1 + hidden["steps"]))
        return torch.sigmoid(self.outward(h)), {"h": h, "steps": hidden["steps"] + 1}


class WithTensorCount(WithCount):
    "The same, counted in a tensor of whole numbers."

    def init_hidden(self, batch_size):
        return {"h": torch.zeros(batch_size, N), "steps": torch.zeros(batch_size, 1, dtype=torch.long)}


def test_a_count_in_the_hidden_state():
    "As a number it would stand still, and is refused; as a tensor it is followed."
    env = point_mass_world(duration=0.04)
    sizes = env.n_observations, env.n_actions
    with pytest.raises(fused.Unsupported, match=r"no tensor and changes \(0, then 1\)"):
        mn.play(WithCount(*sizes), env, engine="fused")
    torch.manual_seed(0)
    net = WithTensorCount(*sizes)
    torch.testing.assert_close(played(net, env, "fused"), played(net, env, "eager"), rtol=1e-4, atol=1e-6)


def test_what_torch_is_set_to_and_the_delays_are_followed():
    "Another default precision, and delays that were changed by hand."
    env = point_mass_world(duration=0.06)
    net, _ = made("an attribute", env)
    type(net).gate = lambda s, h: torch.full((N,), s.gain) * h
    before = played(net, env, "fused")
    env.taps = tuple(tap._replace(delay=3) for tap in env.taps)
    torch.testing.assert_close(played(net, env, "fused"), played(net, env, "eager"), rtol=1e-4, atol=1e-6)
    assert (played(net, env, "fused") - before).abs().max() > 1e-5
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(ValueError, match="to have the same dtype"):  # as the eager engine says
            mn.play(net, env, env.sample(3, 0), engine="fused")
    finally:
        torch.set_default_dtype(torch.float32)


def test_what_the_cuda_build_of_torch_loads_is_a_library():
    "It imports triton while the first step is played, and with that changes modules a step does not read."
    assert is_library("triton.language.core") and is_library("torch._dynamo") and not is_library("tritone")

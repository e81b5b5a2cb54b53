"""What an experiment is made of: all settings, whatever holds them, and the code of functions, the same in every process."""

import enum
import functools
import json
import linecache
import math
import os
import re
import shutil
import subprocess
import sys
import types
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import motornet_nb as mn
from motornet_nb.core.codetext import code_of, names_read
from motornet_nb.core.differences import differences, first_difference
from motornet_nb.core.parameters import fixed
from motornet_nb.core.recipe import recipe_of, settings_of

SCRIPT = Path(__file__).parents[1] / "support" / "resumed_script.py"


# ---- settings ------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    "A network whose settings are plain attributes."

    def __init__(self, value):
        super().__init__()
        self.value, self.layer = value, nn.Linear(2, 2)


class Slotted:
    "An object without a dict."

    __slots__ = ("gain",)

    def __init__(self, gain):
        self.gain = gain


@dataclass
class Options:
    "Options."

    gain: float = 1.0
    more: list = field(default_factory=list)


class Kind(enum.Enum):
    "A choice."

    slow, fast = 1, 2


Pair = namedtuple("Pair", "a b")
VALUES = {
    "number": (0.1, 0.2, ""),
    "text": ("a", "b", ""),
    "truth": (True, False, ""),
    "nothing": (None, 0.0, ""),
    "number of NumPy": (np.float32(0.5), np.float32(0.25), ""),
    "list": ([1, 2], [1, 3], "[1]"),
    "tuple": ((1, 2), (1, 2, 3), ""),
    "named tuple": (Pair(1, 2), Pair(1, 3), "[1]"),
    "dict": ({"a": {"b": 1}}, {"a": {"b": 2}}, ".a.b"),
    "set": ({"x", "y"}, {"x", "z"}, ".set[1]"),
    "choice": (Kind.slow, Kind.fast, ""),
    "dtype": (torch.float32, torch.float64, ""),
    "array": (np.array([1.0, 2.0]), np.array([1.0, 2.5]), "[1]"),
    "texts": (np.array(["a", "b"]), np.array(["a", "c"]), "[1]"),
    "table": (pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [2.0]}), ".values[0][0]"),
    "tensor": (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]), "[1]"),
    "mask": (torch.tensor([True, False]), torch.tensor([True, True]), "[1]"),
    "many numbers": (torch.arange(999.0), torch.arange(999.0) + 1e-4, ""),
    "NaN": (math.nan, 1.0, ""),
    "options": (Options(), Options(2.0), ".gain"),
    "options in options": (Options(more=[Options()]), Options(more=[Options(3.0)]), ".more[0].gain"),
    "slots": (Slotted(1.0), Slotted(2.0), ".gain"),
    "namespace": (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2), ".a"),
    "path": (Path("a"), Path("b"), ""),
    "module": (nn.Dropout(0.1), nn.Dropout(0.2), ".p"),
    "activation function": (torch.tanh, torch.relu, ""),
    "activation layer": (nn.LeakyReLU(0.1), nn.LeakyReLU(0.2), ".negative_slope"),
    "class": (nn.ReLU, nn.Tanh, ""),
    "layers": (nn.Sequential(nn.Linear(2, 2), nn.ELU()), nn.Sequential(nn.Linear(2, 2), nn.ELU(0.5)), "[1].alpha"),
    "option of a layer": (nn.GRU(2, 3), nn.GRU(2, 3, num_layers=2), ".num_layers"),
    "shape": (nn.Linear(2, 3), nn.Linear(2, 4), ".out_features"),
    "partial": (functools.partial(torch.clamp, min=0.0), functools.partial(torch.clamp, min=0.1), ".min"),
    "model": (mn.CurlField(2.0), mn.CurlField(3.0), ".strength"),
    "distribution": (torch.distributions.Normal(0, 1.0), torch.distributions.Normal(0, 2.0), ".scale"),
}


@pytest.mark.parametrize(("one", "other", "where"), VALUES.values(), ids=VALUES)
def test_every_setting_of_a_network_belongs_to_its_recipe(one, other, where):
    "Whatever holds it; the difference is named as an attribute."
    net = Net(one)
    recipe = recipe_of({"policy": net})
    assert json.loads(json.dumps(recipe)) == recipe or isinstance(one, float)
    net.layer.reset_parameters()  # weights are no part of it
    assert first_difference(recipe, recipe_of({"policy": net})) is None
    found = first_difference(recipe, recipe_of({"policy": Net(other)}))
    assert found is not None and found[0] == f"policy.value{where}"


@pytest.mark.parametrize(("one", "other", "where"), VALUES.values(), ids=VALUES)
def test_settings_of_a_declared_class_too(one, other, where):
    "An attribute of a task, private or not."
    tasks = []
    for value in (one, other):
        tasks.append(mn.RandomTargetReach())
        tasks[-1]._mine = value
    recipes = [recipe_of({"task": task}) for task in tasks]
    assert first_difference(recipes[0], recipes[0]) is None
    assert first_difference(*recipes)[0].startswith("task._mine") and tasks[0] != tasks[1]


def test_what_may_differ_is_no_part_of_a_recipe():
    "Weights, devices, what the package's own classes remember, and whether a network learns."
    env = mn.Environment(mn.ReluPointMass24(), mn.DelayedReach(), duration=0.1)
    net = mn.PolicyGRU(env.n_observations, 4, 4)
    before = recipe_of([env, net])
    env.reset(seed=3)
    env.step(torch.zeros(1, 4))
    env.effector.coefficients()
    net.reset_parameters()
    net.eval().output.requires_grad_(False)
    assert recipe_of([env, net]) == before
    again = mn.Environment(mn.ReluPointMass24(), mn.DelayedReach(), duration=0.1)
    assert recipe_of(again) == before[0] and before[0]["class"] == "Environment"


def test_weights_that_were_changed_in_place_and_what_follows_from_parameters():
    "A loss whose weights were changed behind its back is another loss."
    loss = mn.ReachLoss()
    loss.weights["muscle"] = 0.0
    assert first_difference(recipe_of(mn.ReachLoss()), recipe_of(loss), "loss") == ("loss.weights.muscle", 5.0, 0.0)
    assert loss != mn.ReachLoss()


def test_a_later_version_may_derive_more():
    "What the package's classes derive is compared where both recipes have it."
    recipe = recipe_of(mn.DelayedReach(loads=[mn.ConstantLoad(force_vector=[1.0, 0.0])]))
    more = json.loads(json.dumps(recipe))
    more["loads"][0]["(derived)"]["size"] = 3
    assert first_difference(recipe, more) is None and first_difference(more, recipe) is None
    more["loads"][0]["(derived)"]["acts_on"] = "joint"
    assert first_difference(recipe, more) == ("loads[0].acts_on", "endpoint", "joint")


def with_hook(gain):
    net = nn.Linear(2, 2)
    net.register_forward_hook(lambda module, given, result: gain * result)
    return net


def with_forward(gain):
    net = nn.Linear(2, 2)
    net.forward = lambda x: gain * x
    return net


MADE = {
    "hook": (with_hook, "forward_hooks[0].gain"),
    "forward of an object": (with_forward, "forward.gain"),
    "compiled": (lambda gain: torch.compile(with_forward(gain)), "forward.gain"),
    "scripted": (lambda slope: torch.jit.script(nn.LeakyReLU(slope)), "negative_slope"),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("make", "where"), MADE.values(), ids=MADE)
def test_networks_that_torch_or_a_user_has_changed(make, where):
    "The same again has the same recipe."
    assert recipe_of(make(1.0)) == recipe_of(make(1.0))
    found = first_difference(recipe_of(make(1.0)), recipe_of(make(2.0)))
    assert found[0].endswith(where) and found[1:] == (1.0, 2.0)


def test_layers_of_torch_have_the_same_recipe_again():
    "Whatever torch keeps in them."
    layers = (nn.GRU(2, 3), nn.MultiheadAttention(4, 2), nn.LazyLinear(3), nn.BatchNorm1d(3), nn.LSTMCell(2, 3))
    again = (nn.GRU(2, 3), nn.MultiheadAttention(4, 2), nn.LazyLinear(3), nn.BatchNorm1d(3), nn.LSTMCell(2, 3))
    assert [recipe_of(x) for x in layers] == [recipe_of(x) for x in again]
    normed = [nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)) for _ in range(2)]
    assert recipe_of(normed[0]) == recipe_of(normed[1]) != recipe_of(nn.Linear(2, 2))


def test_what_contains_itself():
    "Ends."
    one = types.SimpleNamespace(gain=1.0)
    one.me = one
    assert recipe_of(one) == {
        "class": "types.SimpleNamespace",
        "gain": 1.0,
        "me": {"again": "types.SimpleNamespace"},
    }


# ---- code ----------------------------------------------------------------------------------------------------------


def made(source, name="f", filename=None, **names):
    "A function from source text, with a file to be found in or without."
    space = {"__name__": "__main__", **names}
    if filename:
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    exec(compile(source, filename or "<nowhere>", "exec"), space)
    return space[name]


LAWS = {
    "body": ("def f(x):\n    return 2 * x", "def f(x):\n    return 3 * x", ": its code"),
    "lambda": ("f = lambda x: 2 * x", "f = lambda x: 2 + x", ": its code"),
    "default": ("def f(x, b=1.0): return b * x", "def f(x, b=2.0): return b * x", ".b"),
    "value of a default": ("b = 1.0\ndef f(x, b=b): return x", "b = 2.0\ndef f(x, b=b): return x", ".b"),
    "closure": (
        "def make(b): return lambda x: b * x\nf = make(1.0)",
        "def make(b): return lambda x: b * x\nf = make(2.0)",
        ".b",
    ),
    "global": ("B = 1.0\ndef f(x): return B * x", "B = 2.0\ndef f(x): return B * x", ".B"),
    "global of a function within": (
        "B = 1.0\ndef f(x): return [B * y for y in x]",
        "B = 2.0\ndef f(x): return [B * y for y in x]",
        ".B",
    ),
    "helper": (
        "def g(x): return x\ndef f(x): return g(x)",
        "def g(x): return -x\ndef f(x): return g(x)",
        ".g: its code",
    ),
    "method": (
        "class A:\n    def __call__(self, x): return x\nf = A()",
        "class A:\n    def __call__(self, x): return -x\nf = A()",
        ".__call__: its code",
    ),
    "bound method": (
        "class A:\n    k = 1\n    def g(self, x): return self.k\nf = A().g",
        "class A:\n    k = 2\n    def g(self, x): return self.k\nf = A().g",
        ".of.k",
    ),
    "property": (
        "class A:\n    @property\n    def k(self): return 1\nf = A()",
        "class A:\n    @property\n    def k(self): return 2\nf = A()",
        ".k: its code",
    ),
    "parent": (
        "class B:\n    def k(self): return 1\nclass A(B): pass\nf = A()",
        "class B:\n    def k(self): return 2\nclass A(B): pass\nf = A()",
        ".k: its code",
    ),
    "method with arguments": (
        "import functools\nclass A:\n    def g(self, x): return x\n    k = functools.partialmethod(g, 1)\nf = A()",
        "import functools\nclass A:\n    def g(self, x): return x\n    k = functools.partialmethod(g, 2)\nf = A()",
        ".k.args[0]",
    ),
    "remembers": (
        "import functools\n@functools.lru_cache\ndef f(x): return 2 * x",
        "import functools\n@functools.lru_cache\ndef f(x): return 3 * x",
        ": its code",
    ),
    "decorated": (
        "import torch\n@torch.no_grad()\ndef f(x): return 2 * x",
        "import torch\n@torch.no_grad()\ndef f(x): return 3 * x",
        ": its code",
    ),
    "attribute of a function": (
        "def f(x): return f.k * x\nf.k = 1",
        "def f(x): return f.k * x\nf.k = 2",
        ".k",
    ),
}


@pytest.mark.parametrize("kept", [True, False], ids=["with source", "without source"])
@pytest.mark.parametrize(("one", "other", "where"), LAWS.values(), ids=LAWS)
def test_the_code_of_functions_belongs_to_a_recipe(one, other, where, kept):
    "With all it reads; found wherever it stands, and without its source."
    files = ("<one>", "<moved>", "<other>") if kept else (None, None, None)
    recipe = recipe_of(made(one, filename=files[0]))
    moved = recipe_of(made("# a comment\n\n\n" + one + "  # another", filename=files[1]))
    text = json.dumps(recipe)
    assert recipe == moved and not re.search(r"0x[0-9a-f]{4}|<one>|<nowhere>|/", text), text
    found = first_difference(recipe, recipe_of(made(other, filename=files[2])), "f")
    assert found is not None and found[0] == f"f{where}"


def test_a_lambda_is_its_own_text_only():
    "Not that of the line it stands in."
    source = "def g(*a, **k): return a\nf = g(lambda x: x + {}, lambda x: x * 2, n={})[{}]"
    first, second = (made(source.format(1, 5, i), filename=f"<line {i}>") for i in (0, 1))
    assert code_of(first.__code__)["code"] == "lambda x: x + 1"
    assert code_of(second.__code__)["code"] == "lambda x: x * 2"
    longer = made(source.format(1, 500, 0), filename="<longer>")
    assert recipe_of(longer) == recipe_of(first)


def test_a_source_that_was_changed_after_it_was_loaded():
    "What is compared is what runs, not what the file says now."
    source = "def f(x):\n    return 2 * x\n"
    f = made(source, filename="<changed>")
    other = made(source.replace("2", "3"), filename="<changed>")  # the file has the new text for both
    assert "2" in code_of(f.__code__)["code"] and "return 3" not in code_of(f.__code__)["code"]
    assert first_difference(recipe_of(f), recipe_of(other), "f")[0] == "f: its code"
    assert first_difference(recipe_of(f), recipe_of(made(source, filename="<again>"))) is None


def test_docstrings_and_layout_are_no_code():
    "Nor are comments."
    one = made("def f(x):\n    'Twice.'\n    return 2*x", filename="<one doc>")
    other = made("def f(x):\n    'Two times.'\n\n    return (2 *\n   x)  # really", filename="<other doc>")
    assert recipe_of(one) == recipe_of(other)


def test_what_is_read_of_a_users_module():
    "Its attribute; of a library's module nothing."
    mine = types.ModuleType("settings")
    mine.B = 1.0
    f = made("def f(x): return mine.B * torch.tanh(x)", mine=mine, torch=torch)
    assert names_read(f.__code__) == [("mine", "B"), ("torch", "tanh")]
    assert recipe_of(f)["(reads)"] == {"mine.B": 1.0}


def test_the_first_line_that_differs_is_shown():
    "Of long lines what is around it."
    lines = [f"    y{i} = x + {i}" for i in range(20)]
    source = "\n".join(["def f(x):", *lines, "    return [" + ", ".join(f"y{i}" for i in range(20)) + "]"])
    a, b = made(source, filename="<long>"), made(source.replace("y18]", "y17]").replace("y19]", "y1]"), filename="<l2>")
    where, had, has = first_difference(recipe_of(a), recipe_of(b), "f")
    assert where == "f: its code" and had.endswith("y18, y19]") and has.endswith("y18, y1]") and len(had) < 90


def test_recipes_of_another_version_of_python_are_compared_by_their_text():
    "Where there is one."
    recipe = recipe_of(made("def f(x): return x", filename="<version>"))
    assert first_difference(recipe, recipe | {"compiled": "3.99 abc"}) is None
    assert first_difference(recipe, recipe | {"code": "LOAD x"}) is None
    assert first_difference(recipe, recipe | {"code": "def f(x): return y", "compiled": "3.99 abc"}) is not None


def test_settings_to_be_read():
    "Without the code of classes."
    net = Net(0.3)
    assert settings_of(net) == {
        "class": f"{__name__}.Net",
        "value": 0.3,
        "layer": {
            "class": "torch.nn.modules.linear.Linear",
            "in_features": 2,
            "out_features": 2,
            "weight": {"weights": [2, 2]},
            "bias": {"weights": [2]},
        },
    }


# ---- in another process --------------------------------------------------------------------------------------------


def life(source, folder, seed, n_batches, tmp_path):
    "Run a script in a process of its own: what it prints, and what it complains of."
    script = tmp_path / "script.py"
    script.write_text(source)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": str(seed)}  # fmt: skip
    command = [sys.executable, str(script), str(folder), str(seed), str(n_batches)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    "The checkpoints of a run of three batches, and its source."
    folder = tmp_path_factory.mktemp("begun")
    source = SCRIPT.read_text()
    printed, problems = life(source, folder / "run", 0, 3, folder)
    assert printed.startswith("weights") and not problems, problems
    return folder / "run", source


def test_the_same_script_goes_on_in_another_process(begun, tmp_path):
    "With other first weights, comments, lines and seeds of hashes; the end is that of a run in one part."
    folder, source = begun
    shutil.copytree(folder, tmp_path / "run")
    moved = "# a new line\n\n" + source.replace("# as measured", "# as guessed").replace('"A helper."', '"Helps."')
    printed, problems = life(moved, tmp_path / "run", 5, 4, tmp_path)
    assert "policy.n_calls was 9 and is 0" in problems  # what a checkpoint does not hold is said
    whole, _ = life(source, tmp_path / "whole", 0, 4, tmp_path)
    assert printed.split()[:2] == whole.split()[:2] and whole.split()[0] == "weights"


CHANGES = {
    "gain of a task": ("Reach(gain=1.0", "Reach(gain=50.0", r"environment\.task\.gain = 50\.0 .* must be 1\.0"),
    "code of a term": (
        "pow(power).mean()",
        "pow(power).sum()",
        r"loss\.terms\.effort: its code = .*\.sum\(\).* must be .*\.mean\(\)",
    ),
    "closure": ("law(0.1)", "law(0.2)", r"environment\.task\.loads\[1\]\.gain = 0\.2 .* must be 0\.1"),
}


@pytest.mark.parametrize(("old", "new", "says"), CHANGES.values(), ids=CHANGES)
def test_a_changed_script_is_refused_in_another_process(old, new, says, begun, tmp_path):
    "With words that name the place."
    folder, source = begun
    assert source.count(old) == 1
    printed, problems = life(source.replace(old, new), folder, 5, 4, tmp_path)
    assert not printed and re.search(says, problems), problems
    assert "another run needs another folder" in problems


MORE_CHANGES = {
    "tau of a network": ("tau=0.5", "tau=0.6", "policy.tau = 0.6"),
    "options of a network": ("leak: float = 0.2", "leak: float = 0.3", "policy.options.leak = 0.3"),
    "activation function": ("torch.tanh", "torch.relu", "policy.act = "),
    "array": ("np.array([1, -1])", "np.array([1, 1])", "policy.sign[1] = 1"),
    "dropout": ("nn.Dropout(0.1)", "nn.Dropout(0.2)", "policy.drop.p = 0.2"),
    "option of a layer": ("BatchNorm1d(n_inputs)", "BatchNorm1d(n_inputs, eps=1e-3)", "policy.norm.eps = 0.001"),
    "mask": ("torch.ones(6, dtype=torch.bool)", "torch.arange(6) > 2", "policy.mask[0] = False"),
    "code of a network": ("self.tau * self", "2 * self", "policy.forward: its code = 'return (torch.sigmoid(2 *"),
    "private attribute": ("np.float32(0.5)", "np.float32(0.25)", "environment.task._offset = 0.25"),
    "global": ("FIELD = 2.0", "FIELD = 3.0", "environment.task.loads[0].helper.FIELD = 3.0"),
    "entry of a dict": ('"left": 1.0', '"left": 1.5', "environment.task.loads[0].TABLE.left = 1.5"),
    "namespace": ("push=1.5", "push=2.5", "environment.task.loads[2].config.push = 2.5"),
    "helper": ("x * FIELD", "x + FIELD", "environment.task.loads[0].helper: its code = 'return x + FIELD'"),
    "partial": ("factor=2.0", "factor=3.0", "environment.task.loads[2].factor = 3.0"),
    "attribute of a class": ("size = 3.0", "size = 4.0", "environment.task.loads[3].size = 4.0"),
    "default": ("power=2", "power=3", "loss.terms.effort"),
    "term": ("1e-3 * r", "1e-2 * r", "loss.terms.extra: its code"),
    "optimiser": ("lr=0.01)", "lr=0.01, nesterov=False)", "optimizer: its code"),
    "schedule": ("0.9**k", "0.8**k", "scheduler"),
}


@pytest.mark.parametrize(("old", "new", "says"), MORE_CHANGES.values(), ids=MORE_CHANGES)
def test_whatever_a_script_is_made_of_is_compared(old, new, says, begun, tmp_path, monkeypatch):
    "Each change is refused, and named."
    folder, source = begun
    assert source.count(old) == 1
    path = tmp_path / "script.py"
    path.write_text(source.replace(old, new))
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    exec(compile(path.read_text().partition("if __name__")[0], str(path), "exec"), vars(module))
    with pytest.raises(ValueError, match="another run needs another folder") as caught:
        module.main(folder, 5, 4)
    assert f"train: {says}" in str(caught.value)


def test_what_a_class_fixes_belongs_to_a_recipe():
    "Numbers and quantities, whatever class they are fixed in."

    def fixing(**values):
        cls = type("Fixing", (mn.CenterOutReach,), {n: fixed(v) for n, v in values.items()} | {"__module__": "mine"})
        return recipe_of(cls())

    recipe = fixing(n_targets=4)
    assert recipe == fixing(n_targets=4)
    assert list(differences(recipe, fixing(n_targets=5), "task")) == [("task.n_targets", 4, 5)]
    muscles = [type("Slow", (mn.ReluMuscle,), {"tau_activation": fixed(t), "__module__": "mine"}) for t in (0.1, 0.2)]
    found = list(differences(*(recipe_of(cls()) for cls in muscles), "muscle"))
    assert found == [("muscle.tau_activation", 0.1, 0.2)]

"""Classes with an `__init__` of their own, and what was set later."""

import copy
import inspect
import json
import pickle

import pytest
import torch

import motornet_nb as mn
from motornet_nb.core.construction import fits, kept_arguments, own_arguments, takes_declared
from motornet_nb.core.model import from_config


def round_trip(model):
    return from_config(json.loads(json.dumps(model.to_config(), allow_nan=False)))


def law(gain):
    return lambda state, time, trial: gain * state.endpoint_velocity


class Passing(mn.RandomTargetReach):
    "Keeps its argument, and passes others on."

    def __init__(self, gain=1.0, **others):
        super().__init__(**others)
        self.gain = gain


class Fixing(mn.RandomTargetReach):
    "Keeps its argument, and fixes a parameter."

    def __init__(self, gain):
        super().__init__(n_test_trials=8)
        self.gain = gain


class OwnArm(mn.Effector):
    "A body that adds its muscle itself."

    def __init__(self, strength=100.0, **others):
        super().__init__(mn.TwoDofArm(), mn.ReluMuscle(), **others)
        self.strength = strength
        self.add_muscle([0, 1], [[-0.1, 0.02], [0.1, 0.01]], name="only", max_isometric_force=strength)


class Child(Passing):
    "Inherits from one, and has an argument more."

    def __init__(self, words=("a", "b"), **others):
        super().__init__(**others)
        self.words = words


class Leaky(mn.PolicyGRU):
    "A network that fixes its size."

    def __init__(self, n_inputs, n_actions, tau=0.1):
        super().__init__(n_inputs=n_inputs, n_units=4, n_actions=n_actions)
        self.tau = tau


OWN = {
    "Passing(gain=3.0)": Passing(3.0),
    "Passing()": Passing(1.0),
    "Passing(n_test_trials=5, gain=2)": Passing(2, n_test_trials=5),
    "Fixing(gain=4)": Fixing(4),
    "OwnArm()": OwnArm(),
    "OwnArm(timestep=0.005, strength=50.0)": OwnArm(50.0, timestep=0.005),
    "Child(n_test_trials=3, words=['c'], gain=[1, None])": Child(["c"], gain=[1, None], n_test_trials=3),
}


@pytest.mark.parametrize(("text", "model"), OWN.items(), ids=OWN)
def test_a_class_with_its_own_init_works_where_it_keeps_its_arguments(text, model):
    "Configuration, printed Python, copies, pickles, signature."
    again = round_trip(model)
    assert again == model and type(again) is type(model) and repr(model) == text
    assert eval(repr(model)) == model == model.replace()
    assert copy.deepcopy(model) == model == pickle.loads(pickle.dumps(model))
    assert "gain" in inspect.signature(type(model)).parameters or isinstance(model, OwnArm)


def test_arguments_of_an_own_init_belong_to_what_an_object_is():
    "They are compared, and replaced, with parameters and without."
    assert Passing(1) != Passing(50) and Passing(2) == Passing(2) and Passing(2) != Passing(2, n_test_trials=3)
    assert Passing(3.0).to_config()["gain"] == 3.0
    assert Passing(3.0).replace(gain=7) == Passing(7)
    assert Passing(2, n_test_trials=5).replace(gain=7) == Passing(7, n_test_trials=5)
    assert Passing(3.0).replace(n_test_trials=9) == Passing(3.0, n_test_trials=9)
    assert OwnArm(50.0).replace(timestep=0.02) == OwnArm(50.0, timestep=0.02)
    assert OwnArm().replace(strength=7.0).max_isometric_force.tolist() == [7.0]
    assert OwnArm(timestep=0.02).replace(strength=7.0) == OwnArm(7.0, timestep=0.02)
    net = Leaky(5, 3, tau=0.3)
    assert round_trip(net).to_config() == net.to_config() and round_trip(net).tau == 0.3
    assert repr(net) == "Leaky(n_inputs=5, n_actions=3, tau=0.3)" and net.replace(tau=0.9).tau == 0.9


def test_making_a_configuration_leaves_chance_as_it_is():
    "Though the object is made again, to see whether it can be."
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    net = Leaky(5, 3)
    state = torch.get_rng_state()
    net.to_config(), repr(net)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(3), expected)


class Forgetting(mn.RandomTargetReach):
    "Does not keep its argument."

    def __init__(self, gain):
        super().__init__()
        self.doubled = 2 * gain


class Doubling(mn.RandomTargetReach):
    "Keeps another value than it was given."

    def __init__(self, gain):
        super().__init__()
        self.gain = 2 * gain


DECLARE = r"declare .* in the class: {} = number\(1\.0, 'unit', 'what it is'\)"
REFUSED = {
    "an argument that is not kept": (
        lambda: Forgetting(3).to_config(),
        rf"Forgetting: what its __init__ got as gain is not known .* keep it \(self\.gain = gain\), or .*{DECLARE.format('gain')}",
    ),
    "and replaced": (lambda: Forgetting(3).replace(n_test_trials=3), DECLARE.format("gain")),
    "another value": (
        lambda: Doubling(3).to_config(),
        r"Doubling: its own __init__ does not give an object with gain = 6",
    ),
    "and replaced with": (lambda: Doubling(3).replace(gain=4), "does not give an object with gain = 6"),
    "what is fixed": (
        lambda: Fixing(3).replace(n_test_trials=9),
        r"Fixing: its own __init__ does not give an object with n_test_trials = 9; let it take n_test_trials",
    ),
    "unknown": (lambda: Passing(3).replace(colour=3), r"Passing has no argument 'colour' \(= 3\)"),
    "a function": (lambda: Passing(law(1.0)).to_config(), r"Passing\.gain = <function .* cannot be written"),
    "a tensor": (
        lambda: Passing(torch.ones(2)).to_config(),
        r"Passing\.gain = \[1\.0, 1\.0\] cannot be written .* declares: gain = quantity",
    ),
}


@pytest.mark.parametrize(("ask", "says"), REFUSED.values(), ids=REFUSED)
def test_an_own_init_that_cannot_be_repeated_is_refused_with_the_way_to_declare(ask, says):
    "In configurations and in `replace`; it can be compared and looked at all the same."
    with pytest.raises(TypeError, match=says):
        ask()
    assert Forgetting(3) == Forgetting(3) and Forgetting(3) != Forgetting(4) and repr(Forgetting(3)) == "Forgetting()"


def test_attributes_that_were_set_later_are_written_and_go_along():
    "Those that are no parameters, and that no `setup` makes."
    task = mn.DelayedReach()
    task.gain = 50
    assert task != mn.DelayedReach() and task.to_config()["set later"] == {"gain": 50}
    assert round_trip(task) == task and round_trip(task).gain == 50
    assert task.replace(catch_fraction=0.1).gain == 50
    assert "set later" not in mn.DelayedReach().to_config()
    task.gain = torch.ones(2)
    with pytest.raises(TypeError, match=r"DelayedReach\.gain = \[1\.0, 1\.0\] cannot be written"):
        task.to_config()
    with pytest.raises(ValueError, match="draw = 3 is not allowed; it must be no method of DelayedReach"):
        from_config(mn.DelayedReach().to_config() | {"set later": {"draw": 3}})


class Prepared(mn.RandomTargetReach):
    "Makes things in `setup`, and remembers others."

    def setup(self):
        super().setup()
        self.total, self.table, self._seen = 6, torch.arange(3.0), None

    def draw(self, *arguments):
        self._seen = torch.rand(2)
        return super().draw(*arguments)


def test_what_setup_makes_is_not_written():
    "Unless it was changed afterwards; what methods remember in private is never."
    task = Prepared()
    assert set(task.to_config()) == {"type", "n_test_trials", "loads"} and round_trip(task) == task
    mn.Environment(mn.ReluPointMass24(), task, duration=0.05).sample(2, 0)
    assert set(task.to_config()) == {"type", "n_test_trials", "loads"}
    task.total = 8
    assert task.to_config()["set later"] == {"total": 8} and round_trip(task).total == 8


def test_the_arguments_of_a_class():
    "Those of a user's `__init__`, and whether declared ones reach the class that declares them."
    assert own_arguments(mn.RandomTargetReach) is None and takes_declared(mn.RandomTargetReach)
    assert list(own_arguments(Passing)) == ["gain"] and takes_declared(Passing)
    assert list(own_arguments(Child)) == ["words", "gain"] and takes_declared(Child)
    assert list(own_arguments(Fixing)) == ["gain"] and not takes_declared(Fixing)
    assert kept_arguments(Child(["c"], gain=2)) == {"words": ["c"], "gain": 2}


@pytest.mark.parametrize(
    ("has", "wanted", "same"),
    [
        (1.0, 1, True),
        (1.0, None, True),
        ([1.0, 1.0], 1.0, True),
        ([1.0, 2.0], 1.0, False),
        ([1.0, 2.0], [1.0, 2.0, 3.0], False),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        ("a", "b", False),
    ],
)
def test_a_value_that_was_asked_for(has, wanted, same):
    "None leaves it free, one number is for all."
    assert fits(has, wanted) is same

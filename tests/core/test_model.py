"""Models: signatures, configurations, printed Python, precision and device."""

import copy
import importlib
import inspect
import json
import pickle

import pytest
import torch
from bodies import BODIES, MUSCLES, make_body
from examples import example, package_classes, package_names

import motornet_nb as mn
from motornet_nb.core.model import Model, from_config
from motornet_nb.core.parameters import choice, quantity
from motornet_nb.core.registry import type_name

CANNOT_BE_SAVED = {"FunctionLoad"}  # it holds a function


class Spring(Model):
    "A class of a user."

    stiffness = quantity(10.0, "N/m", "stiffness", above=0, source="a guess")
    rest = quantity(unit="m", description="rest length")
    kind = choice(("linear", "cubic"), "linear", "law")


class Stiffened(mn.RigidTendonHillMuscleThelen):
    "A muscle model of a user, with a parameter of its own."

    extra = quantity(1.5, "1", "factor on the force", above=0)

    def evaluate(self, c, activation, length, velocity):
        "The parent's state with a larger force."
        state = super().evaluate(c, activation, length, velocity)
        return state | {"force": state["force"] * self.extra}


class Ball(mn.PointMass):
    "A skeleton of a user."

    mass = mn.PointMass.mass.replace(default=0.4)


def round_trip(model):
    return from_config(json.loads(json.dumps(model.to_config(), allow_nan=False)))


def printed(model):
    return eval(repr(model), package_names() | {"Spring": Spring, "Stiffened": Stiffened, "Ball": Ball})


def prints_python(model) -> bool:
    return printed(model) == model


@pytest.mark.parametrize(
    "cls", [c for c in package_classes() if c.__name__ not in CANNOT_BE_SAVED], ids=lambda c: c.__name__
)
def test_every_class_survives_json_and_its_own_repr(cls):
    model = example(cls)
    for again in (round_trip(model), printed(model)):
        if list(model.parameters()):  # weights, which are drawn anew
            again.load_state_dict(model.state_dict())
        assert again == model and type(again) is cls


@pytest.mark.parametrize("name", BODIES)
def test_every_body_survives_json_and_its_own_repr(name):
    body = make_body(name, dtype=torch.float64, n_ministeps=2, integration_method="rk4", damping=0.1, name="mine")
    again = round_trip(body)
    assert again == body and prints_python(body)
    assert again.dtype == torch.float64 and again.integration_method == "rk4" and again.n_ministeps == 2
    joint_state = ((body.pos_lower_bound + body.pos_upper_bound) / 2).tolist()
    drive = torch.full((1, body.n_muscles), 0.3)
    for b in (body, again):
        b.reset(options={"joint_state": joint_state})
        b.step(drive)
    for key, value in body.states.items():
        assert torch.equal(value, again.states[key]), key


@pytest.mark.parametrize("muscle", MUSCLES)
def test_a_body_built_with_add_muscle_survives_json_and_its_own_repr(muscle):
    arm = mn.Effector(mn.TwoDofArm(m1=1.5), MUSCLES[muscle](), timestep=0.005, pos_upper_bound=[2.0, 2.5])
    arm.add_muscle([0, 1], [[-0.1, 0.02], [0.1, 0.01]], name="first", max_isometric_force=100.0)
    arm.add_muscle([0, 1, 2, 2], [[0.0, 0.1], [0.1, 0.02], [0.02, 0.03], [0.1, 0.0]], max_isometric_force=1 / 3)
    again = round_trip(arm)
    assert again == arm and prints_python(arm)
    assert again.muscle_names == ["first", "muscle 2"] and again.max_isometric_force.tolist() == [100.0, 1 / 3]
    assert again.geometry.n_muscles == 2


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"timestep": 0.02}, "timestep"),
        ({"damping": 0.5}, "damping"),
        ({"integration_method": "rk4"}, "integration_method"),
        ({"max_isometric_force": 7.0}, "muscle_parameters"),
        ({"skeleton": mn.TwoDofArm()}, "skeleton"),
        ({"pos_upper_bound": 2.0}, "pos_upper_bound"),
        ({"muscle": mn.RigidTendonHillMuscleThelen(tau_activation=0.02)}, "muscle"),
    ],
)
def test_a_configuration_says_everything_that_differs(changed, key):
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    other = arm.replace(**changed)
    assert other != arm and arm == arm.replace()
    different = {k for k in arm.to_config() if arm.to_config()[k] != other.to_config()[k]}
    assert different == {key}


def test_a_configuration_holds_the_gradient_tensor_as_numbers():
    strength = torch.full((6,), 500.0, requires_grad=True)
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), max_isometric_force=strength)
    assert arm.to_config()["muscle_parameters"]["max_isometric_force"] == [500.0] * 6
    assert round_trip(arm) == arm and prints_python(arm)


@pytest.mark.parametrize("model", [Spring(rest=0.1), Spring(1 / 3, 2.5, kind="cubic")], ids=repr)
def test_a_class_of_a_user_survives_json_and_its_own_repr(model):
    assert model.to_config()["type"] == f"{__name__}.Spring" == type_name(Spring)
    assert round_trip(model) == model and prints_python(model)


def test_a_users_muscle_and_skeleton_work_inside_a_body():
    body = mn.FreePointMass24(skeleton=Ball(), muscle=Stiffened(extra=2.0), optimal_muscle_length=0.3)
    again = round_trip(body)
    assert again == body and prints_python(body)
    assert isinstance(again.muscle, Stiffened) and isinstance(again.skeleton, Ball)
    assert again.muscle.extra.item() == 2.0 and again.skeleton.mass.item() == 0.4
    plain = mn.FreePointMass24(muscle=mn.RigidTendonHillMuscleThelen(), optimal_muscle_length=0.3)
    for b in (again, plain):
        b.reset(options={"joint_state": [0.0, 0.0]})
        b.step([1.0, 0, 0, 0])
    assert torch.allclose(again.states["muscle"][0, -1], 2 * plain.states["muscle"][0, -1])


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (None, "config = None"),
        ([], "config = []"),
        ({}, "config = {}"),
        ({"m1": 1.0}, "config = {'m1': 1.0}"),
        ({"type": "PointMass", 1: 2}, "config = "),
        ({"type": "NoSuchClass"}, "type = 'NoSuchClass'"),
        ({"type": "os.system"}, "type = 'os.system'"),
        ({"type": "Model"}, "type = 'Model'"),
        ({"type": ["PointMass"]}, "type = ['PointMass']"),
        ({"type": None}, "type = None"),
        ({"type": "Effector", "skeleton": {"type": "Wheelbarrow"}}, "type = 'Wheelbarrow'"),
    ],
)
def test_only_configurations_of_known_classes_are_rebuilt(config, named):
    with pytest.raises(ValueError, match="from_config") as caught:
        from_config(config)
    assert named in str(caught.value) and "it must be" in str(caught.value)


def test_an_unknown_class_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"CompliantTendonArm26.*PointMass.*TwoDofArm"):
        from_config({"type": "Arm"})


def test_unknown_and_wrong_arguments_in_a_configuration_are_refused():
    config = mn.TwoDofArm().to_config()
    with pytest.raises(TypeError, match=r"TwoDofArm has no argument 'm3' \(= 1.0\); it has m1, m2"):
        from_config(config | {"m3": 1.0})
    with pytest.raises(ValueError, match=r"TwoDofArm: m1 = -1.0 is not allowed"):
        from_config(config | {"m1": -1.0})


def test_arguments_can_be_given_by_position_required_ones_first():
    assert Spring(0.1, 5.0) == Spring(rest=0.1, stiffness=5.0)
    assert list(inspect.signature(Spring).parameters) == ["rest", "stiffness", "kind"]
    with pytest.raises(TypeError, match=r"Spring needs rest \(rest length; a finite number\)"):
        Spring()
    with pytest.raises(TypeError, match=r"Spring got 'rest' twice, as 1.0 and 2.0"):
        Spring(1.0, rest=2.0)
    with pytest.raises(TypeError, match="Spring takes at most 3 arguments"):
        Spring(1.0, 2.0, "linear", 4)


def test_replace_makes_another_object_and_leaves_the_first():
    spring = Spring(rest=0.1)
    other = spring.replace(kind="cubic")
    assert (spring.kind, other.kind) == ("linear", "cubic") and other.rest == spring.rest
    with pytest.raises(ValueError, match="kind = 'square'"):
        spring.replace(kind="square")
    with pytest.raises(TypeError, match="no argument 'colour'"):
        spring.replace(colour="red")


def test_equality_is_by_value_and_type():
    assert mn.PointMass() == mn.PointMass() and mn.PointMass() != mn.PointMass(mass=2.0)
    assert mn.PointMass(mass=0.4) != Ball()
    assert mn.PointMass() != "PointMass" and len({mn.PointMass(), mn.PointMass()}) == 2


def test_equality_is_of_everything_an_object_is():
    "Weights bit for bit, own settings, what functions close over; not of where it is computed and of what it remembers."
    nets = [mn.PolicyGRU(3, 4, 2) for _ in range(2)]
    assert nets[0] != nets[1] and copy.deepcopy(nets[0]) == nets[0]
    nets[1].load_state_dict(nets[0].state_dict())
    assert nets[0] == nets[1] and nets[0] != copy.deepcopy(nets[0]).double()
    with torch.no_grad():
        nets[1].bias_ih[0] = torch.nextafter(nets[1].bias_ih[0], torch.tensor(1.0))
    assert nets[0] != nets[1]
    for weights in nets:
        with torch.no_grad():
            weights.bias_ih.fill_(torch.nan)
    assert nets[0] == nets[1]
    nets[1].output = torch.nn.Sequential(nets[1].output, torch.nn.Dropout(0.1))
    assert nets[0] != nets[1]


def law(gain):
    return lambda state, time, trial: gain * state.endpoint_velocity


def test_models_with_functions_are_equal_where_the_functions_are():
    "In their code and in what they close over."
    one, same, other = (mn.RandomTargetReach(loads=[law(gain)]) for gain in (1.0, 1.0, 2.0))
    assert one == same and one != other
    assert mn.ReachLoss().add("mine", len) == mn.ReachLoss().add("mine", len)
    assert mn.ReachLoss().add("mine", len) != mn.ReachLoss().add("mine", abs)


def test_a_body_that_has_moved_is_the_same_body():
    "Its state, and its chance, are no part of what it is."
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    other = copy.deepcopy(arm)
    arm.reset(seed=3)
    arm.step([0.1] * 6)
    assert arm == other and arm.replace() == other


def test_defaults_are_not_shared_between_objects():
    a, b = mn.ReluPointMass24(), mn.ReluPointMass24()
    assert a.skeleton is not b.skeleton and a.muscle is not b.muscle and a.geometry is not b.geometry


def test_quantities_stay_exact_whatever_precision_is_asked_for():
    spring = Spring(rest=0.1).float().half().double()
    assert spring.rest.dtype == torch.float64 and spring.rest.item() == 0.1


def test_models_can_be_copied_and_pickled():
    for model in (Spring(rest=0.1), mn.ReluPointMass24(dtype=torch.float64), mn.geometric_arm26()):
        assert copy.deepcopy(model) == model
        assert pickle.loads(pickle.dumps(model)) == model


def test_state_dict_restores_the_quantities():
    spring = Spring(rest=0.1)
    other = Spring(rest=0.9, stiffness=3.0)
    other.load_state_dict(spring.state_dict())
    assert other == spring


def test_every_declaration_of_the_package_is_documented():
    for cls in package_classes():
        for name, p in cls.declarations.items():
            assert p.description, f"{cls.__name__}.{name} has no description"
            assert p.allowed, f"{cls.__name__}.{name} does not say what is allowed"
            assert inspect.getdoc(cls), f"{cls.__name__} has no docstring"


def test_public_names_can_be_imported_from_the_package():
    for name in ("Effector", "TwoDofArm", "PathGeometry", "from_config", "geometric_arm26"):
        assert getattr(mn, name) is getattr(importlib.import_module(getattr(mn, name).__module__), name)

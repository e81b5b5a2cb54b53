"""Wrong arguments are refused in words: which argument, what value came in, what is allowed."""

import json
import math
from typing import Annotated, Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from bodies import MUSCLES
from examples import arguments_for, package_classes
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import motornet_nb as mn
from motornet_nb.core.checks import describe, refuse
from motornet_nb.core.model import from_config
from motornet_nb.core.parameters import Parameter

FEW = settings(max_examples=8, deadline=None, derandomize=True, database=None)
SOME = settings(max_examples=30, deadline=None, derandomize=True, database=None)


def refused(call, *named, error=(ValueError, TypeError)):
    "The message with which a call is refused; it names what it should."
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) in (ValueError, TypeError), f"{type(caught.value).__name__}: {message}"
    for words in named:
        assert words in message, f"{words!r} is not in {message!r}"
    return message


# ---- wrong values for every kind of declaration -----------------------------------------------------------------------

#: wrong for whatever is declared
NEVER = st.sampled_from([object(), 1j, b"bytes", math.nan, {1.5: None}, np.array([1j]), torch.tensor(1j)])
NO_NUMBER = st.one_of(
    NEVER,
    st.sampled_from([math.inf, -math.inf, True, False, [True], ["1"], 10**400, np.datetime64("2020"), {}, [None]]),
    st.text(max_size=5),
)


def kind_of(p: Parameter) -> str:
    "What was declared: number, count, choice, flag, text or structure."
    base = get_args(p.annotation)[0] if get_origin(p.annotation) is Annotated else p.annotation
    if get_origin(p.annotation) is Literal:
        return "choice"
    if base in (int, bool, str):
        return {int: "count", bool: "flag", str: "text"}[base]
    return "number" if p.limits else "structure"


def outside(limits) -> list:
    "Strategies for numbers beyond the declared limits."
    beyond = []
    if limits.get("above") is not None:
        beyond.append(st.floats(-1e6, limits["above"]))
    if limits.get("at_least") is not None:
        beyond.append(st.floats(-1e6, limits["at_least"], exclude_max=True))
    if limits.get("below") is not None:
        beyond.append(st.floats(limits["below"], 1e6))
    if limits.get("at_most") is not None:
        beyond.append(st.floats(limits["at_most"], 1e6, exclude_min=True))
    return beyond


def wrong_axes(allowed: str) -> list:
    "Strategies for numbers with another number of axes than declared."
    if allowed.startswith("a finite number"):
        return [st.lists(st.just(1.0), min_size=1, max_size=3)]
    if allowed.startswith("a list of finite numbers"):
        return [st.just(1.0), st.just([[1.0]])]
    if allowed.startswith("a table of finite numbers"):
        return [st.just(1.0), st.just([1.0]), st.just([[[1.0]]])]
    return []


def wrong_values(p: Parameter) -> st.SearchStrategy:
    "Values that a declaration must refuse."
    kind = kind_of(p)
    if kind == "number":
        lists = [s.map(lambda x: [x]) for s in outside(p.limits)]
        tensors = [s.map(lambda x: torch.tensor(x, dtype=torch.float64)) for s in outside(p.limits)]
        none = [] if p.allowed.endswith("(or None)") else [st.none()]
        return st.one_of(NO_NUMBER, *none, *outside(p.limits), *lists, *tensors, *wrong_axes(p.allowed))
    if kind == "count":
        return st.one_of(NO_NUMBER, st.none(), st.floats(), st.integers(-100, int(p.limits["at_least"]) - 1))
    if kind == "choice":
        options = get_args(p.annotation)
        return st.one_of(NEVER, st.none(), st.integers(), st.text(max_size=8).filter(lambda x: x not in options))
    if kind == "flag":
        return st.one_of(NEVER, st.none(), st.integers(), st.text(max_size=5))
    if kind == "text":
        return st.one_of(NEVER, st.none(), st.just(""), st.integers(), st.lists(st.text(max_size=2)))
    return NEVER


EVERY_PARAMETER = [(cls, name) for cls in package_classes() for name in cls.declarations]


def test_there_are_classes_with_declarations_of_every_kind_to_check():
    kinds = {kind_of(cls.declarations[name]) for cls, name in EVERY_PARAMETER}
    assert {"number", "count", "choice", "flag", "text", "structure"} <= kinds and len(EVERY_PARAMETER) > 100


@pytest.mark.parametrize(("cls", "name"), EVERY_PARAMETER, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_every_parameter_of_every_class_refuses_wrong_values_in_words(cls, name):
    p, others = cls.declarations[name], arguments_for(cls)

    @FEW
    @given(wrong_values(p))
    def check(value):
        message = refused(lambda: cls(**others | {name: value}), p.allowed, "must be")
        assert message.startswith(f"{cls.__name__}: {name} = {describe(value)} is not allowed"), message

    check()


@pytest.mark.parametrize("cls", package_classes(), ids=lambda c: c.__name__)
def test_every_class_refuses_unknown_and_missing_arguments(cls):
    known = arguments_for(cls)
    message = refused(lambda: cls(**known, no_such_argument=0.5), "no_such_argument", "0.5", error=TypeError)
    assert all(name in message for name in cls.declarations)
    required = [name for name, p in cls.declarations.items() if p.required]
    if required:
        message = refused(cls, *required, error=TypeError)
        assert all(cls.declarations[name].allowed in message for name in required)
    refused(lambda: cls(*range(100, 200)), "at most", "got 100", error=TypeError)


@pytest.mark.parametrize("muscle", MUSCLES)
@SOME
@given(data=st.data())
def test_parameters_of_single_muscles_refuse_wrong_values_in_words(muscle, data):
    name = data.draw(st.sampled_from(sorted(MUSCLES[muscle].muscle_declarations)))
    p = MUSCLES[muscle].muscle_declarations[name]
    value = data.draw(st.one_of(NO_NUMBER, *outside(p.limits)))
    for call in (
        lambda: mn.FreePointMass24(muscle=MUSCLES[muscle](), **{name: value}),
        lambda: mn.FreePointMass24(muscle=MUSCLES[muscle](), muscle_parameters={name: value}),
        lambda: mn.Effector(mn.PointMass(), MUSCLES[muscle]()).add_muscle([0, 1], [[1, 0], [0, 0]], **{name: value}),
    ):
        refused(call, f"{name} = {describe(value)} is not allowed; it must be", p.allowed)


@SOME
@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=3))
def test_parameters_of_muscles_must_be_one_or_as_many_as_muscles(shape):
    assume(shape not in ([1], [6]))
    value = np.ones(shape)
    refused(
        lambda: mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen(), max_isometric_force=value),
        f"max_isometric_force = {describe(value)}",
        "one number, or one for each of the 6 muscles",
    )


# ---- what is given to a body that exists ------------------------------------------------------------------------------


def body():
    "An arm with a batch of three."
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    arm.reset(seed=0, options={"batch_size": 3})
    return arm


SHAPES = st.lists(st.integers(0, 8), max_size=3)


@SOME
@given(shape=SHAPES)
def test_actions_and_loads_of_wrong_shape_are_refused(shape):
    arm, value = body(), np.zeros(shape)
    for name, size in (("action", 6), ("endpoint_load", 2), ("joint_load", 2)):
        if shape in ([size], [1, size], [3, size]):
            continue
        call = {"action": [0.1] * 6} | {name: value}
        for given_value in (value, torch.from_numpy(value)):
            refused(
                lambda c=call | {name: given_value}: arm.step(**c),
                f"RigidTendonArm26: {name} = {describe(given_value)} is not allowed",
                f"it must be finite numbers of shape (3, {size}) or ({size},)",
            )


@SOME
@given(name=st.sampled_from(["action", "endpoint_load", "joint_load"]), value=NO_NUMBER, row=st.integers(0, 2))
def test_actions_and_loads_that_are_no_finite_numbers_are_refused(name, value, row):
    arm, call = body(), {"action": [0.1] * 6}
    refused(lambda: arm.step(**call | {name: value}), f"{name} = {describe(value)} is not allowed")
    rows = torch.zeros(3, 6 if name == "action" else 2)
    for bad in (math.nan, math.inf):
        rows[row, 1] = bad
        refused(lambda: arm.step(**call | {name: rows}), f"{name} = ", "finite numbers")
    refused(lambda: arm.step(**call | {name: rows.to(torch.complex64)}), f"{name} = ", "finite numbers")
    refused(lambda: arm.step(**call | {name: rows.isnan()}), f"{name} = ", "finite numbers")


def test_a_refused_step_leaves_the_state_as_it_was():
    arm = body()
    before = arm.states
    refused(lambda: arm.step([0.1] * 5))
    refused(lambda: arm.step([0.1] * 6, joint_load=[math.nan, 0.0]))
    assert all(torch.equal(v, arm.states[k]) for k, v in before.items())


@SOME
@given(shape=SHAPES, size=st.sampled_from([None, 1, 3]))
def test_joint_states_of_wrong_shape_are_refused(shape, size):
    fits = (
        len(shape) in (1, 2)
        and shape[-1] in (2, 4)
        and (len(shape) == 1 or shape[0] in ({1, size} if size else range(1, 9)))
    )
    assume(not fits)
    value = np.full(shape, 0.5)
    for call in (
        lambda: body().reset(options={"joint_state": value, "batch_size": size}),
        lambda: body().as_joint_state(value, size, "RigidTendonArm26"),
    ):
        refused(call, f"RigidTendonArm26: joint_state = {describe(value)} is not allowed; it must be")


@SOME
@given(value=NO_NUMBER)
def test_joint_states_that_are_no_finite_numbers_are_refused(value):
    for given_value in (value, [0.5, value] if not isinstance(value, np.ndarray | torch.Tensor) else value):
        refused(
            lambda v=given_value: body().reset(options={"joint_state": v}), f"joint_state = {describe(given_value)}"
        )


@SOME
@given(joint=st.integers(0, 1), beyond=st.floats(1e-4, 1e3), below=st.booleans(), row=st.integers(0, 2))
def test_joint_states_beyond_the_limits_are_refused(joint, beyond, below, row):
    arm = body()
    state = np.full((3, 2), 0.5)
    limit = (arm.pos_lower_bound if below else arm.pos_upper_bound)[joint].item()
    state[row, joint] = limit - beyond if below else limit + beyond
    message = refused(lambda: arm.reset(options={"joint_state": state}), f"joint_state = {describe(state)}", "within")
    assert describe(arm.pos_lower_bound) in message and describe(arm.pos_upper_bound) in message
    state = np.full((3, 4), 0.5)
    state[row, 2 + joint] = -1000.1 - beyond if below else 1000.1 + beyond
    message = refused(lambda: arm.reset(options={"joint_state": state}), f"joint_state = {describe(state)}")
    assert "within the velocity limits [-1000.0, -1000.0] to [1000.0, 1000.0]" in message


@SOME
@given(seed=st.one_of(NO_NUMBER, st.integers(max_value=-1), st.integers(min_value=2**63), st.floats()))
def test_seeds_must_be_whole_numbers(seed):
    refused(lambda: body().reset(seed=seed), f"Effector.reset: seed = {describe(seed)}", "a whole number, at least 0")


@SOME
@given(size=st.one_of(NO_NUMBER, st.integers(max_value=0), st.floats()))
def test_batch_sizes_must_be_whole_numbers_from_one(size):
    assume(type(size) is not int or size < 1)
    message = refused(lambda: body().reset(options={"batch_size": size}), "a whole number, at least 1")
    assert f"Effector.reset: batch_size = {describe(size)} is not allowed" in message


@SOME
@given(options=st.one_of(st.text(), st.integers(), st.lists(st.integers()), st.booleans()))
def test_options_must_be_a_dict(options):
    refused(
        lambda: body().reset(options=options), f"options = {describe(options)}", "a dict with batch_size, joint_state"
    )


@SOME
@given(name=st.text(max_size=12).filter(lambda x: x not in ("batch_size", "joint_state")))
def test_unknown_options_are_refused(name):
    options = {name: 1}
    refused(lambda: body().reset(options=options), f"options = {describe(options)}", "only batch_size, joint_state")


@SOME
@given(
    lower=st.floats(-10, 10),
    gap=st.floats(0, 10),
    joint=st.integers(0, 1),
    cls=st.sampled_from([mn.Reacher, mn.CompliantTendonArm26]),
)
def test_limits_that_cross_are_refused(lower, gap, joint, cls):
    low, high = [-20.0, -20.0], [20.0, 20.0]
    low[joint], high[joint] = lower, lower - gap
    message = refused(
        lambda: cls(pos_lower_bound=low, pos_upper_bound=high), f"{cls.__name__}: pos_lower_bound = {low}"
    )
    assert f"below pos_upper_bound = {high}" in message


# ---- muscles that are added -------------------------------------------------------------------------------------------


def ball():
    "A point mass with one muscle."
    return mn.Effector(mn.PointMass(), mn.ReluMuscle()).add_muscle([0, 1], [[1.0, 0.0], [0.0, 0.0]], name="taken")


@SOME
@given(n_bodies=st.integers(0, 4), n_points=st.integers(0, 4), dimension=st.integers(1, 4))
def test_paths_need_two_points_a_body_each_and_the_dimension_of_space(n_bodies, n_points, dimension):
    assume(not (n_bodies == n_points >= 2 and dimension == 2))
    bodies, points = [0] * n_bodies, np.ones((n_points, dimension)).tolist()
    message = refused(lambda: ball().add_muscle(bodies, points), "add_muscle: ", "it must be")
    assert "path_fixation_body = " in message or "path_coordinates = " in message
    named = [describe(x) for x in (bodies, points, torch.tensor(points))]
    assert any(words in message for words in named)


@SOME
@given(value=st.one_of(NO_NUMBER, st.floats(), st.none(), st.lists(st.floats(0, 1), min_size=2, max_size=2)))
def test_bodies_of_a_path_must_be_whole_numbers(value):
    points = [[1.0, 0.0], [0.0, 0.0]]
    for given_value in (value, [0, value]):
        message = refused(lambda v=given_value: ball().add_muscle(v, points), "path_fixation_body = ")
        assert describe(given_value) in message and "it must be" in message


@SOME
@given(body_number=st.one_of(st.integers(-100, -1), st.integers(2, 100)), place=st.integers(0, 1))
def test_bodies_of_a_path_must_exist(body_number, place):
    bodies = [0, 1]
    bodies[place] = body_number
    call = lambda: ball().add_muscle(bodies, [[1.0, 0.0], [0.0, 0.0]])  # noqa: E731
    refused(call, f"path_fixation_body = {bodies}", "0 (world), 1 (point mass)")


@SOME
@given(value=st.one_of(NO_NUMBER, st.none()))
def test_points_of_a_path_must_be_finite_numbers(value):
    assume(not isinstance(value, np.ndarray | torch.Tensor))
    for given_value in (value, [[1.0, 0.0], [0.0, value]]):
        refused(
            lambda v=given_value: ball().add_muscle([0, 1], v),
            f"add_muscle: path_coordinates = {describe(given_value)} is not allowed",
            "a table of finite numbers (m) with one row a point",
        )


@SOME
@given(name=st.one_of(st.just(""), st.just("taken"), st.integers(), st.floats(), st.binary(), st.lists(st.text())))
def test_names_of_muscles_must_be_new(name):
    message = refused(lambda: ball().add_muscle([0, 1], [[1, 0], [0, 0]], name=name), "a name not taken yet (taken)")
    assert f"add_muscle: name = {describe(name)} is not allowed" in message


@SOME
@given(name=st.sampled_from(["strength", "max_force", "tendon_length", "Max_isometric_force"]))
def test_unknown_parameters_of_muscles_are_refused(name):
    call = lambda: ball().add_muscle([0, 1], [[1, 0], [0, 0]], **{name: 0.5})  # noqa: E731
    refused(call, f"'{name}' (= 0.5)", "it has max_isometric_force", error=TypeError)


# ---- configurations and changes ---------------------------------------------------------------------------------------


@SOME
@given(config=st.one_of(NO_NUMBER, st.none(), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)))
def test_what_is_no_configuration_is_refused(config):
    assume(not (isinstance(config, dict) and "type" in config))
    refused(lambda: from_config(config), f"from_config: config = {describe(config)}", "a dict with a 'type'")


@SOME
@given(name=st.one_of(NO_NUMBER, st.none(), st.lists(st.text())))
def test_configurations_of_unknown_classes_are_refused(name):
    refused(lambda: from_config({"type": name}), f"from_config: type = {describe(name)}", "PointMass", "TwoDofArm")


@pytest.mark.parametrize("cls", package_classes(), ids=lambda c: c.__name__)
def test_replacing_by_a_wrong_value_is_refused_like_constructing_with_it(cls):
    model = cls(**arguments_for(cls))
    nonsense = object()
    for name, p in cls.declarations.items():
        refused(
            lambda n=name: model.replace(**{n: nonsense}), f"{cls.__name__}: {name} = {describe(nonsense)}", p.allowed
        )
    refused(lambda: model.replace(no_such_argument=1), "no_such_argument", error=TypeError)


def test_the_value_in_a_message_stays_readable():
    huge = np.zeros((200, 300))
    message = refused(lambda: mn.TwoDofArm(m1=huge), "m1 = array of shape (200, 300)")
    assert len(message) < 200
    assert len(str(refuse("x", "y", ["long"] * 1000, "z"))) < 200


@pytest.mark.parametrize("one", [np.int64, np.uint8, np.int32, np.asarray, torch.tensor])
def test_whole_numbers_of_other_libraries(one):
    "Are stored as Python's own; truth values and fractions are no whole numbers."
    made = {
        "task": mn.CenterOutReach(n_targets=one(4)),
        "policy": mn.PolicyGRU(one(3), one(4), one(5)),
        "environment": mn.Environment(
            mn.ReluPointMass24(), mn.RandomTargetReach(), duration=0.1, action_stacking=one(2)
        ),
        "effector": mn.ReluPointMass24(n_ministeps=one(2)),
    }
    plain = {
        "task": mn.CenterOutReach(n_targets=4),
        "policy": mn.PolicyGRU(3, 4, 5),
        "environment": mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach(), duration=0.1, action_stacking=2),
        "effector": mn.ReluPointMass24(n_ministeps=2),
    }
    for name, model in made.items():
        assert json.dumps(model.to_config()) == json.dumps(plain[name].to_config())
        assert repr(model) == repr(plain[name])
    env = plain["environment"]
    assert len(env.sample(one(3), one(1))) == 3
    ds = mn.simulate(mn.PolicyGRU(env.n_observations, 3, 4), env, n=one(2), seed=one(1))
    assert ds.sizes["trial"] == 2 and type(ds.attrs["seed"]) is int
    assert mn.Streams(one(1), one(2)) == mn.Streams(1, 2) and type(mn.Streams(one(1)).seed) is int
    body = mn.ReluPointMass24()
    first = body.reset(seed=one(1), options={"batch_size": one(2)})["joint"]
    assert torch.equal(first, body.reset(seed=1, options={"batch_size": 2})["joint"])
    for wrong in (np.bool_(True), torch.tensor(True), np.float64(2), torch.tensor(2.0), np.array([2])):
        refused(lambda wrong=wrong: env.sample(wrong), "n = ", "whole number")
        refused(lambda wrong=wrong: mn.Streams(wrong), "seed = ", "whole number")
        refused(lambda wrong=wrong: mn.CenterOutReach(n_targets=wrong), "n_targets", "whole number")


def test_numbers_in_single_precision_mean_what_they_print_as():
    "A plain number, such as a duration, is the decimal one; physical quantities are taken as they are."
    env = mn.Environment(
        mn.ReluPointMass24(timestep=np.float32(0.01)),
        mn.RandomTargetReach(),
        duration=np.float32(1.1),
        vision_delay=np.float16(0.05),
    )
    assert (env.duration, env.vision_delay, env.timestep, env.n_steps) == (1.1, 0.05, 0.01, 110)
    assert mn.PolicyGRU(3, 4, 5, hidden_noise=np.float32(0.1)).hidden_noise == 0.1


def test_sweeps_over_numbers_of_numpy():
    "In whatever takes numbers from a user: figures, grids, curves, learning from rewards."
    body, env = mn.ReluPointMass24(), mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach(), duration=0.1)
    drift = mn.analysis.passive_drift(body, duration=np.float32(0.02), n=np.int64(3))
    assert drift.equals(mn.analysis.passive_drift(body, duration=0.02, n=3))
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    curve = mn.statics.force_velocity(arm, length=np.float32(1.1), n=np.int32(5))
    assert curve.equals(mn.statics.force_velocity(arm, length=1.1, n=5))
    for wrong in (True, 1, -5, 2.5, "5"):
        refused(lambda wrong=wrong: mn.statics.force_velocity(arm, n=wrong), "force_velocity: n = ")
        refused(lambda wrong=wrong: mn.statics.force_length(arm, n=wrong), "force_length: n = ")
    refused(lambda: mn.statics.force_velocity(arm, length=True), "length = True")
    ds = mn.simulate(mn.PolicyGRU(env.n_observations, 3, 4), env, n=2)
    mn.animation.animation(ds, trials=np.array([1]), speed=np.float32(0.5))
    refused(lambda: mn.animation.animation(ds, speed=np.bool_(True)), "speed = ")
    single, many = (
        mn.reinforcement.ReachEnv(env),
        mn.reinforcement.ReachVectorEnv(env, np.int64(2), max_episode_steps=np.int64(3)),
    )
    for world in (single, many):
        first, _ = world.reset(seed=np.int64(4))
        again, _ = world.reset(seed=4)
        assert np.array_equal(first, again)
        refused(lambda world=world: world.reset(seed=-1), "seed = -1", "at least 0")


def test_truth_values_of_numpy_in_a_declaration():
    "Become Python's own."

    class Switched(mn.Task):
        on = mn.parameters.flag(False, "a switch")

    assert Switched(on=np.bool_(True)).on is True and Switched(on=torch.tensor(True)).on is True
    for wrong in (1, "yes", None, np.int64(1)):
        refused(lambda wrong=wrong: Switched(on=wrong), "on = ", "True or False")


@pytest.mark.parametrize("wrong", [5, None, mn.RandomTargetReach(), mn.Environment])
def test_what_is_no_environment(wrong):
    "Named before anything is computed, and so is what is no network."
    net = mn.PolicyGRU(12, 3, 4)
    env = mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach(), duration=0.1)
    for call in (mn.play, mn.simulate, mn.train):
        refused(lambda call=call: call(net, wrong), "environment = ", "an Environment", error=TypeError)
        refused(lambda call=call: call(env, net), "environment = PolicyGRU", "an Environment", error=TypeError)
    refused(lambda: mn.simulate(mn.PolicyGRU, env), "policy = ", "an object and not its class", error=TypeError)

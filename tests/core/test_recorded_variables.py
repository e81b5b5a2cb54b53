"""What classes of one's own add to what is recorded: declared in the class, the same with every engine."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from worlds import Perceptron, PolicyLSTM, network

import motornet_nb as mn
from motornet_nb.core.parameters import quantity

TAU_FATIGUE, TAU_RECOVERY = 0.2, 0.5


class FatiguingMuscle(mn.ReluMuscle):
    "Loses force while it is active; works with both methods of integration."

    tau_fatigue = quantity(TAU_FATIGUE, "s", "time constant of fatigue", above=0)

    integrated = (*mn.ReluMuscle.integrated, "fatigue")
    recorded = {"fatigue": ("muscle", "1", "share of force lost to fatigue")}

    def coefficients(self, muscles):
        return super().coefficients(muscles) | {"tau_fatigue": self.tau_fatigue}

    def fatigue_rate(self, c, state):
        a, f = state["activation"], state["fatigue"]
        return a * (1 - f) / c["tau_fatigue"] - (1 - a) * f / TAU_RECOVERY

    def weakened(self, state, fatigue):
        return state | {"fatigue": fatigue, "force": state["force"] * (1 - fatigue)}

    def initial_state(self, c, length, velocity):
        return self.weakened(super().initial_state(c, length, velocity), torch.zeros_like(length))

    def advance(self, c, state, drive, length, velocity, h):
        fatigue = state["fatigue"] + h * self.fatigue_rate(c, state)
        return self.weakened(super().advance(c, state, drive, length, velocity, h), fatigue)

    def rates(self, c, state, drive, length, velocity):
        return super().rates(c, state, drive, length, velocity) | {"fatigue": self.fatigue_rate(c, state)}

    def outputs(self, c, state, length, velocity):
        return self.weakened(super().outputs(c, state, length, velocity), state["fatigue"])


class Adapting(nn.Module):
    "A network whose hidden state is a dict, and that records a size and a dimension of its own."

    recorded = {
        "adaptation": ("unit", "1", "adaptation of the unit"),
        "mean_rate": mn.RecordedVariable("population", "1/s", labels={"population": ("first", "second")}),
        "context": mn.RecordedVariable("context_element", labels={"context_element": None}),
    }

    def __init__(self, n_inputs, n_actions, n_units=6):
        super().__init__()
        self.cell, self.readout, self.n_units = nn.GRUCell(n_inputs, n_units), nn.Linear(n_units, n_actions), n_units

    def init_hidden(self, batch_size):
        zeros = self.readout.weight.new_zeros
        return {
            "rate": zeros(batch_size, self.n_units),
            "adaptation": zeros(batch_size, self.n_units),
            "mean_rate": zeros(batch_size, 2),
            "context": zeros(batch_size, 3),
        }

    def forward(self, observation, hidden):
        rate = self.cell(observation, hidden["rate"] - hidden["adaptation"])
        adaptation = hidden["adaptation"] + (rate - hidden["adaptation"]) / 20
        mean = rate.unflatten(-1, (2, -1)).mean(-1)
        new = {"rate": rate, "adaptation": adaptation, "mean_rate": mean, "context": observation[:, :3] * 1.0}
        return torch.sigmoid(self.readout(rate)), new


class Named(NamedTuple):
    rate: torch.Tensor
    trace: torch.Tensor


class WithNamedTuple(nn.Module):
    recorded = {"trace": ("unit", "1", "trace of the rate")}

    def __init__(self, n_inputs, n_actions, n_units=6):
        super().__init__()
        self.cell, self.readout, self.n_units = nn.GRUCell(n_inputs, n_units), nn.Linear(n_units, n_actions), n_units

    def init_hidden(self, batch_size):
        zeros = self.readout.weight.new_zeros(batch_size, self.n_units)
        return Named(zeros, zeros)

    def forward(self, observation, hidden):
        rate = self.cell(observation, hidden.rate)
        return torch.sigmoid(self.readout(rate)), Named(rate, 0.5 * hidden.trace + rate)


class RecordedLSTM(PolicyLSTM):
    recorded = {"cell_state": mn.RecordedVariable("unit", "1", "state of the memory cell", entry=1)}


class Powerful(mn.Environment):
    recorded = {"muscle_power": ("muscle", "W", "power of the muscle"), "power": ((), "W", "power of all muscles")}

    def advance(self, constants, state, action, inputs):
        state, outputs = super().advance(constants, state, action, inputs)
        power = -outputs["muscle_force"] * outputs["musculotendon_velocity"]
        return state, outputs | {"muscle_power": power, "power": power.sum(-1)}


class Wind(mn.ConstantLoad):
    recorded_as = "wind"


class Drag(mn.Load):
    depends_on_motion = True
    acts_on = "joint"
    recorded_as = "drag"

    def force(self, motion, time, drawn):
        return -2.0 * motion.joint_velocity


def body(kind=mn.ReluPointMass24, **arguments):
    return kind(muscle=FatiguingMuscle(), **arguments)


def world(kind=mn.Environment, effector=None, loads=(), duration=0.1, **arguments):
    task = mn.CenterOutReach(n_targets=4, go_time=0.02, loads=list(loads))
    return kind(body() if effector is None else effector, task, duration=duration, **arguments)


def check_all_engines(net, env, names, engines=("eager", "fused")):
    "Every engine records the same numbers; returns the eager one's Dataset."
    want, *others = [mn.simulate(net, env, seed=1, engine=engine) for engine in engines]
    for got in others:
        assert set(got.variables) == set(want.variables)
        for name in names:
            assert got[name].dims == want[name].dims and got[name].attrs == want[name].attrs
            np.testing.assert_allclose(got[name], want[name], rtol=2e-5, atol=2e-5, err_msg=name)
    return want


# ---- muscles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_the_state_of_a_muscle_is_recorded(method, tmp_path):
    env = world(effector=body(integration_method=method))
    engines = ("eager", "fused", "compile") if method == "euler" else ("eager", "fused")
    ds = check_all_engines(network(env), env, ["fatigue"], engines)
    assert ds.fatigue.dims == ("trial", "time", "muscle")
    assert ds.fatigue.attrs == {"units": "1", "long_name": "share of force lost to fatigue"}
    np.testing.assert_allclose(ds.muscle_force, 500 * ds.activation * (1 - ds.fatigue), rtol=1e-5)
    a, f = ds.activation.values.astype(float), ds.fatigue.values.astype(float)
    rate = a * (1 - f) / TAU_FATIGUE - (1 - a) * f / TAU_RECOVERY
    tolerance = 1e-6 if method == "euler" else 5e-3
    np.testing.assert_allclose(np.diff(f, axis=1), 0.01 * rate[:, :-1], atol=tolerance)
    assert float(ds.fatigue[:, -1].min()) > 0.01
    ds.to_netcdf(tmp_path / "ds.nc", engine="h5netcdf")
    assert xr.load_dataset(tmp_path / "ds.nc", engine="h5netcdf").identical(ds)


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_a_term_of_a_loss_reads_it_and_learns_from_it(engine):
    class Fatigue(mn.Term):
        def forward(self, rollout):
            return rollout["fatigue"].square().mean()

    env = world()
    net, trials = network(env), env.sample(seed=1)
    before = mn.play(net, env, trials)["fatigue"].square().mean().item()
    log = mn.train(
        net,
        env,
        loss=mn.Loss(weights={"fatigue": 1.0}, terms={"fatigue": Fatigue()}),
        n_batches=20,
        batch_size=4,
        engine=engine,
        learning_rate=0.01,
        progress=False,
    )
    after = mn.play(net, env, trials)["fatigue"].square().mean().item()
    assert after < 0.8 * before and log["loss"].iloc[-1] < log["loss"].iloc[0]


def test_a_state_that_the_built_in_muscles_have_is_recorded_under_another_name():
    class Thelen(mn.RigidTendonHillMuscleThelen):
        recorded = {
            "passive_force_length": ("muscle", "1", "passive force"),
            "fibre_velocity": mn.RecordedVariable("muscle", "m/s", entry="velocity"),
        }

    env = mn.Environment(mn.RigidTendonArm26(Thelen()), mn.CenterOutReach(), duration=0.2)
    ds = check_all_engines(network(env), env, ["passive_force_length", "fibre_velocity"])
    np.testing.assert_array_equal(ds.fibre_velocity, ds.muscle_velocity)
    assert ds.fibre_velocity.attrs == {"units": "m/s", "long_name": "fibre velocity"}
    assert float(ds.passive_force_length.max()) > 0


def test_a_state_with_a_dimension_of_its_own():
    class Compartments(FatiguingMuscle):
        recorded = {
            "motor_units": mn.RecordedVariable(
                ("muscle", "compartment"), "1", labels={"compartment": ("fresh", "tired")}
            )
        }

        def weakened(self, state, fatigue):
            return super().weakened(state, fatigue) | {"motor_units": torch.stack((1 - fatigue, fatigue), -1)}

    env = world(effector=mn.ReluPointMass24(muscle=Compartments()))
    ds = check_all_engines(network(env), env, ["fatigue", "motor_units"])
    assert ds.motor_units.dims == ("trial", "time", "muscle", "compartment")
    np.testing.assert_array_equal(ds.motor_units.sel(compartment="tired"), ds.fatigue)  # the base class declares it


def test_the_state_of_a_body():
    class Body(mn.ReluPointMass24):
        recorded = {"state_velocity": mn.RecordedVariable("joint", "m/s", entry="velocity")}

    env = mn.Environment(Body(), mn.RandomTargetReach(), duration=0.1)
    ds = check_all_engines(network(env), env, ["state_velocity"])
    np.testing.assert_array_equal(ds.state_velocity, ds.joint_velocity)


# ---- policies ----------------------------------------------------------------------------------------------------------


def test_entries_of_a_hidden_state_that_is_a_dict():
    env = world()
    torch.manual_seed(0)
    net = Adapting(env.n_observations, env.n_actions)
    ds = check_all_engines(net, env, list(Adapting.recorded), ("eager", "fused", "compile"))
    hidden = ds.hidden.values
    np.testing.assert_allclose(ds.adaptation[:, 0], hidden[:, 0] / 20, atol=1e-6)
    step = ds.adaptation.values[:, :-1] + (hidden[:, 1:] - ds.adaptation.values[:, :-1]) / 20
    np.testing.assert_allclose(ds.adaptation[:, 1:], step, atol=1e-6)
    assert ds.mean_rate.dims == ("trial", "time", "population") and ds.mean_rate.attrs["units"] == "1/s"
    np.testing.assert_allclose(ds.mean_rate.sel(population="second"), hidden[..., 3:].mean(-1), atol=1e-6)
    assert list(ds.context_element.values) == [0, 1, 2]
    np.testing.assert_array_equal(ds.context, ds.observation[..., :3])


def test_entries_of_a_named_tuple():
    env = world()
    torch.manual_seed(0)
    ds = check_all_engines(WithNamedTuple(env.n_observations, env.n_actions), env, ["trace"])
    assert ds.trace.dims == ("trial", "time", "unit") and list(ds.unit.values) == list(range(6))
    np.testing.assert_allclose(ds.trace[:, 1:].values, 0.5 * ds.trace[:, :-1].values + ds.hidden[:, 1:], atol=1e-6)


def test_a_place_in_a_pair():
    env = world()
    torch.manual_seed(0)
    ds = check_all_engines(RecordedLSTM(env.n_observations, env.n_actions), env, ["cell_state"])
    assert (np.abs(ds.hidden) <= np.abs(np.tanh(ds.cell_state)) + 1e-6).all()  # h = o tanh(c), o below 1
    assert float(np.abs(ds.cell_state - ds.hidden).max()) > 1e-3


def test_replicates(tmp_path):
    env = world(Powerful, loads=[Wind(force_vector=[1.0, 2.0])])
    torch.manual_seed(0)
    nets = [Adapting(env.n_observations, env.n_actions) for _ in range(2)]
    names = ["fatigue", "power", "wind", "adaptation", "mean_rate", "context"]
    ds = check_all_engines(mn.Replicates(nets, [3, 4]), env, names)
    assert ds.mean_rate.dims == ("replicate", "trial", "time", "population")
    for i, net in enumerate(nets):
        alone = mn.simulate(net, env, seed=1)
        for name in names:
            np.testing.assert_allclose(ds[name].isel(replicate=i), alone[name], atol=1e-5, err_msg=name)
    mn.save(tmp_path, environment=env, results=ds)
    again = mn.load(tmp_path)
    assert again.results.identical(ds) and again.environment == env


# ---- environments, loads, tasks ----------------------------------------------------------------------------------------


def test_outputs_of_an_environment():
    env = world(Powerful, mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), duration=0.2)
    ds = check_all_engines(network(env), env, ["muscle_power", "power"])
    assert ds.power.dims == ("trial", "time") and ds.power.attrs == {"units": "W", "long_name": "power of all muscles"}
    np.testing.assert_allclose(ds.muscle_power, -ds.muscle_force * ds.musculotendon_velocity, atol=1e-4)
    torque = -(ds.moment_arm * ds.muscle_force).sum("muscle")
    np.testing.assert_allclose(ds.power, (torque * ds.joint_velocity).sum("joint"), atol=1e-3)
    played = mn.play(network(env), env, seed=1)
    np.testing.assert_array_equal(played["power"].detach(), ds.power)
    assert played["power"].requires_grad


def test_forces_of_loads_of_ones_own():
    "Of prescribed loads and of those that depend on motion; those of one name are added; beside the sum of all."
    loads = [Wind(force_vector=[1.0, 2.0], onset=0.05), Wind(force_vector=[0.5, 0.0]), Drag(), mn.ForceChannel()]
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    env = world(effector=arm, loads=loads, duration=0.2)
    ds = check_all_engines(network(env), env, ["wind", "drag", "channel_force"])
    assert ds.wind.dims == ("trial", "time", "space") and ds.wind.attrs == {"units": "N", "long_name": "wind"}
    assert ds.drag.dims == ("trial", "time", "joint") and ds.drag.attrs["units"] == "N m"
    wind = np.where(np.arange(20)[:, None] < 5, [0.5, 0.0], [1.5, 2.0])
    np.testing.assert_allclose(ds.wind, np.broadcast_to(wind, (4, 20, 2)), atol=1e-6)
    before = np.concatenate((np.zeros((4, 1, 2)), ds.joint_velocity[:, :-1]), 1)
    np.testing.assert_allclose(ds.drag, -2 * before, atol=1e-5)
    np.testing.assert_allclose(ds.endpoint_load, ds.wind + ds.channel_force, atol=1e-5)
    np.testing.assert_allclose(ds.joint_load, ds.drag, atol=1e-6)


def test_joint_loads_of_a_point_mass_are_forces():
    env = mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach(loads=[Drag()]), duration=0.1)
    assert mn.simulate(network(env), env).drag.attrs["units"] == "N"


class Choice(mn.CenterOutReach):
    "A task with labels of its own."

    recorded = {
        "coherence": ((), "%", "motion coherence"),
        "via_point": ("space", "m"),
        "evidence": ("time", "1", "evidence over time"),
        "odds": mn.RecordedVariable("option", "1", labels={"option": ("left", "right")}),
    }

    def sample(self, n, effector, n_steps, streams, split="test", joint_state=None):
        trials = super().sample(n, effector, n_steps, streams, split, joint_state)
        labels = {
            "coherence": torch.arange(len(trials)) * 12.5,
            "via_point": (trials.start + trials.goal) / 2,
            "evidence": torch.ones(len(trials), n_steps).cumsum(1),
            "odds": torch.tensor([[0.25, 0.75]]).repeat(len(trials), 1),
            "undeclared": torch.ones(len(trials), 3),
        }
        return dataclasses.replace(trials, labels=trials.labels | labels)


def test_labels_of_a_task(tmp_path):
    env = mn.Environment(body(), Choice(n_targets=4, go_time=0.02), duration=0.1)
    ds = mn.simulate(network(env), env)
    assert ds.coherence.attrs == {"long_name": "motion coherence", "units": "%"}
    np.testing.assert_allclose(ds.coherence, [0, 12.5, 25, 37.5])
    np.testing.assert_allclose(ds.via_point.sel(space="x"), (ds.start_position + ds.goal_position).sel(space="x") / 2)
    assert ds.evidence.dims == ("trial", "time") and float(ds.evidence[0, -1]) == 10
    assert ds.odds.dims == ("trial", "option") and float(ds.odds.sel(option="right")[0]) == 0.75
    assert ds.undeclared.dims == ("trial", "undeclared_element") and ds.undeclared.shape == (4, 3)
    assert {"coherence", "via_point", "evidence", "odds", "undeclared"} <= set(ds.coords)
    ds.to_netcdf(tmp_path / "ds.nc", engine="h5netcdf")
    assert xr.load_dataset(tmp_path / "ds.nc", engine="h5netcdf").identical(ds)


# ---- what is not declared, and what is declared wrongly ----------------------------------------------------------------


def test_what_is_not_declared_is_not_in_the_dataset():
    class Silent(Powerful):
        def advance(self, constants, state, action, inputs):
            state, outputs = super().advance(constants, state, action, inputs)
            return state, outputs | {"secret": outputs["power"]}

    env = world(Silent)
    ds = mn.simulate(PolicyLSTM(env.n_observations, env.n_actions), env)
    assert "secret" not in ds and "power" in ds
    assert set(ds.data_vars) - set(mn.simulate(network(env), env).data_vars) == set()


WRONG = {
    "a built-in variable": ({"muscle_force": ("muscle", "N")}, ValueError, "'muscle_force' .* no variable"),
    "a coordinate": ({"seed": ((), "1")}, ValueError, "'seed' .* no variable"),
    "a label": ({"condition": ((), "1")}, ValueError, "'condition' .* no variable"),
    "a dimension": ({"muscle": ("muscle", "1")}, ValueError, "'muscle' .* no variable or dimension"),
    "its own dimension": (
        {"power": mn.RecordedVariable("power", labels={"power": None})},
        ValueError,
        "dimension of 'power' = 'power'",
    ),
    "another's dimension": (
        {"power": ((), "W"), "other": mn.RecordedVariable("power", labels={"power": None})},
        ValueError,
        "'power' .* another name than that of a dimension",
    ),
    "two sets of labels": (
        {
            "power": mn.RecordedVariable("side", labels={"side": ("l", "r")}),
            "muscle_power": mn.RecordedVariable("side", labels={"side": ("a", "b")}),
        },
        ValueError,
        r"labels of 'side' = \('a', 'b'\)",
    ),
    "an unknown dimension": (
        {"power": ("muscel", "W")},
        ValueError,
        r"dimensions of 'power' = \('muscel',\) .* muscle",
    ),
    "time": ({"power": ("time", "W")}, ValueError, "dimensions of 'power'"),
    "a dimension twice": ({"power": (("muscle", "muscle"), "W")}, ValueError, "dimensions of 'power'"),
    "a list": (["power"], TypeError, r"recorded = \['power'\] .* a dict of names"),
    "a number": ({"power": 3}, TypeError, r"recorded\['power'\] = 3 .* \(dimensions, unit"),
    "no unit": ({"power": ("muscle", 1)}, TypeError, "unit of 'power' = 1"),
    "two words": ({"hand power": ((), "W")}, ValueError, "'hand power' .* letters"),
    "missing": ({"lost": ("muscle", "1")}, ValueError, "'lost' .* among the outputs of a step, which are .*power"),
    "another shape": (
        {"power": ("muscle", "W")},
        ValueError,
        r"shape of 'power' = \(4,\) .* \(4, 4\): \(batch, muscle",
    ),
    "a shape too few": ({"muscle_power": ((), "W")}, ValueError, r"shape of 'muscle_power' = \(4, 4\) .* \(4,\)"),
    "another size": (
        {"muscle_power": mn.RecordedVariable("side", labels={"side": ("left", "right")})},
        ValueError,
        r"shape of 'muscle_power' = \(4, 4\) .* \(4, 2\)",
    ),
    "another's size": ({"muscle_power": ("unit", "W")}, ValueError, r"\(4, 12\): \(batch, unit\)"),
}


def with_power(self, constants, state, action, inputs):
    "The step of `Powerful`, for a class that declares something else."
    state, outputs = mn.Environment.advance(self, constants, state, action, inputs)
    power = -outputs["muscle_force"] * outputs["musculotendon_velocity"]
    return state, outputs | {"muscle_power": power, "power": power.sum(-1)}


def wrong_world(declared):
    return world(type("Wrong", (mn.Environment,), {"recorded": declared, "advance": with_power}))


@pytest.mark.parametrize("declared, error, says", WRONG.values(), ids=WRONG.keys())
def test_wrong_declarations_are_refused_in_words(declared, error, says):
    env = wrong_world(declared)
    with pytest.raises(error, match=says):
        mn.simulate(network(env), env)


@pytest.mark.parametrize("engine", ["fused", "compile", "auto"])
@pytest.mark.parametrize("case", ["missing", "another shape"])
def test_every_engine_refuses_in_the_same_words(case, engine):
    declared, error, says = WRONG[case]
    env = wrong_world(declared)
    with pytest.raises(error, match=says):
        mn.simulate(network(env), env, engine=engine)
    if engine == "auto":
        with pytest.raises(error, match=f"Wrong: .*{(case == 'missing' and 'lost') or 'power'}"):
            mn.train(network(env), env, n_batches=1, batch_size=4, engine=engine, progress=False)


def test_names_that_a_state_does_not_have():
    class Forgetful(FatiguingMuscle):
        recorded = {"reserve": ("muscle", "1")}

    env = world(effector=mn.ReluPointMass24(muscle=Forgetful()))
    with pytest.raises(ValueError, match=r"Forgetful: recorded = 'reserve' .* has activation, .*fatigue"):
        mn.simulate(network(env), env)
    env, names = world(), {"cell": ("unit", "1")}
    for kind, says in ((PolicyLSTM, "no names: it is a tuple"), (Perceptron, "no names: it is a NoneType")):
        net = type("Mine", (kind,), {"recorded": names})(env.n_observations, env.n_actions)
        with pytest.raises(ValueError, match=rf"Mine: recorded = 'cell' .* {says}"):
            mn.simulate(net, env)
    outside = {"cell": mn.RecordedVariable("unit", entry=2)}
    net = type("Mine", (PolicyLSTM,), {"recorded": outside})(env.n_observations, env.n_actions)
    with pytest.raises(ValueError, match="Mine: recorded = 2"):
        mn.simulate(net, env)


def test_one_name_of_two_classes():
    env = world(type("Both", (Powerful,), {"recorded": {"fatigue": ("muscle", "1")}}))
    with pytest.raises(ValueError, match=r"Both: recorded = 'fatigue' .* FatiguingMuscle declares it too"):
        mn.simulate(network(env), env)
    on_joints = type("Torque", (mn.ConstantLoad,), {"recorded_as": "wind"})(torque_vector=[1.0, 2.0])
    env = world(loads=[Wind(force_vector=[1.0, 2.0]), on_joints])
    with pytest.raises(ValueError, match=r"Torque: recorded_as = 'wind' .* act on the same"):
        mn.simulate(network(env), env)


@pytest.mark.parametrize("name", ["endpoint_load", "muscle", "my force"])
def test_names_of_loads_that_are_taken(name):
    env = world(loads=[type("Mine", (mn.ConstantLoad,), {"recorded_as": name})(force_vector=[1.0, 2.0])])
    with pytest.raises(ValueError, match=f"Mine: recorded = '{name}'"):
        mn.simulate(network(env), env)


def test_parts_that_record_nothing_say_so():
    class Bone(mn.PointMass):
        recorded = {"strain": ("joint", "1")}

    env = world(effector=mn.ReluPointMass24(skeleton=Bone(), muscle=FatiguingMuscle()))
    with pytest.raises(TypeError, match=r"Bone: recorded = .* declared by the muscle"):
        mn.simulate(network(env), env)


def test_labels_of_a_task_that_do_not_fit():
    def play(**changes):
        task = type("Choice", (Choice,), {"recorded": changes})(n_targets=4, go_time=0.02)
        env = mn.Environment(body(), task, duration=0.1)
        return mn.simulate(network(env), env)

    with pytest.raises(ValueError, match=r"shape of 'coherence' = \(4,\) .* \(4, 2\), as declared"):
        play(coherence=("space", "%"))
    with pytest.raises(ValueError, match=r"recorded = 'lost' .* a label of its trials .*coherence"):
        play(lost=((), "1"))


def test_views_show_them():
    from bokeh.models import MultiLine
    from bokeh.plotting import figure

    env = world(Powerful)
    ds = mn.simulate(Adapting(env.n_observations, env.n_actions), env)
    page = mn.views.time_courses(ds, ["fatigue", "power", "mean_rate"])
    titles = [f.title.text for f in page.select({"type": figure})]
    assert {"Upper right", "Power of all muscles", "Population first", "Population second"} <= set(titles)
    assert len(list(page.select({"type": MultiLine}))) >= 7
    mn.views.activations(ds, variable="fatigue")
    assert mn.Explorer(ds) is not None
    from motornet_nb.results.tuning import preferred_directions

    assert preferred_directions(ds, "fatigue", window="movement").preferred_direction.dims == ("muscle",)

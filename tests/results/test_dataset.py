"""The Dataset of a simulation: variables, labels, provenance, and files of earlier versions."""

import inspect
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from worlds import Perceptron, PolicyLSTM, arm, arm_world, network, point_mass_world

import motornet_nb as mn
from motornet_nb.core.recorded_variables import VARIABLES
from motornet_nb.results.dataset import as_current, to_dataset

RAD, METRE = "rad", "m"

#: the table of the design page: dimensions after trial and time, unit for an arm, unit for a point mass
PROMISED = {
    "joint_position": (("joint",), "rad", "m"),
    "joint_velocity": (("joint",), "rad/s", "m/s"),
    "endpoint_position": (("space",), "m", "m"),
    "endpoint_velocity": (("space",), "m/s", "m/s"),
    "target_position": (("space",), "m", "m"),
    "action": (("muscle",), "1", "1"),
    "activation": (("muscle",), "1", "1"),
    "muscle_length": (("muscle",), "m", "m"),
    "muscle_velocity": (("muscle",), "m/s", "m/s"),
    "muscle_force": (("muscle",), "N", "N"),
    "musculotendon_length": (("muscle",), "m", "m"),
    "musculotendon_velocity": (("muscle",), "m/s", "m/s"),
    "moment_arm": (("joint", "muscle"), "m", "1"),
    "hidden": (("unit",), "1", "1"),
    "go_cue": ((), "1", "1"),
    "endpoint_load": (("space",), "N", "N"),
    "joint_load": (("joint",), "N m", "N"),
}


@pytest.fixture(scope="module")
def env():
    return arm_world(vision_delay=0.05, proprioception_delay=0.02)


@pytest.fixture(scope="module")
def ds(env):
    return mn.simulate(network(env), env, seed=4)


def through_a_file(ds, path):
    ds.to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as again:
        return again.load()


# ---- the Dataset ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["arm", "point mass"])
def test_variables_dimensions_and_units_are_those_promised(body):
    env = arm_world() if body == "arm" else point_mass_world(mn.CenterOutReach(go_time=0.05))
    ds = mn.simulate(network(env), env)
    for name, (dims, of_arm, of_mass) in PROMISED.items():
        assert ds[name].dims == ("trial", "time", *dims), name
        assert ds[name].attrs["units"] == (of_arm if body == "arm" else of_mass), name
        assert ds[name].attrs["long_name"], name
    assert ds["observation"].dims == ("trial", "time", "observation_element")
    for name in ds.data_vars:
        assert "units" in ds[name].attrs and "long_name" in ds[name].attrs, name
        assert ds[name].dtype == np.float32, name


def test_the_docstring_lists_every_variable_with_its_unit():
    text = inspect.getdoc(to_dataset)
    for name, (dims, unit, _) in VARIABLES.items():
        line = next(line for line in text.splitlines() if re.search(rf"\b{name}\b", line))
        assert line.startswith(f"* ({', '.join(dims)}):" if dims else "* nothing more:"), name
        units = [unit.format(q=q, torque=t, arm=a) for q, t, a in (("rad", "N m", "m"), ("m", "N", "1"))]
        said = " or ".join(dict.fromkeys(units)) if unit not in ("", "1") else ""
        assert re.search(rf"\b{name}{' ' + said if said else ''}(?=[,;]| where| and|$)", line), (name, said)


def test_dimensions_have_labels(ds, env):
    assert list(ds.joint.values) == ["shoulder", "elbow"] and list(ds.space.values) == ["x", "y"]
    assert list(ds.muscle.values) == env.effector.muscle_names
    assert list(ds.observation_label.values) == env.observation_labels
    assert ds.sizes["unit"] == 12 and ds.sizes["trial"] == 8 and ds.time.attrs["units"] == "s"
    np.testing.assert_allclose(ds.time, np.arange(1, 21) * 0.01, atol=1e-12)
    assert len(ds.sel(muscle="biceps", joint="elbow", space="x").sizes) == 4  # trial, time, unit, observation_element


def test_trial_coordinates(ds):
    np.testing.assert_allclose(ds.target_direction, np.arange(8) * math.pi / 4, rtol=1e-6)
    assert ds.target_direction.attrs["units"] == "rad" and ds.go_time.attrs["units"] == "s"
    np.testing.assert_allclose(ds.go_time, 0.1, rtol=1e-6)
    assert ds.is_catch.dtype == bool and not ds.is_catch.any() and list(ds.condition.values) == ["reach"] * 8
    assert float(ds.sel(muscle="deltoid").max_isometric_force) == 1207 and ds.max_isometric_force.attrs["units"] == "N"


def test_values_are_those_of_the_rollout(ds, env):
    played = mn.play(network(env), env, seed=4)
    for name in PROMISED:
        np.testing.assert_array_equal(ds[name], played[name].detach(), err_msg=name)
    start = env.sample(seed=4)
    np.testing.assert_allclose(ds.start_position, start.start)
    np.testing.assert_allclose(ds.goal_position, start.goal)
    np.testing.assert_allclose(ds.initial_joint_position, start.joint_state[:, :2])


def test_variables_agree_with_each_other(ds):
    power = (ds.moment_arm * ds.joint_velocity).sum("joint")
    np.testing.assert_allclose(power, ds.musculotendon_velocity, atol=1e-6)
    np.testing.assert_array_equal(ds.go_cue.sum("time"), 9)  # 1 until 90 ms, 0 from 100 ms on
    inside = ((ds.joint_position > 0) & (ds.joint_position < 2.35))[:, 1:].values  # away from the joint limits
    moved = np.diff(ds.joint_position, axis=1)
    np.testing.assert_allclose(moved[inside], 0.01 * ds.joint_velocity.values[:, :-1][inside], atol=1e-6)


def test_simulating_leaves_no_trace(env):
    net = network(env)
    net.train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    mn.simulate(net, env)
    assert net.training and all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())


def test_the_same_seed_gives_the_same_dataset():
    env = arm_world(mn.DelayedReach(), action_noise=0.05, vision_noise=0.01)
    net = network(env, hidden_noise=0.01)
    one, same, other = (mn.simulate(net, env, n=3, seed=s) for s in (1, 1, 2))
    assert one.equals(same) and not one.equals(other)
    assert "noisy_action" in one and not np.allclose(one.action, one.noisy_action)
    quiet = mn.simulate(net, env, n=3, seed=1, deterministic=True)
    assert "noisy_action" not in quiet and np.allclose(quiet.goal_position, one.goal_position)


def test_engines_of_simulate(env, monkeypatch):
    "The same Dataset; eager by itself where that is quick, else what training would choose."
    from motornet_nb.control.rollout import play_with
    from motornet_nb.results import dataset as results

    net, used = network(env), []
    played = lambda *a, **k: used.append(a[0]) or play_with(*a, **k)  # noqa: E731
    monkeypatch.setattr(results, "play_with", played)
    quick, fused = mn.simulate(net, env), mn.simulate(net, env, engine="fused")
    xr.testing.assert_allclose(quick, fused, rtol=1e-4, atol=1e-4)
    mn.simulate(net, env, engine="eager")
    monkeypatch.setattr(results, "_WORTH_BUILDING", 1e-3)
    assert mn.simulate(net, env).equals(fused)
    assert [e.description.split()[0] for e in used] == ["eager", "fused", "eager", "fused"] and used[-1].name == "auto"
    with pytest.raises(ValueError, match=r"simulate: engine = 'fast' .* 'eager'"):
        mn.simulate(net, env, engine="fast")


def test_given_trials_and_splits(env):
    trials = env.sample(5, 7, "train")
    ds = mn.simulate(network(env), env, trials)
    np.testing.assert_allclose(ds.goal_position, trials.goal)
    assert mn.simulate(network(env), env, n=4, split="train").sizes["trial"] == 4
    with pytest.raises(ValueError, match="split = 'validation'"):
        mn.simulate(network(env), env, split="validation")


def test_float64():
    env = mn.Environment(arm(dtype=torch.float64), mn.CenterOutReach(), duration=0.2)
    ds = mn.simulate(network(env), env)
    assert all(ds[name].dtype == np.float64 for name in ds.data_vars)
    assert float(ds.go_time[0]) == 0.1 and float(ds.target_direction[1]) == math.pi / 4
    single = arm_world()
    rough = mn.simulate(network(env).to(torch.float32), single)
    np.testing.assert_allclose(rough.endpoint_position, ds.endpoint_position, atol=1e-4)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_point_masses(dims):
    mass = mn.Effector(mn.PointMass(space_dim=dims), mn.ReluMuscle(), name="mass")
    mass.add_muscle([0, 1], [[1.0] * dims, [0.0] * dims], max_isometric_force=100)
    env = mn.Environment(mass, mn.RandomTargetReach(), duration=0.1)
    ds = mn.simulate(network(env), env, n=2)
    assert list(ds.space.values) == list(ds.joint.values) == ["x", "y", "z"][:dims]
    np.testing.assert_array_equal(ds.joint_position.values, ds.endpoint_position.values)
    assert bool(np.isnan(ds.target_direction).all()) == (dims != 2)


def test_policy_without_memory_has_no_hidden_activity(env):
    ds = mn.simulate(Perceptron(env.n_observations, env.n_actions), env)
    assert "hidden" not in ds and "unit" not in ds.dims and "policy" not in ds.attrs
    assert ds.attrs["policy_class"] == "Perceptron"


def test_policy_with_a_pair_of_hidden_states_records_the_first(env):
    net = PolicyLSTM(env.n_observations, env.n_actions, n_units=7)
    ds = mn.simulate(net, env)
    assert ds.hidden.shape == (8, 20, 7) and float(abs(ds.hidden).max()) <= 1  # the output, not the cell
    again = torch.sigmoid(net.readout(torch.tensor(ds.hidden.values)))
    np.testing.assert_allclose(again.detach(), ds.action, atol=1e-6)


def test_channel_force_is_recorded():
    channel = mn.ForceChannel(stiffness=1000.0, wall_damping=40.0)
    env = arm_world(mn.CenterOutReach(loads=[channel, mn.ConstantLoad(force_vector=[1.0, 0.0])]))
    ds = mn.simulate(network(env), env)
    assert ds.channel_force.dims == ("trial", "time", "space") and ds.channel_force.attrs["units"] == "N"
    np.testing.assert_allclose(ds.endpoint_load - ds.channel_force, np.broadcast_to([1.0, 0.0], (8, 20, 2)), atol=1e-4)


# ---- no variable bears the name of its dimension -----------------------------------------------------------------------

DATA = Path(__file__).parents[1] / "data"
OLD = DATA / "simulated_0_observation_dimension.nc"  # of a point mass, 4 trials of 5 steps
OLD_REPLICATES = DATA / "simulated_0_observation_dimension_replicates.nc"


def check_names(ds):
    "No variable of several dimensions bears the name of one of them."
    assert not [n for n, v in ds.variables.items() if n in v.dims and v.dims != (n,)]
    assert not set(ds.data_vars) & set(ds.dims)


def test_observation_is_a_variable_like_others(ds, env, tmp_path):
    assert "observation" in ds.data_vars and "observation_label" in ds.coords
    again = through_a_file(ds, tmp_path / "ds.nc")
    assert again.identical(ds)
    for some in (ds, again):
        check_names(some)
        want = some["observation"].values.mean(0)
        np.testing.assert_allclose(some.mean("trial")["observation"], want, atol=1e-6)
        by_condition = some.groupby("condition").mean()
        np.testing.assert_allclose(by_condition["observation"].sel(condition="reach"), want, atol=1e-6)
        seen = some.observation.sel(observation_element="vision x")
        np.testing.assert_array_equal(seen, some["observation"][..., env.observation_labels.index("vision x")])
        np.testing.assert_array_equal(some.sel(observation_element="go cue").observation[:, -1], 0)
        assert "observation" in some.to_dataframe().columns and "observation" in some.to_dict()["data_vars"]


def test_observation_reaches_matlab(ds, tmp_path):
    savemat, loadmat = (pytest.importorskip("scipy.io").savemat, pytest.importorskip("scipy.io").loadmat)
    savemat(tmp_path / "ds.mat", {name: v["data"] for name, v in ds.to_dict(data="array")["data_vars"].items()})
    again = loadmat(tmp_path / "ds.mat")
    assert set(ds.data_vars) <= set(again)
    np.testing.assert_array_equal(again["observation"], ds.observation.values)


def test_observations_of_replicates(env):
    ds = mn.simulate(mn.Replicates([network(env), network(env, seed=1)]), env)
    check_names(ds)
    assert ds.observation.dims == ("replicate", "trial", "time", "observation_element")
    assert list(ds.observation_element.values) == env.observation_labels
    np.testing.assert_allclose(ds.mean("replicate").observation, ds.observation.values.mean(0), atol=1e-6)


def test_labels_that_are_the_same_are_told_apart():
    class Twice(mn.RandomTargetReach):
        def input_labels(self, effector):
            return ["goal", "goal"]

    env = point_mass_world(Twice())
    ds = mn.simulate(network(env), env)
    assert list(ds.observation_label.values[:3]) == ["goal", "goal", "vision x"]
    np.testing.assert_array_equal(ds.observation.sel(observation_element="goal (2)"), ds.observation[..., 1])


def test_labels_that_do_not_fit_are_refused():
    class Short(mn.Environment):
        observation_labels = property(lambda self: ["one"])

    env = Short(mn.ReluPointMass24(), mn.RandomTargetReach(), duration=0.1)
    with pytest.raises(ValueError, match=r"Short: observation_labels = \['one'\] .* 12 texts"):
        mn.simulate(network(env), env)


def opened(path, **how):
    return xr.open_dataset(path, engine="h5netcdf", **how)


@pytest.mark.parametrize("path", [OLD, OLD_REPLICATES], ids=["one", "replicates"])
@pytest.mark.parametrize("how", [{}, {"chunks": {"trial": 1}}], ids=["whole", "in chunks"])
def test_files_of_earlier_versions_become_current(path, how):
    assert path.stat().st_size < 60_000
    with opened(path, **how) as old:
        assert old.observation.dims[-1] == "observation"  # as it was
        ds = as_current(old)
        check_names(ds)
        assert ds.observation.dims == (*old.observation.dims[:-1], "observation_element")
        np.testing.assert_array_equal(ds.observation.values, old["observation"].values)
        assert list(ds.observation_element.values) == list(old.observation_label.values)
        seen = ds.observation.sel(observation_element="vision x").isel(time=-1)
        hand = ds.endpoint_position.sel(space="x").isel(time=-2)  # one step earlier
        np.testing.assert_allclose(seen, hand, atol=1e-6)
        assert ds.attrs == old.attrs and set(ds.variables) == set(old.variables) | {"observation_element"}
        assert as_current(ds).identical(ds)
        first = {d: 0 for d in old.dims if d not in ("time", "observation", "space")}
        check_names(as_current(old.isel(first)))


def test_an_old_file_is_what_is_simulated_today():
    "The same variables, dimensions and numbers, to the precision of another machine."
    with opened(OLD) as old:
        env, net = (mn.from_config(json.loads(old.attrs[n])) for n in ("config", "policy"))
        new = mn.simulate(network(env, n_units=3), env, seed=1)
        ds = as_current(old).load()
        assert type(net) is mn.PolicyGRU and set(new.variables) == set(ds.variables)
        for name in new.data_vars:
            assert new[name].dims == ds[name].dims
            np.testing.assert_allclose(new[name], ds[name], atol=1e-4, err_msg=name)


def test_old_folders_are_loaded(tmp_path, ds):
    mn.save(tmp_path, results=ds)
    (tmp_path / "results.nc").write_bytes(OLD.read_bytes())
    results = mn.load(tmp_path).results
    check_names(results)
    assert results.observation.dims == ("trial", "time", "observation_element")
    mn.save(tmp_path, results=results)
    assert mn.load(tmp_path).results.identical(results)


def test_an_old_file_is_analysed_and_shown(tmp_path):
    from motornet_nb.results.reader import TrialReader
    from motornet_nb.results.tuning import preferred_directions

    with opened(OLD) as old, opened(OLD, chunks={"trial": 1}) as lazy:
        for ds in (old, lazy):
            table = mn.analysis.reach_kinematics(ds)
            assert len(table) == 4 and table["peak_speed"].notna().all()
            assert preferred_directions(ds, window="movement").sizes["unit"] == 3
            assert preferred_directions(ds, "observation", window="movement").sizes == {"observation_element": 15}
            reader = TrialReader(ds)
            assert reader.ds.observation.dims[-1] == "observation_element" and reader.read([0]).sizes["trial"] == 1
            for view in (mn.views.trajectories, mn.views.activations, mn.views.kinematics):
                assert view(ds) is not None
            page = mn.views.time_courses(ds, "observation")
            assert mn.Explorer(ds) is not None and page is not None
        page = mn.report.write_report(tmp_path / "report.html", old)
        assert "15 inputs, 4 outputs" in page.read_text()
    with opened(OLD_REPLICATES) as both:
        assert len(mn.analysis.reach_kinematics(both)) == 8
        assert mn.views.trajectories(both.isel(replicate=1)) is not None


def test_no_dataset_has_a_variable_named_like_its_dimension(ds, env):
    from motornet_nb.body import statics
    from motornet_nb.results.tuning import preferred_directions

    body = env.effector
    made = [
        preferred_directions(ds, window="movement"),
        statics.passive_drift(body, n=3),
        statics.moment_arm_map(body, n=3),
        statics.force_length(body),
        statics.force_velocity(body),
    ]
    for some in made:
        check_names(some)


# ---- provenance ----------------------------------------------------------------------------------------------------


def test_attributes_rebuild_the_experiment(ds, env, tmp_path):
    attributes = through_a_file(ds, tmp_path / "ds.nc").attrs
    again = mn.from_config(json.loads(attributes["config"]))
    assert again == env
    assert mn.from_config(json.loads(attributes["policy"])).to_config() == network(env).to_config()
    assert int(attributes["seed"]) == 4 and attributes["motornet_nb"] == mn.__version__
    assert {"created", "torch", "numpy", "xarray", "python"} <= set(attributes)
    replayed = mn.simulate(network(again), again, seed=int(attributes["seed"]))
    assert replayed.equals(ds)


def test_a_load_that_is_a_function_is_named_as_missing(tmp_path):
    env = arm_world(mn.CenterOutReach(loads=[lambda state, time, trial: 0.1 * state.endpoint_velocity]))
    ds = mn.simulate(network(env), env)
    assert "config" not in ds.attrs and "FunctionLoad" in ds.attrs["config_missing"]
    assert through_a_file(ds, tmp_path / "ds.nc").identical(ds)
    with pytest.raises(TypeError, match=r"FunctionLoad\.function = .* cannot be written"):
        mn.save(tmp_path / "run", environment=env, results=ds)
    assert not (tmp_path / "run").exists()  # nothing half written


class Gained(mn.CenterOutReach):
    "A task with an argument of its own, which it keeps."

    def __init__(self, gain=1.0, **others):
        super().__init__(**others)
        self.gain = gain


class Careless(mn.CenterOutReach):
    "One which it does not keep."

    def __init__(self, gain=1.0):
        super().__init__()
        self.twice = 2 * gain


def test_own_arguments_and_settings_are_in_the_attributes(tmp_path):
    "Of a task as its configuration, of a network that is no model as its settings."
    env = arm_world(Gained(gain=50.0))
    net = PolicyLSTM(env.n_observations, env.n_actions, n_units=4)
    net.leak = 0.3
    ds = through_a_file(mn.simulate(net, env), tmp_path / "ds.nc")
    assert json.loads(ds.attrs["config"])["task"]["gain"] == 50.0
    assert mn.results.configured(ds) == env and mn.results.configured(ds) != arm_world(Gained(gain=1.0))
    settings = json.loads(ds.attrs["policy_settings"])
    assert settings["leak"] == 0.3 and settings["class"].endswith(".PolicyLSTM")
    again = mn.load(mn.save(tmp_path / "run", environment=env)).environment
    assert again == env and again.task.gain == 50.0


def test_what_cannot_be_rebuilt_says_why_and_what_it_is(tmp_path):
    "In the attributes; saving it is refused with the way to declare."
    env = arm_world(Careless(3.0))
    ds = mn.simulate(network(env), env)
    assert "config" not in ds.attrs and "declare it in the class: gain = number(" in ds.attrs["config_missing"]
    assert json.loads(ds.attrs["config_settings"])["task"]["twice"] == 6.0
    with pytest.raises(TypeError, match="declare it in the class"):
        mn.save(tmp_path / "run", environment=env)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("precise", [False, True])
def test_netcdf_round_trip_is_identical(noise, precise, tmp_path):
    dtype = torch.float64 if precise else torch.float32
    loads = [mn.ForcePulse([0.0, 4.0], probability=0.5), mn.ForceChannel(trials="catch")]
    env = mn.Environment(arm(dtype=dtype), mn.DelayedReach(loads=loads), duration=0.2, action_noise=noise)
    ds = mn.simulate(network(env), env, n=8, split="train")
    again = through_a_file(ds, tmp_path / "ds.nc")
    assert again.identical(ds)
    for name in ds.variables:
        assert again[name].dtype == ds[name].dtype or ds[name].dtype.kind in "OU", name

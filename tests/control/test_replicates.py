"""Several networks trained and played at once: each as if it were alone."""

import copy
import functools
import math
import pickle

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from torch.optim import lr_scheduler
from worlds import Perceptron, PolicyLSTM, arm, assert_equal, network, point_mass_world

import motornet_nb as mn
from motornet_nb import DelayedReach, Environment, Replicates, Streams, play, simulate, train, unstack
from motornet_nb.control.replicates import make_replicates

#: torch says that a GRU cell mapped over replicates runs one after the other
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
SEEDS = [4, 0, 9]


def factory(env, **arguments):
    "A function that makes a network from torch's own chance."
    return lambda: network(env, seed=torch.randint(10**6, ()).item(), **arguments)


def as_alone(make, seed):
    "The network that a replicate with this seed begins with."
    torch.manual_seed(seed)
    return make()


def noisy_mass():
    return point_mass_world(DelayedReach(), vision_noise=0.02, action_noise=0.02)


def arm_in_a_field():
    task = DelayedReach(loads=[mn.CurlField(8.0, probability=0.5)])
    return Environment(arm(), task, duration=0.1, vision_delay=0.04, proprioception_delay=0.02, action_noise=0.02)


WORLDS = {
    "noisy point mass, eager": (noisy_mass, "eager", {"hidden_noise": 0.01}),
    "noisy point mass, fused": (noisy_mass, "fused", {"hidden_noise": 0.01}),
    "arm in a curl field, eager": (arm_in_a_field, "eager", {}),
    "arm in a curl field, fused": (arm_in_a_field, "fused", {"hidden_noise": 0.01}),
}


@functools.cache
def trained(world):
    "Replicates of a world after 20 batches, and the single runs they must equal."
    make_env, engine, arguments = WORLDS[world]
    env = make_env()
    make = factory(env, **arguments)
    settings = {"n_batches": 20, "batch_size": 5, "learning_rate": 3e-3, "engine": engine, "progress": False}
    together = train(make, env, replicates=len(SEEDS), seeds=SEEDS, **settings)
    alone = [as_alone(make, seed) for seed in SEEDS]
    logs = [train(net, env, seed=seed, **settings) for net, seed in zip(alone, SEEDS, strict=True)]
    return env, together, alone, logs


def assert_as_alone(together, alone, logs, rtol=2e-4, atol=2e-5):
    "Weights and logs agree to float32 tolerance."
    for i, (net, log) in enumerate(zip(alone, logs, strict=True)):
        own = together.log.loc[i].drop(columns="seconds")
        np.testing.assert_allclose(own, log.drop(columns="seconds"), rtol=rtol, atol=atol, err_msg=f"replicate {i}")
        for (name, p), q in zip(net.named_parameters(), together[i].parameters(), strict=True):
            torch.testing.assert_close(q, p, rtol=rtol, atol=5 * atol, msg=lambda m, n=name, i=i: f"{i} {n}: {m}")


# ---- training ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_each_replicate_is_a_single_run(world):
    "Replicate i after 20 batches is what a run with its seed gives: weights, losses, gradient norms."
    _, together, alone, logs = trained(world)
    assert together.seeds == SEEDS
    assert_as_alone(together, alone, logs)
    assert not torch.allclose(together[0].weight_hh, together[1].weight_hh)  # nor are they all the same


def test_the_log_has_a_row_for_each_replicate_and_batch():
    "Index (replicate, batch), the columns of a single run, the engine in its attributes."
    _, together, _, logs = trained("noisy point mass, eager")
    log = together.log
    assert log.index.names == ["replicate", "batch"] and list(log.columns) == list(logs[0].columns)
    assert log.index.tolist() == [(i, b) for i in range(3) for b in range(20)]
    assert log.attrs["engine"] == "eager"


def run_both(env=None, make=None, seeds=(2, 5), **settings):
    "Replicates, and single runs with the same settings."
    env = noisy_mass() if env is None else env
    make = factory(env) if make is None else make
    settings = {"n_batches": 8, "batch_size": 4, "engine": "eager", "progress": False} | settings
    together = train(make, env, seeds=seeds, **settings)
    alone = [as_alone(make, seed) for seed in seeds]
    logs = [train(net, env, seed=seed, **settings) for net, seed in zip(alone, seeds, strict=True)]
    return together, alone, logs


def momentum(parameters):
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9)


RECIPES = {
    "SGD with momentum": {"optimizer": momentum},
    "LambdaLR": {"scheduler": lambda o: lr_scheduler.LambdaLR(o, lambda batch: 0.8**batch), "learning_rate": 0.01},
    "ReduceLROnPlateau": {
        "optimizer": lambda p: torch.optim.Adam(p, lr=0.02),
        "scheduler": lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0),
    },
    "OneCycleLR": {"optimizer": momentum, "scheduler": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=8)},
    "no clipping": {"clip_norm": None},
    "much clipping": {"clip_norm": 1e-3, "optimizer": momentum},
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_each_replicate_has_its_own_optimiser_schedule_and_clipping(recipe):
    "As if it were alone, learning rates included."
    together, alone, logs = run_both(**recipe)
    assert_as_alone(together, alone, logs, rtol=1e-3)
    for i, log in enumerate(logs):
        np.testing.assert_array_equal(together.log.loc[i]["learning_rate"], log["learning_rate"])


def test_schedules_of_replicates_part():
    "A plateau is each one's own: rates differ where losses do."
    together, _, _ = run_both(**RECIPES["ReduceLROnPlateau"], n_batches=12)
    rates = together.log["learning_rate"].unstack("replicate")
    assert (rates[0] != rates[1]).any() and (rates.iloc[-1] < 0.02).all()


@pytest.mark.parametrize("kind", [Perceptron, PolicyLSTM])
def test_networks_of_ones_own(kind):
    "Without memory, or with two hidden tensors."
    env = noisy_mass()
    loss = mn.ReachLoss().without("hidden", "hidden_rate")
    together, alone, logs = run_both(env, lambda: kind(env.n_observations, env.n_actions), loss=loss, engine="fused")
    assert_as_alone(together, alone, logs)


def test_double_precision_agrees_closely():
    "What is left is rounding: in float64 the difference is tiny."
    env = Environment(mn.ReluPointMass24().double(), DelayedReach(), duration=0.1, action_noise=0.02)
    together, alone, logs = run_both(env)
    assert_as_alone(together, alone, logs, rtol=1e-9, atol=1e-11)


def explode(played):
    "A loss that is infinite whenever the first target is far to the right."
    total, parts = mn.ReachLoss()(played)
    bad = played.trials.goal[0, 0] > 0.1
    return (total / torch.where(bad, 0.0, 1.0)), parts


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_one_that_explodes_does_not_disturb_the_others(engine):
    "Its batches are left out of its own learning only."
    env = noisy_mass()
    nets = [network(env, seed=i) for i in range(3)]
    with torch.no_grad():
        nets[1].output.bias.fill_(math.nan)  # replicate 1 can never learn
    alone = [copy.deepcopy(nets[0]), copy.deepcopy(nets[2])]
    settings = {"n_batches": 6, "batch_size": 4, "engine": engine, "progress": False}
    together = train(nets, env, seeds=[3, 4, 5], on_nonfinite="skip", **settings)
    logs = [train(net, env, seed=seed, **settings) for net, seed in zip(alone, (3, 5), strict=True)]
    for i, net, log in zip((0, 2), alone, logs, strict=True):
        np.testing.assert_allclose(together.log.loc[i]["loss"], log["loss"], rtol=1e-4)
        for p, q in zip(together[i].parameters(), net.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=2e-4, atol=1e-4)
    bad = together.log.loc[1]
    assert bad["loss"].isna().all() and bad["gradient_norm"].isna().all()
    assert_equal(together[1].weight_hh.detach(), network(env, seed=1).weight_hh.detach())


def test_one_that_explodes_now_and_then_goes_on():
    "As a single run with on_nonfinite='skip' does, its optimiser and schedule waiting."
    schedule = lambda o: lr_scheduler.StepLR(o, 1, gamma=0.9)  # noqa: E731
    together, alone, logs = run_both(
        seeds=(2, 3, 5), loss=explode, on_nonfinite="skip", scheduler=schedule, n_batches=10
    )
    skipped = [int((~np.isfinite(log["loss"])).sum()) for log in logs]
    assert sum(skipped) > 3 and all(n < 10 for n in skipped), skipped
    assert_as_alone(together, alone, logs)


def test_one_that_explodes_is_named():
    "The run stops, and nobody has learnt from that batch."
    env = noisy_mass()
    nets = Replicates([network(env, seed=i) for i in range(2)])
    with torch.no_grad():
        nets[1].output.bias.fill_(math.inf)
        nets[1].output.weight.fill_(-math.inf)
    before = copy.deepcopy(nets[0])
    with pytest.raises(mn.NonFiniteError, match=r"batch 0, replicate 1: action of .* is nan in trial 0 at step 1"):
        train(nets, env, n_batches=3, batch_size=4, engine="eager", progress=False)
    for p, q in zip(before.parameters(), nets[0].parameters(), strict=True):
        assert_equal(q.detach(), p.detach())


def test_progress_of_replicates():
    "Callbacks see the mean over replicates, and all networks."
    seen = []
    callback = lambda p: seen.append((p.loss, dict(p.terms), p.policy, len(p.rows)))  # noqa: E731
    together, _, _ = run_both(callbacks=callback, n_batches=2)
    log = together.log
    for batch, (loss, terms, policy, n_rows) in enumerate(seen[:2]):
        assert loss == pytest.approx(log["loss"].xs(batch, level="batch").mean()) and n_rows == 2 * (batch + 1)
        assert terms["position"] == pytest.approx(log["position"].xs(batch, level="batch").mean())
        assert policy is together


# ---- making them and taking them apart -----------------------------------------------------------------------------


def test_copies_lists_and_functions():
    "Of a network come copies, which leaves it alone; several are used as they are; a function is called for each."
    env = point_mass_world()
    settings = {"n_batches": 1, "batch_size": 4, "engine": "eager", "progress": False}
    net = network(env)
    before = copy.deepcopy(net.state_dict())
    copies = train(net, env, replicates=3, seed=7, **settings)
    assert copies.seeds == [7, 8, 9] and len(copies) == 3
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert not torch.equal(copies[0].weight_ih, copies[1].weight_ih)  # of other trials
    nets = [network(env, seed=1), network(env, seed=2)]
    several = train(nets, env, seed=5, **settings)
    assert several[1] is nets[1] and several.seeds == [5, 6]
    again = train(several, env, **settings)
    assert again is several and several.seeds == [5, 6] and len(several.log) == 2
    assert train(several, env, seeds=range(2), **settings).seeds == [0, 1]
    assert len(train(net, env, seeds=np.arange(2), **settings)) == 2


def test_a_single_replicate():
    "One is also several: a log with replicate 0, the same weights as a plain run."
    env = noisy_mass()
    net = network(env)
    one = train(copy.deepcopy(net), env, replicates=1, n_batches=3, batch_size=4, engine="eager", progress=False)
    train(net, env, n_batches=3, batch_size=4, engine="eager", progress=False)
    assert len(one) == 1 and one.log.index.names == ["replicate", "batch"]
    for p, q in zip(net.parameters(), one[0].parameters(), strict=True):
        assert_equal(q.detach(), p.detach())


def test_making_them_leaves_global_chance_alone():
    "Networks are drawn from their own seeds."
    torch.manual_seed(3)
    want = torch.rand(2)
    torch.manual_seed(3)
    made = make_replicates(lambda: nn.Linear(2, 2), 3, seed=5)
    assert torch.equal(torch.rand(2), want)
    torch.manual_seed(6)
    assert torch.equal(made[1].weight, nn.Linear(2, 2).weight)


def test_unstack_gives_ordinary_modules():
    "Of the class that was trained, with weights of their own."
    env, together, _, _ = trained("noisy point mass, eager")
    nets = unstack(together)
    assert [type(n) for n in nets] == [mn.PolicyGRU] * 3
    for net, own in zip(nets, together, strict=True):
        assert net is not own and all(torch.equal(net.state_dict()[k], v) for k, v in own.state_dict().items())
    before = together[0].output.bias.detach().clone()
    train(nets[0], env, n_batches=1, batch_size=2, engine="eager", progress=False)
    assert torch.equal(together[0].output.bias, before) and not torch.equal(nets[0].output.bias, before)
    assert list(together) == [together[i] for i in range(3)]


ENV = point_mass_world()
NET = network(ENV)
REFUSED = {
    "no networks": (lambda: Replicates([]), ValueError, "networks"),
    "one network twice": (lambda: Replicates([NET, NET]), ValueError, "different networks"),
    "another class": (lambda: Replicates([NET, nn.Linear(1, 1)]), TypeError, "one class"),
    "another shape": (lambda: Replicates([NET, network(ENV, 5)]), ValueError, "weight_ih of shape"),
    "another precision": (lambda: Replicates([NET, network(ENV).double()]), ValueError, "one shape"),
    "other noise": (lambda: Replicates([NET, network(ENV, hidden_noise=0.1)]), ValueError, "hidden_noise = 0.1"),
    "too few seeds": (lambda: Replicates([NET], [1, 2]), ValueError, "seeds"),
    "a negative seed": (lambda: Replicates([NET], [-1]), ValueError, "seeds"),
    "half a seed": (lambda: Replicates([NET], [0.5]), ValueError, "seeds"),
    "a number for seeds": (lambda: train(NET, ENV, seeds=5), ValueError, "seeds"),
    "a word for seeds": (lambda: train(NET, ENV, seeds="12"), ValueError, "seeds"),
    "none": (lambda: train(NET, ENV, replicates=0), ValueError, "replicates"),
    "half": (lambda: train(NET, ENV, replicates=1.5), ValueError, "replicates"),
    "other number of seeds": (lambda: train(NET, ENV, replicates=2, seeds=[1]), ValueError, "seeds"),
    "other number of networks": (lambda: train([NET], ENV, replicates=2), ValueError, "replicates"),
    "a function and no number": (lambda: train(lambda: network(ENV), ENV), TypeError, "replicates"),
    "a function of nothing": (lambda: train(lambda: 3, ENV, replicates=2), TypeError, "policy"),
    "no function": (lambda: train(3, ENV, replicates=2), TypeError, "policy"),
    "an optimiser": (
        lambda: train(NET, ENV, replicates=2, optimizer=torch.optim.SGD(NET.parameters())), TypeError, "each replicate"
    ),
    "a body that learns": (
        lambda: train(NET, Environment(mn.ReluPointMass24(mn.PointMass(mass=nn.Parameter(torch.tensor(1.0)))), mn.RandomTargetReach(), duration=0.1), replicates=2),
        ValueError, "without parameters to learn",
    ),
    "unstack of a network": (lambda: unstack(NET), TypeError, "replicates"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call()
    assert "it must be" in str(caught.value)


# ---- playing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_simulate_plays_each_as_if_it_were_alone(engine):
    "The same trials, the same noise; a leading dimension replicate with the seeds on it."
    env, together, _, _ = trained("noisy point mass, eager")
    ds = simulate(together, env, n=4, seed=3, split="train", engine=engine)
    assert ds.endpoint_position.dims == ("replicate", "trial", "time", "space") and ds.sizes["replicate"] == 3
    assert list(ds.replicate.values) == [0, 1, 2] and list(ds.seed.values) == SEEDS and ds.seed.dims == ("replicate",)
    for i, net in enumerate(unstack(together)):
        own, want = ds.isel(replicate=i), simulate(net, env, n=4, seed=3, split="train", engine="eager")
        assert set(own.variables) - {"replicate", "seed"} == set(want.variables)
        for name, variable in want.variables.items():
            if variable.dtype.kind == "f":
                np.testing.assert_allclose(own[name], variable, rtol=1e-4, atol=2e-5, err_msg=name)
            else:
                np.testing.assert_array_equal(own[name], variable, err_msg=name)
            assert own[name].dims == variable.dims and own[name].attrs == variable.attrs, name
    for name in ("condition", "target_direction", "go_time", "max_isometric_force", "time", "observation_label"):
        assert "replicate" not in ds[name].dims, name
    assert int(ds.attrs["seed"]) == 3 and "config" in ds.attrs and ds.attrs["policy_class"] == "PolicyGRU"


def test_given_trials_and_no_noise():
    env, together, _, _ = trained("noisy point mass, eager")
    trials = env.sample(3, 5, "train")
    ds = simulate(together, env, trials, deterministic=True)
    assert "noisy_action" not in ds and ds.sizes["trial"] == 3
    np.testing.assert_allclose(ds.goal_position.isel(replicate=1), trials.goal)


def test_a_rollout_of_a_batch_of_training_has_trials_of_each():
    "Where replicates play trials of their own, so do their labels."
    env, together, _, _ = trained("noisy point mass, eager")
    streams = [Streams(seed) for seed in together.seeds]
    played = play(together, env, [env.sample(4, s, "train") for s in streams], streams)
    ds = mn.to_dataset(played)
    assert ds.target_direction.dims == ds.go_time.dims == ("replicate", "trial") and ds.time.dims == ("time",)
    one = mn.to_dataset(play(together[1], env, env.sample(4, streams[1], "train"), streams[1]))
    np.testing.assert_allclose(ds.isel(replicate=1).go_time, one.go_time)
    np.testing.assert_allclose(ds.isel(replicate=1).endpoint_position, one.endpoint_position, atol=1e-5)


def test_they_are_saved_and_loaded(tmp_path):
    "Networks, seeds, log and results."
    env, together, _, _ = trained("noisy point mass, eager")
    ds = simulate(together, env, n=3)
    ds.to_netcdf(tmp_path / "ds.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "ds.nc", engine="h5netcdf") as again:
        assert again.load().identical(ds)
    mn.save(tmp_path / "run", policy=together, environment=env, log=together.log, results=ds)
    again = mn.load(tmp_path / "run")
    assert isinstance(again.policy, Replicates) and again.policy.seeds == SEEDS
    assert all(torch.equal(v, again.policy.state_dict()[k]) for k, v in together.state_dict().items())
    assert again.log.equals(together.log) and again.results.identical(ds)
    assert simulate(again.policy, again.environment, n=3).equals(ds)


def test_networks_of_ones_own_are_loaded_into_replicates(tmp_path):
    make = lambda: Perceptron(3, 2)  # noqa: E731
    mn.save(tmp_path, policy=make_replicates(make, 2))
    with pytest.raises(TypeError, match=r"mn.Replicates of 2 networks, each a .*Perceptron to fill"):
        mn.load(tmp_path)
    fresh = Replicates([make(), make()])
    assert mn.load(tmp_path, policy=fresh).policy is fresh
    assert_equal(fresh[1].layers[0].bias.detach(), make_replicates(make, 2)[1].layers[0].bias.detach())


def test_analysis_of_replicates():
    "Kinematics, speed and lateral deviation of each; pictures are of one, and say so."
    env = point_mass_world(mn.CenterOutReach(n_targets=4, go_time=0.02), duration=0.3)
    nets = Replicates([network(env, seed=i) for i in range(2)])
    ds = simulate(nets, env)
    table = mn.analysis.reach_kinematics(ds)
    assert (
        table.index.names == ["replicate", "trial"] and len(table) == 8 and table.attrs["units"]["peak_speed"] == "m/s"
    )
    for i in range(2):
        one = ds.isel(replicate=i)
        assert table.loc[i].equals(mn.analysis.reach_kinematics(one))
        for function in (mn.analysis.endpoint_speed, mn.analysis.lateral_deviation):
            both = function(ds)
            assert both.dims == ("replicate", "trial", "time")
            np.testing.assert_array_equal(both.isel(replicate=i), function(one))
            assert function(ds.isel(trial=0)).dims == ("replicate", "trial", "time")
    log = train(nets, env, n_batches=2, batch_size=2, engine="eager", progress=False).log
    pictures = (mn.views.kinematics, mn.views.activations, mn.views.time_courses, mn.views.trajectories)
    for view in pictures:
        with pytest.raises(ValueError, match=r"ds = 'a Dataset of 2 replicates' .* ds\.isel\(replicate=0\)"):
            view(ds, *(["endpoint_position"] if view is mn.views.time_courses else []))
        view(ds.isel(replicate=0), *(["endpoint_position"] if view is mn.views.time_courses else []))
    for shown in (log, log.loc[0]):
        mn.views.training(shown)


def test_replicates_are_equal_in_their_networks_and_seeds():
    "Pickled, copied and taken apart, they are; with other weights, seeds or settings they are not."
    env = noisy_mass()
    for make in (network, lambda env, seed: Perceptron(env.n_observations, env.n_actions)):
        replicates = Replicates([make(env, seed=1), make(env, seed=2)], seeds=[3, 4])
        for again in (pickle.loads(pickle.dumps(replicates)), copy.deepcopy(replicates)):
            assert again == replicates and again is not replicates
        assert Replicates(unstack(replicates), [3, 4]) == replicates
        assert Replicates(unstack(replicates), [3, 5]) != replicates
        assert Replicates(unstack(replicates)[::-1], [3, 4]) != replicates
        again = copy.deepcopy(replicates)
        again[1].leak = 0.1
        assert again != replicates and replicates != replicates[0]
        again = copy.deepcopy(replicates)
        with torch.no_grad():
            next(again.parameters()).view(-1)[0] += 1e-6
        assert again != replicates and len({replicates, again}) == 2

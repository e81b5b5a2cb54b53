"""Experiments saved and loaded whole, or in parts."""

import json

import pytest
import torch
from torch import nn
from worlds import Perceptron, PolicyLSTM, arm_world, network, point_mass_world

import motornet_nb as mn


@pytest.fixture(scope="module")
def env():
    return arm_world(vision_delay=0.05, proprioception_delay=0.02)


@pytest.fixture(scope="module")
def ds(env):
    return mn.simulate(network(env), env, seed=4)


ENVIRONMENTS = {
    "arm, centre-out in a field": lambda: arm_world(mn.CenterOutReach(loads=[mn.CurlField(8.0)]), vision_delay=0.05),
    "arm, delayed reach, pulses": lambda: arm_world(mn.DelayedReach(loads=[mn.ForcePulse([0, 4], onset_range=[0, 0.1])])),
    "arm with paths": lambda: mn.Environment(mn.geometric_arm26(), mn.RandomTargetReach(), duration=0.1),
    "compliant arm": lambda: mn.Environment(mn.CompliantTendonArm26(), mn.PosturalHold(), duration=0.002),
    "Kistemaker's muscles": lambda: mn.Environment(
        mn.RigidTendonArm26(mn.RigidTendonHillMuscle(), integration_method="rk4", n_ministeps=2), mn.CenterOutReach(), duration=0.2
    ),
    "MuJoCo's muscles": lambda: mn.Environment(mn.RigidTendonArm26(mn.MujocoHillMuscle(), damping=0.2), mn.CenterOutReach(), duration=0.2),
    "reacher": lambda: mn.Environment(mn.Reacher(), mn.CenterOutReach(n_targets=3), duration=0.2),
    "point mass": lambda: point_mass_world(mn.CenterOutReach(go_time=0.02)),
    "free point mass": lambda: mn.Environment(mn.FreePointMass24(), mn.RandomTargetReach(), duration=0.1, sensors=["vision"]),
    "body of one's own, float64": lambda: mn.Environment(
        mn.Effector(mn.PointMass(mass=2.0), mn.ReluMuscle(), dtype=torch.float64).add_muscle([0, 1], [[1.0, 1.0], [0.0, 0.0]], name="only"),
        mn.RandomTargetReach(loads=[mn.ConstantLoad(torque_vector=[0.1, 0.2]), mn.ForceChannel()]),
        duration=0.1,
        action_noise=[0.1],
        action_stacking=2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_whole_experiments_come_back(make, tmp_path):
    env = make()
    net = network(env, n_units=5)
    loss = mn.ReachLoss(beta=3.0).without("kernel")
    log = mn.train(net, env, loss=loss, n_batches=2, batch_size=2, engine="eager", progress=False)
    results = mn.simulate(net, env, n=2)
    assert mn.save(tmp_path / "deep" / "run", policy=net, environment=env, loss=loss, log=log, results=results).is_dir()
    again = mn.load(tmp_path / "deep" / "run")
    assert again.environment == env and again.loss == loss and again.policy == net
    assert again.results.identical(results) and again.log.equals(log)
    for key, value in net.state_dict().items():
        assert (
            torch.equal(value, again.policy.state_dict()[key]) and value.dtype == again.policy.state_dict()[key].dtype
        )
    assert mn.simulate(again.policy, again.environment, n=2).equals(results)  # bit for bit
    assert again == mn.load(tmp_path / "deep" / "run")
    with torch.no_grad():
        again.policy.bias_ih[0] += 1
    assert again != mn.load(tmp_path / "deep" / "run") and again != "experiment"


def test_folder_holds_nothing_that_executes(tmp_path, env):
    mn.save(tmp_path, policy=network(env), environment=env)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"experiment.json", "weights.safetensors"}
    json.loads((tmp_path / "experiment.json").read_text())


@pytest.mark.parametrize("kind", [Perceptron, PolicyLSTM])
def test_networks_of_ones_own(kind, tmp_path, env):
    net = kind(env.n_observations, env.n_actions)
    results = mn.simulate(net, env)
    mn.save(tmp_path, policy=net, environment=env, results=results)
    with pytest.raises(TypeError, match=rf"policy = None .*\.{kind.__name__} to fill"):
        mn.load(tmp_path)
    fresh = kind(env.n_observations, env.n_actions)
    again = mn.load(tmp_path, policy=fresh)
    assert again.policy is fresh and mn.simulate(fresh, again.environment).equals(results)
    with pytest.raises(ValueError, match="is not allowed; it must be of the saved shape"):
        mn.load(tmp_path, policy=kind(env.n_observations, env.n_actions, n_units=3))


class Sized(mn.PolicyGRU):
    "A network that is made for an environment, which it does not keep."

    def __init__(self, env):
        super().__init__(n_inputs=env.n_observations, n_units=3, n_actions=env.n_actions)


def test_weights_of_a_network_that_cannot_be_rebuilt_are_saved_all_the_same(tmp_path, env):
    "And fill one that is made by hand."
    net = Sized(env)
    ds = mn.simulate(net, env)
    assert "what its __init__ got as env is not known" in ds.attrs["policy_missing"]
    assert json.loads(ds.attrs["policy_settings"])["n_units"] == 3
    mn.save(tmp_path, policy=net)
    with pytest.raises(TypeError, match=r"a .*Sized to fill with the saved weights"):
        mn.load(tmp_path)
    assert mn.load(tmp_path, policy=Sized(env)).policy == net


def test_precision_of_the_weights_comes_back(tmp_path):
    net = Perceptron(4, 2).double()
    mn.save(tmp_path, policy=net)
    again = mn.load(tmp_path, policy=Perceptron(4, 2))
    assert {p.dtype for p in again.policy.parameters()} == {torch.float64}


def test_parts_of_an_experiment(tmp_path, ds):
    mn.save(tmp_path, results=ds)
    again = mn.load(tmp_path)
    assert again.results.identical(ds) and again.policy is again.environment is again.log is again.loss is None
    mn.save(tmp_path, results=ds.isel(trial=[0]))  # replaces
    assert mn.load(tmp_path).results.sizes["trial"] == 1


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({}, "nothing to save"),
        ({"policy": 3}, "policy = 3 .* a Module"),
        ({"environment": nn.Linear(1, 1)}, "environment = .* an? Environment"),
        ({"loss": lambda rollout: 0}, "loss = .* a Model"),
        ({"log": 3}, "log = 3 .* pandas table"),
        ({"results": {"a": 1}}, "results = .* xarray Dataset"),
    ],
)
def test_what_cannot_be_saved_is_refused(arguments, says, tmp_path):
    with pytest.raises(TypeError, match=says):
        mn.save(tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


DAMAGE = {
    "experiment.json is gone": lambda d: (d / "experiment.json").unlink(),
    "experiment.json is no JSON": lambda d: (d / "experiment.json").write_text("{"),
    "experiment.json is no experiment": lambda d: (d / "experiment.json").write_text("[1]"),
    "experiment.json is from the future": lambda d: (d / "experiment.json").write_text('{"version": 99}'),
    "weights are gone": lambda d: (d / "weights.safetensors").unlink(),
    "weights are cut": lambda d: (d / "weights.safetensors").write_bytes(b"\x00" * 5),
    "results are cut": lambda d: (d / "results.nc").write_bytes((d / "results.nc").read_bytes()[:500]),
    "results are text": lambda d: (d / "results.nc").write_text("trial,time"),
    "log is another table": lambda d: (d / "log.csv").write_text("a,b\n1,2\n"),
    "class is unknown": lambda d: (d / "experiment.json").write_text(
        '{"version": 1, "environment": {"type": "Nowhere"}}'
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_folders_are_refused_in_words(damage, tmp_path, env, ds):
    net = network(env)
    log = mn.train(net, env, n_batches=1, batch_size=2, engine="eager", progress=False)
    mn.save(tmp_path, policy=net, environment=env, log=log, results=ds)
    damage(tmp_path)
    with pytest.raises(ValueError, match="is not allowed; it must be"):
        mn.load(tmp_path)


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"it has no experiment\.json"):
        mn.load(tmp_path / "nowhere")

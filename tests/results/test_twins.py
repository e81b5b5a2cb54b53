"""The same trials without some of their loads."""

import numpy as np
import pytest
import torch
from worlds import arm, network

import motornet_nb as mn
from motornet_nb.control.replicates import Replicates
from motornet_nb.results.dataset import simulate
from motornet_nb.results.twins import Twins, simulate_twin, unperturbed

ONSET = 0.1
NOISE = {"action_noise": 0.05, "vision_noise": 0.01, "proprioception_noise": 0.01}


def world(*loads, task=mn.CenterOutReach, **arguments):
    "Reaches of the arm with loads and with all kinds of noise."
    return mn.Environment(arm(), task(loads=list(loads)), **{"duration": 0.2} | NOISE | arguments)


def pulse(**arguments):
    "A brief force that begins in the middle of a trial."
    return mn.ForcePulse(**{"magnitude": 4.0, "onset": ONSET, "duration": 0.05} | arguments)


def test_until_the_load_begins_every_bit_is_the_same():
    env = world(pulse())
    net = network(env, hidden_noise=0.02)
    perturbed, twin = simulate_twin(net, env, seed=3)
    before, after = slice(0, ONSET), slice(ONSET + 0.005, None)
    for name in (n for n, v in perturbed.data_vars.items() if "time" in v.dims):
        np.testing.assert_array_equal(perturbed[name].sel(time=before), twin[name].sel(time=before), err_msg=name)
    # drives differ once the hand has been sensed elsewhere; noise never does
    for name in ("joint_position", "endpoint_velocity", "muscle_length"):
        assert (perturbed[name].sel(time=after) != twin[name].sel(time=after)).any("time").all(), name
    noise = [ds["noisy_action"] - ds["action"] for ds in (perturbed, twin)]
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-6)
    assert float(abs(noise[0]).max()) > 0.05 and not twin["endpoint_load"].any() and perturbed["endpoint_load"].any()


def test_with_loads_it_is_what_simulate_gives():
    env = world(pulse())
    net = network(env)
    made = simulate_twin(net, env, seed=3, n=5)
    assert isinstance(made, Twins) and made.twin.sizes["trial"] == 5
    plain = simulate(net, env, n=5, seed=3)
    for name in plain.data_vars:
        np.testing.assert_array_equal(made.perturbed[name], plain[name], err_msg=name)


def test_the_twin_moves_as_in_a_world_without_the_load():
    net = network(world())
    _, twin = simulate_twin(net, world(pulse(), mn.CurlField(8.0)), loads="all", seed=5)
    free = simulate(net, world(), seed=5)
    np.testing.assert_allclose(twin["endpoint_position"], free["endpoint_position"], atol=1e-7)
    assert list(twin["condition"].values) == list(free["condition"].values)


def test_one_of_several_loads():
    field, late = mn.CurlField(8.0), pulse(onset=0.15, direction=1.0)
    env = world(field, pulse(), late)
    net = network(env)
    _, twin = simulate_twin(net, env, loads=1)
    other = simulate(net, world(field, pulse(magnitude=0.0), late))
    np.testing.assert_allclose(twin["endpoint_position"], other["endpoint_position"], atol=1e-7)
    np.testing.assert_allclose(twin["endpoint_load"], other["endpoint_load"], atol=1e-5)
    assert set(twin["condition"].values) == {"reach + CurlField + ForcePulse"}
    _, without = simulate_twin(net, env, loads=[2, 1])
    alone = simulate(net, world(field))
    np.testing.assert_allclose(without["endpoint_position"], alone["endpoint_position"], atol=1e-7)
    assert set(without["condition"].values) == {"reach + CurlField"}


def test_loads_that_act_in_some_trials_only():
    env = world(pulse(probability=0.5))
    trials = env.sample(40, seed=2)
    without = unperturbed(env, trials)
    assert trials.loads[0]["mask"].any() and not trials.loads[0]["mask"].all()
    assert not without.loads[0]["mask"].any() and not without.loads[0]["gain"].any()
    torch.testing.assert_close(without.loads[0]["vector"], trials.loads[0]["vector"])
    assert without.labels["condition"] == ["reach"] * 40 and len(set(trials.labels["condition"])) == 2
    assert torch.equal(without.joint_state, trials.joint_state) and torch.equal(without.inputs, trials.inputs)
    with pytest.raises(AttributeError):
        trials.loads = ()  # they stay as they are
    assert unperturbed(env, env.sample(4, seed=1)).labels["condition"] == ["reach"] * 4


def test_a_name_of_ones_own_stays():
    env = world(pulse())
    trials = env.sample(3)
    trials.labels["condition"] = ["mine", "reach + ForcePulse", "ForcePulse"]
    assert unperturbed(env, trials).labels["condition"] == ["mine", "reach", "ForcePulse"]


def test_replicates():
    env = world(pulse())
    nets = Replicates([network(env, seed=s) for s in range(2)], [0, 1])
    perturbed, twin = simulate_twin(nets, env)
    assert perturbed.sizes["replicate"] == 2 == twin.sizes["replicate"]
    same = (perturbed["endpoint_position"] == twin["endpoint_position"]).all(["trial", "space"])
    assert same.sel(time=slice(0, ONSET)).all() and not same.sel(time=slice(0.13, None)).any()


@pytest.mark.parametrize("loads", ["none", 1, -1, [], [0, 5], 0.5, [True], None])
def test_loads_that_are_not_there_are_refused(loads):
    env = world(pulse())
    with pytest.raises(ValueError, match=r"(?s)unperturbed: loads = .* must be 'all', or positions"):
        simulate_twin(network(env), env, loads=loads)


def test_what_has_no_loads_has_no_twin():
    with pytest.raises(ValueError, match="must be an environment whose task has at least one"):
        simulate_twin(network(world()), world())
    env = world(pulse())
    with pytest.raises(ValueError, match="trials = "):
        unperturbed(env, world().sample(3))

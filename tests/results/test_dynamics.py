"""Fixed points and their linear dynamics, of networks whose fixed points are known, and of the paper's."""

import copy

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from worlds import arm_world, network, point_mass_world

import motornet_nb as mn
from motornet_nb.results.dynamics import fixed_points, linearisation


class Recurrent(nn.Module):
    "h' = f(W h + x)."

    def __init__(self, weight, f=torch.tanh):
        super().__init__()
        self.weight, self.f = nn.Parameter(torch.tensor(weight)), f

    def init_hidden(self, batch_size):
        return self.weight.new_zeros(batch_size, len(self.weight))

    def forward(self, observation, hidden):
        hidden = self.f(hidden @ self.weight.T + observation)
        return hidden[:, :1], hidden


DECISION = [[1.2, -0.8], [-0.8, 1.2]]
STABLE = 0.9575040240772687  # tanh(2 a) = a


def identity(x):
    return x


def test_a_linear_network_has_one_fixed_point():
    weight = np.array([[0.5, 0.3], [-0.2, 0.8]])
    x = np.array([0.1, -0.4])
    found = fixed_points(Recurrent(weight, identity), x, noise=1.0, n_starts=8, timestep=0.01)
    np.testing.assert_allclose(found["hidden"], [np.linalg.solve(np.eye(2) - weight, x)], atol=1e-12)
    np.testing.assert_allclose(found["jacobian"][0], weight)
    value = found["eigenvalue_real"][0] + 1j * found["eigenvalue_imag"][0]
    np.testing.assert_allclose(sorted(value.values, key=np.imag), sorted(np.linalg.eigvals(weight), key=np.imag))
    assert int(found["n_arrived"][0]) == found.attrs["n_converged"] == found.attrs["n_starts"] == 8


def test_two_stable_states_and_a_saddle():
    found = fixed_points(Recurrent(DECISION), [0.0, 0.0], noise=0.5, timestep=0.01)
    assert list(found["n_unstable"].values) == [0, 0, 1]
    np.testing.assert_allclose(
        sorted(found["hidden"].values.tolist()), [[-STABLE, STABLE], [0, 0], [STABLE, -STABLE]], atol=1e-9
    )
    np.testing.assert_allclose(found["eigenvalue_real"][2], [2.0, 0.4], atol=1e-9)
    slope = 1 - STABLE**2
    np.testing.assert_allclose(found["eigenvalue_real"][0], [2 * slope, 0.4 * slope], atol=1e-9)
    np.testing.assert_allclose(found["max_modulus"], [2 * slope, 2 * slope, 2.0], atol=1e-9)
    np.testing.assert_allclose(np.abs(found["eigenvector_real"][2, :, 0]), np.sqrt(0.5))  # along (1, -1)
    assert float(found["eigenvector_real"][2, 0, 0] * found["eigenvector_real"][2, 1, 0]) < 0
    np.testing.assert_allclose(found["time_constant"][2], [-0.01 / np.log(2), -0.01 / np.log(0.4)])
    assert int(found["n_arrived"].sum()) == found.attrs["n_converged"]


def test_the_observation_moves_them():
    "A strong enough input leaves one state."
    found = fixed_points(Recurrent(DECISION), [1.5, -1.5], noise=0.5)
    assert found.sizes["fixed_point"] == 1
    h = found["hidden"].values[0]
    np.testing.assert_allclose(np.tanh(np.array(DECISION) @ h + [1.5, -1.5]), h)
    np.testing.assert_array_equal(found["observation"], [1.5, -1.5])
    assert "time_constant" not in found and "frequency" not in found  # in what unit?


def test_frequency_and_time_constant_of_a_rotation():
    r, angle, step = 0.95, 2 * np.pi * 1.5 * 0.02, 0.02
    weight = r * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = fixed_points(Recurrent(weight, identity), [0.0, 0.0], n_starts=4, timestep=step)
    np.testing.assert_allclose(found["frequency"], [[1.5, 1.5]])
    np.testing.assert_allclose(found["time_constant"], [[-step / np.log(r)] * 2])
    assert float(found["eigenvalue_imag"][0, 0]) > 0 > float(found["eigenvalue_imag"][0, 1])


def test_slow_points_are_let_in_by_tolerance():
    "A state that nearly stays: h' = h + 0.001 + 0.1 h²."
    slow = Recurrent([[1.0]], lambda x: x + 0.001 + 0.1 * x**2)
    near = np.linspace(-0.3, 0.3, 20)[:, None]
    assert fixed_points(slow, [0.0], visited=near).sizes["fixed_point"] == 0
    found = fixed_points(slow, [0.0], visited=near, tolerance=1e-6, distance=0.02)
    np.testing.assert_allclose(found["hidden"], [[0.0]], atol=0.01)
    np.testing.assert_allclose(found["speed"], [0.001], rtol=0.01)
    np.testing.assert_allclose(found["q"], 0.5 * found["speed"] ** 2)


def test_states_of_a_network_that_runs_away():
    "By itself it leaves the fixed point at 0."
    found = fixed_points(Recurrent([[2.0]], identity), [1e-3])
    np.testing.assert_allclose(found["hidden"], [[-1e-3]])
    assert int(found["n_unstable"][0]) == 1


def test_where_there_is_none_none_is_found():
    found = fixed_points(Recurrent([[1.0]], lambda x: x + 0.1), [0.0], timestep=0.01)
    assert found.sizes["fixed_point"] == 0 and found.attrs["n_converged"] == 0
    assert found["jacobian"].shape == (0, 1, 1) and found["time_constant"].shape == (0, 1)


@pytest.fixture(scope="module")
def reaches():
    env = arm_world(mn.CenterOutReach(n_targets=4))
    net = network(env, n_units=10)
    return net, mn.simulate(net, env)


def test_fixed_points_of_the_papers_network(reaches):
    net, ds = reaches
    found = fixed_points(net, ds, trial=2, time=0.1, n_starts=24)
    assert found.sizes["fixed_point"] >= 1 and float(found["q"].max()) <= 1e-16
    np.testing.assert_array_equal(found["observation"], ds["observation"].sel(trial=2, time=0.1))
    assert list(found["muscle"].values) == list(ds["muscle"].values)
    exact, seen = copy.deepcopy(net).double(), torch.tensor(found["observation"].values)
    for one in range(found.sizes["fixed_point"]):
        h = torch.tensor(found["hidden"].values[one])
        with torch.no_grad():
            action, after = exact(seen[None], h[None])
            np.testing.assert_allclose(after[0], h, atol=1e-8)
            np.testing.assert_allclose(found["action"][one], action[0], atol=1e-8)
            nudge = 1e-5 * torch.eye(10, dtype=torch.float64)
            change = (exact(seen.expand(10, -1), h + nudge)[1] - exact(seen.expand(10, -1), h - nudge)[1]).T / 2e-5
        np.testing.assert_allclose(found["jacobian"][one], change, atol=1e-7)
    np.testing.assert_allclose(found["max_modulus"], np.abs(np.linalg.eigvals(found["jacobian"].values)).max(1))


def test_the_network_comes_to_rest_at_the_stable_one(reaches):
    net, ds = reaches
    found = fixed_points(net, ds, trial=0, time=0.1, n_starts=24)
    exact, seen = copy.deepcopy(net).double(), torch.tensor(found["observation"].values)[None]
    h = exact.init_hidden(1)
    with torch.no_grad():
        for _ in range(3000):
            h = exact(seen, h)[1]
    gap = np.linalg.norm(found["hidden"].values - h.numpy(), axis=1)
    assert gap.min() < 1e-6 and int(found["n_unstable"][int(gap.argmin())]) == 0


def test_the_policy_stays_as_it_is(reaches):
    net = copy.deepcopy(reaches[0])
    net.dropout = nn.Dropout(0.5).eval()
    net.bias_hh.requires_grad_(False)
    net.weight_hh.grad = torch.ones_like(net.weight_hh)
    before, flags = copy.deepcopy(net.state_dict()), [p.requires_grad for p in net.parameters()]
    state = torch.random.get_rng_state()
    fixed_points(net, reaches[1], trial=0, time=0.1, n_starts=4, n_steps=5)
    assert all(torch.equal(v, before[k]) and v.dtype == before[k].dtype for k, v in net.state_dict().items())
    assert flags == [p.requires_grad for p in net.parameters()]
    assert net.training and not net.dropout.training and torch.equal(torch.random.get_rng_state(), state)
    assert net.weight_ih.grad is None and (net.weight_hh.grad == 1).all()


def test_noise_of_the_network_is_off(reaches):
    quiet, ds = reaches
    noisy = mn.PolicyGRU(quiet.n_inputs, quiet.n_units, quiet.n_actions, hidden_noise=0.3)
    noisy.load_state_dict(quiet.state_dict())
    options = {"trial": 1, "time": 0.1, "n_starts": 8}
    xr.testing.assert_allclose(fixed_points(noisy, ds, **options), fixed_points(quiet, ds, **options))


def test_the_same_seed_gives_the_same(reaches):
    net, ds = reaches
    options = {"trial": 1, "time": 0.1, "n_starts": 8, "n_steps": 20}
    xr.testing.assert_identical(fixed_points(net, ds, **options), fixed_points(net, ds, **options))


def test_results_survive_a_file(reaches, tmp_path):
    found = fixed_points(reaches[0], reaches[1], trial=1, time=0.1, n_starts=8)
    found.to_netcdf(tmp_path / "points.nc", engine="h5netcdf")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "points.nc", engine="h5netcdf"), found)


def test_linearisation_anywhere(reaches):
    net, ds = reaches
    seen = ds["observation"].isel(trial=0, time=5)
    jacobian = linearisation(net, seen, ds["hidden"].isel(trial=0))
    assert jacobian.dims == ("time", "unit", "from_unit") and jacobian.sizes["time"] == ds.sizes["time"]
    one = linearisation(net, seen.values, ds["hidden"].values[0, 7])
    assert one.dims == ("unit", "from_unit")
    np.testing.assert_allclose(one, jacobian[7])
    weight = np.array(DECISION)
    h = np.array([0.3, -0.2])
    slope = 1 - np.tanh(weight @ h) ** 2
    np.testing.assert_allclose(linearisation(Recurrent(DECISION), [0.0, 0.0], h), slope[:, None] * weight, rtol=1e-6)


class Pair(Recurrent):
    def init_hidden(self, batch_size):
        return super().init_hidden(batch_size), super().init_hidden(batch_size)


@pytest.mark.parametrize(
    "call, says",
    [
        (
            lambda net, ds: fixed_points(Pair(DECISION), [0.0, 0.0]),
            r"Pair: hidden state = 'a tuple of 2' .* one tensor \(batch, unit\)",
        ),
        (lambda net, ds: fixed_points(identity, [0.0]), "a torch.nn.Module"),
        (lambda net, ds: fixed_points(net, [0.0, 1.0]), "n_inputs"),
        (lambda net, ds: fixed_points(net, ds["observation"]), "one observation"),
        (lambda net, ds: fixed_points(net, [np.nan] * net.n_inputs), "one observation"),
        (lambda net, ds: fixed_points(net, ds, time=0.1), "trial = None"),
        (lambda net, ds: fixed_points(net, ds, trial=99, time=0.1), "trial = 99"),
        (lambda net, ds: fixed_points(net, ds, trial=0), "time = None"),
        (lambda net, ds: fixed_points(net, ds, trial=0, time=3.0), "time = 3.0"),
        (lambda net, ds: fixed_points(net, [0.0] * net.n_inputs, trial=0), "a Dataset of simulate"),
        (lambda net, ds: fixed_points(net, ds, trial=0, time=0.1, visited=np.zeros((3, 4))), "visited"),
        (lambda net, ds: fixed_points(net, ds, trial=0, time=0.1, n_starts=0), "n_starts = 0"),
        (lambda net, ds: fixed_points(net, ds, trial=0, time=0.1, tolerance=-1), "tolerance = -1"),
        (lambda net, ds: fixed_points(net, [0.0] * net.n_inputs, timestep=0), "timestep = 0"),
        (lambda net, ds: fixed_points(Recurrent(DECISION), [0.0, 0.0, 0.0]), "observation .* can take"),
        (lambda net, ds: linearisation(net, [0.0] * net.n_inputs, np.zeros(3)), "hidden = "),
        (lambda net, ds: linearisation(net, [0.0] * net.n_inputs, ds["action"]), "the dimension unit"),
    ],
)
def test_wrong_arguments_are_refused_in_words(reaches, call, says):
    with pytest.raises((ValueError, TypeError), match=says):
        call(*reaches)


def test_several_networks_are_refused():
    env = point_mass_world()
    both = mn.Replicates([network(env, seed=s) for s in (0, 1)])
    with pytest.raises(TypeError, match=r"replicates\[0\]"):
        fixed_points(both, np.zeros(env.n_observations))

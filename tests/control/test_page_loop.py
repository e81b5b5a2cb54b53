"""A network and a body in a browser give what PyTorch gives in double precision, for every body, muscle and kind of network; what a page cannot play is refused."""

import json

import pytest
import torch
from bodies import BODIES
from comparing import DOUBLE, body_world, double_world
from in_page import empty_page, run_in_page
from torch import nn
from worlds import Perceptron, PolicyLSTM, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb.body.geometry import ConstantGeometry
from motornet_nb.control.closed_loop import Carry, ClosedLoop
from motornet_nb.control.fused_engine import _STATE_OF_SHELLS, _step_of
from motornet_nb.control.page_loop import PageLoop, script
from motornet_nb.core.parameters import quantity
from motornet_nb.fused import Recording
from motornet_nb.fused.javascript import PageProgram


@pytest.fixture(scope="module")
def page():
    "One browser for all tests, which knows how a page reaches."
    with empty_page(script(), "Reaches") as page:
        yield page


def same_in_page(page, policy, env, relative=1e-11):
    "One trial with noise and loads, all outputs of all steps."
    with torch.no_grad():
        played = mn.play(policy, env, env.sample(1, 3, "train"), seed=3)
    episode, loop = played.episode, ClosedLoop(policy, env)
    weights = {n: p.detach() for n, p in loop.named_parameters() if n.startswith("policy.")}
    weights |= {n: b for n, b in loop.named_buffers() if n.startswith("policy.")}
    carry = Carry(episode.state, policy.init_hidden(1))
    body, loads = episode.constants
    arguments = ((weights, body), loads, carry, episode.inputs, episode.feedback)
    reads = {"policy": policy, "environment": env}
    recording = Recording(_step_of(loop), *arguments, reads=reads, ignored=_STATE_OF_SHELLS, twice=False)
    program = PageProgram(_step_of(loop), *arguments, taps=env.taps, recording=recording)
    _, got = run_in_page(page, program, arguments, env.n_steps, list(program.output_places))
    assert set(got) >= {"endpoint_position", "joint_position", "activation", "muscle_force", "observation"}
    for name, numbers in got.items():
        want = played.recorded[name][0].flatten(1)
        off = (torch.from_numpy(numbers) - want).abs().max() / (want.abs().max() + 1e-6)
        assert off < relative, (name, float(off))


@pytest.mark.parametrize("name", BODIES)
def test_every_body(name, page):
    "With noise, delays of several steps, and in a plane a field."
    env = body_world(name)
    same_in_page(page, network(env), env)


@pytest.mark.parametrize("name", ["RigidTendonArm26, thelen", "geometric_arm26, kistemaker compliant"])
def test_the_other_integration_method(name, page):
    "Runge-Kutta: four evaluations of the body in a step."
    env = body_world(name, "rk4", duration=0.03)
    same_in_page(page, network(env), env)


class Mixed(nn.Module):
    "A network of one's own: layer normalisation, two kinds of memory, a buffer."

    def __init__(self, n_inputs, n_actions, n_units=10):
        super().__init__()
        self.inner, self.norm = nn.Linear(n_inputs + n_units, n_units), nn.LayerNorm(n_units)
        self.outer, self.n_units = nn.Linear(n_units, n_actions), n_units
        self.register_buffer("mask", (torch.arange(n_units) % 3 > 0).float())

    def init_hidden(self, batch_size):
        like = self.outer.weight
        return {"fast": like.new_full((batch_size, self.n_units), 0.1), "trace": like.new_zeros(batch_size)}

    def forward(self, observation, hidden):
        new = nn.functional.gelu(self.norm(self.inner(torch.cat((observation, hidden["fast"]), -1))))
        fast = hidden["fast"] + 0.3 * (new * self.mask - hidden["fast"])
        trace = 0.9 * hidden["trace"] + fast.mean(-1)
        return torch.sigmoid(self.outer(fast) + trace[:, None]), {"fast": fast, "trace": trace}


POLICIES = {"Perceptron": Perceptron, "LSTM": PolicyLSTM, "one's own": Mixed}


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy(name, page):
    "Without memory, with one or more hidden tensors."
    env = double_world(proprioception_delay=0.02)
    torch.manual_seed(0)
    same_in_page(page, POLICIES[name](env.n_observations, env.n_actions).to(DOUBLE), env)


def test_past_actions_in_the_observation(page):
    "Taps on the drives of the last steps."
    env = body_world("RigidTendonArm26, mujoco").replace(action_stacking=2)
    same_in_page(page, network(env), env)


class Chain(mn.Skeleton):
    "Three links without mass on three motors with inertia and friction: a skeleton of one's own."

    friction = quantity(0.4, "N m s/rad", "of each joint", at_least=0)
    lengths = (0.25, 0.2, 0.12)
    joint_names = ("shoulder", "elbow", "wrist")
    default_limits = ((0.0, 0.1, -1.0), (2.0, 2.4, 1.0))

    def bones(self, c, position):
        "The joints and the hand."
        angle, point = torch.zeros_like(position[:, 0]), torch.zeros_like(position[:, :2])
        points = [point]
        for i, length in enumerate(self.lengths):
            angle = angle + position[:, i]
            point = point + length * torch.stack((angle.cos(), angle.sin()), -1)
            points.append(point)
        return torch.stack(points, 1)

    def endpoint(self, c, position):
        "The hand."
        return self.bones(c, position)[:, -1]

    def jacobian(self, c, position):
        "Each joint turns the hand about itself."
        bones = self.bones(c, position)
        arm = bones[:, -1:] - bones[:, :-1]
        return torch.stack((-arm[..., 1], arm[..., 0]), 1)

    def acceleration(self, c, position, velocity, torque, endpoint_load=None):
        "Motors do not feel each other."
        if endpoint_load is not None:
            torque = torque + (self.jacobian(c, position) * endpoint_load.unsqueeze(-1)).sum(1)
        return (torque - c["friction"] * velocity) / 0.1


def chain_world(**arguments) -> mn.Environment:
    "Six muscles, two for each joint of the chain."
    arms = torch.tensor([[-0.04, 0.04, 0, 0, -0.01, 0], [0, 0, -0.03, 0.03, 0.02, 0], [0, 0, 0, 0, 0.015, -0.02]])
    muscles = {"geometry": ConstantGeometry(moment_arm=arms), "max_isometric_force": 60.0}
    body = mn.Effector(Chain(), mn.ReluMuscle(), timestep=0.01, **muscles)
    return mn.Environment(body, mn.CenterOutReach(distance=0.05), duration=0.5, **arguments)


def differences(page, loop, *place, **changes):
    "By which a trial differs in the page, by the name of the output."
    reference = loop.reference(*place, **changes)
    assert max(map(len, (reference["posture"], reference["target"]))) <= 3
    description = loop.description()
    programs = ", ".join(f"{name}: {description[name]['source']}" for name in ("steps", "begins"))
    said = json.dumps([description, reference])
    return page.evaluate(f"([d, r]) => new Reaches({{{programs}}}, d).compare(r)", json.loads(said))


def test_a_network_and_a_body_of_ones_own(page):
    "Single precision, three joints, two kinds of memory; a field, a weak muscle, a longer delay and the other network."
    env = chain_world(vision_delay=0.03, proprioception_delay=0.02)
    torch.manual_seed(2)
    nets = [Mixed(env.n_observations, env.n_actions) for _ in range(2)]
    loop = PageLoop(nets, env)
    posture, weak = [0.6, 1.2, 0.1], [0.5, 1, 1, 0.8, 1, 1]
    hand = env.effector.endpoint_at(torch.tensor([posture]))[0].detach()
    there = (hand + torch.tensor([0.03, -0.04])).tolist()
    changes = {"field": -6.0, "strength": weak, "vision_delay": 7, "network": 1}
    found = differences(page, loop, posture, there, **changes)
    assert set(found) == {"endpoint_position", "joint_position", "activation", "hidden"}
    assert max(found.values()) < 1e-9
    other = PageLoop(nets[:1], env).reference(posture, there, **changes | {"network": 0})
    assert other["numbers"] != loop.reference(posture, there, **changes)["numbers"]


def test_what_is_turned_matters(page):
    "Against a trial with other settings the page differs: field, weakness and delay are not idle."
    env = mn.Environment(arm(), mn.CenterOutReach(), duration=0.4, vision_delay=0.02)
    loop, place = PageLoop([network(env)], env), ([0.8, 1.6], [-0.1, 0.45])
    usual = {"field": 4.0, "strength": [0.5, 1, 1, 1, 1, 1], "vision_delay": 3}
    description, right = loop.description(), loop.reference(*place, **usual)
    programs = ", ".join(f"{name}: {description[name]['source']}" for name in ("steps", "begins"))
    code = f"([d, r]) => new Reaches({{{programs}}}, d).compare(r).endpoint_position"
    assert page.evaluate(code, [description, right]) < 1e-12
    for other in ({"field": 5.0}, {"strength": [0.6, 1, 1, 1, 1, 1]}, {"vision_delay": 4}):
        changed = loop.reference(*place, **usual | other)
        kept = ("field", "strength", "vision_delay")
        assert page.evaluate(code, [description, right | {"numbers": changed["numbers"]}]) > 1e-6, other
        assert page.evaluate(code, [description, changed]) < 1e-12
        assert [changed[name] for name in kept] != [right[name] for name in kept]


def test_noise_is_normal_and_can_be_turned(page):
    "Drives with noise differ from drives without by numbers of the standard deviation that was asked for."
    env = point_mass_world(mn.CenterOutReach(distance=0.05), action_noise=0.05, vision_noise=0.01, duration=1.0)
    loop = PageLoop([network(env, hidden_noise=0.02)], env)
    description = loop.description()
    assert description["noise"]["action"]["value"] == pytest.approx(0.05)
    shape = description["noise"]["observation"]["shape"]
    assert [s for s in shape if s] == [1.0, 1.0] and description["noise"]["hidden"]["value"] == pytest.approx(0.02)
    programs = ", ".join(f"{name}: {description[name]['source']}" for name in ("steps", "begins"))
    code = f"""([d, share]) => {{
      const arm = new Reaches({{{programs}}}, d, 5), place = arm.scan.layout.places.input[d.at.action_noise], all = [];
      arm.noise.action *= share;
      for (let trial = 0; trial < 5; trial++) {{
        arm.begin([0, 0], [0.05, 0]);
        while (!arm.over) {{ arm.step(); all.push(...arm.scan.memory.subarray(place[0], place[0] + place[1])) }}
      }}
      return all;
    }}"""
    numbers = torch.tensor(page.evaluate(code, [description, 2]), dtype=DOUBLE)
    assert len(numbers) == 2000 and float(numbers.std()) == pytest.approx(0.1, rel=0.06)
    assert abs(float(numbers.mean())) < 0.01 and float((numbers.abs() > 0.196).double().mean()) == pytest.approx(
        0.05, abs=0.02
    )
    assert page.evaluate(code, [description, 2]) == numbers.tolist()  # the same seed
    assert set(page.evaluate(code, [description, 0])) == {0}


def test_a_muscle_whose_strength_is_more_than_a_factor_is_not_weakened():
    "Where other coefficients follow from it, a page cannot turn it; the rest plays."

    class Thick(mn.ReluMuscle):
        def coefficients(self, muscles):
            return super().coefficients(muscles) | {"area": muscles["max_isometric_force"] / 30}

    env = mn.Environment(mn.ReluPointMass24(muscle=Thick()), mn.CenterOutReach(distance=0.05), duration=0.2)
    loop = PageLoop([network(env)], env)
    assert not loop.weakens and loop.description()["at"]["strength"] is None


class Sorting(Perceptron):
    "Does what no program can."

    def forward(self, observation, hidden):
        action, hidden = super().forward(observation, hidden)
        return action.sort(-1).values, hidden


def test_what_a_page_cannot_play_is_refused_in_words():
    "Loads that depend on the target, several networks as one, networks of two kinds, operations without a place in the table."
    env = point_mass_world(mn.CenterOutReach(distance=0.05))
    net = network(env)
    channel = env.replace(task=env.task.replace(loads=[mn.ForceChannel()]))
    with pytest.raises(ValueError, match=r"env.*ForceChannel.*whatever the target"):
        PageLoop([net], channel)
    with pytest.raises(TypeError, match="one network, such as"):
        PageLoop([mn.Replicates([net])], env)
    with pytest.raises(ValueError, match="compute the same"):
        PageLoop([net, network(env, n_units=7)], env)
    with pytest.raises(mn.fused.Unsupported, match="sort"):
        PageLoop([Sorting(env.n_observations, env.n_actions)], env)

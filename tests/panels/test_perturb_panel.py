"""A trained network that can be disturbed: every control, the target that is dragged, the Python that does the same."""

import math

import numpy as np
import pytest
import torch
from hands import drag

import motornet_nb as mn
from motornet_nb.core.model import from_config
from motornet_nb.panels.panel import CodeBox, descendants
from motornet_nb.panels.perturb_panel import Perturb
from motornet_nb.task.perturbation import Perturbation, SingleReach, single_reach


def _environment(task=None, **changes) -> mn.Environment:
    changes = {"duration": 0.2, "vision_delay": 0.05, "proprioception_delay": 0.02} | changes
    return mn.Environment(mn.geometric_arm26(), task or mn.DelayedReach(), **changes)


def _network(environment: mn.Environment) -> mn.PolicyGRU:
    torch.manual_seed(0)
    net = mn.PolicyGRU(environment.n_observations, 8, environment.n_actions)
    torch.nn.init.constant_(net.output.bias, -2.0)  # so that it moves
    return net


@pytest.fixture
def panel():
    environment = _environment()
    return Perturb(_network(environment), environment)


def _browser_drags(panel, picture, x, y):
    drag(panel, picture, picture.target, 0, x, y)


def test_every_control_changes_the_environment_and_nothing_else(panel):
    """Each slider sets its own value; the given environment is left as it is."""
    given = panel.given.to_config()
    strength = panel.given.effector.max_isometric_force
    for name, value, read in (
        ("field_strength", 12.0, lambda e: float(e.task.loads[0].strength)),
        ("vision_delay", 9, lambda e: round(e.vision_delay / e.timestep)),
        ("proprioception_delay", 4, lambda e: e.delay_steps["proprioception"]),
        ("action_noise", 0.05, lambda e: float(e.action_noise)),
        ("observation_noise", 0.04, lambda e: float(e.observation_noise)),
        ("direction", 200.0, lambda e: math.degrees(e.task.first_angle)),
        ("distance", 0.06, lambda e: e.task.distance),
        ("strength 2", 0.3, lambda e: float(e.effector.max_isometric_force[2] / strength[2])),
    ):
        before = np.array(panel.hand_picture.way.data["x"])
        panel.controls[name].slider.value = value
        assert read(panel.environment) == pytest.approx(value), name
        assert panel.controls[name].field.value == pytest.approx(value)
        assert not np.array_equal(before, panel.hand_picture.way.data["x"]), f"{name} has not redrawn the reach"
    assert panel.given.to_config() == given
    assert len(panel.environment.task.loads) == 1


def test_controls_go_back_one_by_one_and_all_together(panel):
    """The button of a control brings back its own value; reset brings back the beginning."""
    beginning, way = panel.environment, np.array(panel.hand_picture.way.data["x"])
    panel.controls["field_strength"].slider.value = 10.0
    panel.controls["strength 0"].slider.value = 0.5
    panel.controls["vision_delay"].slider.value = 1
    for name in ("field_strength", "strength 0", "vision_delay"):
        panel.controls[name].reset.click()
    assert panel.environment == beginning
    assert np.array_equal(way, panel.hand_picture.way.data["x"])
    panel.controls["distance"].slider.value = 0.05
    panel.controls["action_noise"].slider.value = 0.1
    panel.reset()
    assert panel.environment == beginning and panel.controls["distance"].field.value == 0.1


def test_the_faint_line_is_the_reach_without_perturbation(panel):
    """It stays while something is disturbed, and follows the target."""
    way = np.array(panel.hand_picture.way.data["x"])
    assert np.array_equal(panel.hand_picture.reference.data["x"], way)
    panel.controls["field_strength"].slider.value = 30.0
    assert np.array_equal(panel.hand_picture.reference.data["x"], way)
    assert not np.array_equal(panel.hand_picture.way.data["x"], way)
    panel.controls["direction"].slider.value = 120.0
    alone = mn.simulate(panel.net, Perturbation(direction=math.radians(120), distance=0.1).applied_to(panel.given))
    assert np.allclose(panel.hand_picture.reference.data["x"][1:], alone["endpoint_position"][0, :, 0], atol=1e-7)


def test_the_target_can_be_dragged_in_both_pictures(panel):
    """Direction and distance follow the mouse; what the browser repeats does nothing."""
    start = panel._reach.start
    for picture, place in ((panel.hand_picture, (0.03, 0.04)), (panel.arm_picture, (-0.05, 0.0))):
        _browser_drags(panel, picture, *(start + place))
        assert panel.environment.task.distance == pytest.approx(0.05, abs=1e-3)
        angle = math.atan2(place[1], place[0])
        assert panel.perturbation.direction == pytest.approx(angle, abs=2e-3)
    assert panel.controls["distance"].field.value == pytest.approx(0.05, abs=1e-3)
    for picture in (panel.hand_picture, panel.arm_picture):
        assert picture.target.data["x"][0] == pytest.approx(start[0] - 0.05, abs=1e-4)


def test_a_target_out_of_reach_is_refused(panel):
    """The message says why; target, controls and environment go back."""
    before = panel.environment
    _browser_drags(panel, panel.arm_picture, 3.0, 3.0)
    assert "distance" in panel._message.text
    assert panel.environment is before
    assert panel.arm_picture.target.data["x"] == pytest.approx([panel._reach.target[0]])
    panel.controls["field_strength"].slider.value = 5.0
    assert panel._message.text == ""


@pytest.mark.parametrize(
    ("name", "value"), [("strength 1", 1.5), ("strength 1", 0.05), ("distance", -0.1), ("vision_delay", 0)]
)
def test_what_is_not_allowed_is_refused(panel, name, value):
    """A number typed into a field that is not allowed is said to be so, not clipped."""
    before = panel.environment
    panel.controls[name].field.value = value
    assert panel._message.text and panel.environment is before
    assert panel.controls[name].field.value == panel._value(name)


def test_a_slider_that_the_browser_moves_to_its_nearest_step_changes_nothing(panel):
    """A value between two steps of the slider stays what it is; a value typed close to it does not."""
    control = panel.controls["distance"]
    environment = panel.environment
    control.slider.value = 0.1 + 0.3 * control.slider.step
    assert panel.environment is environment and control.field.value == 0.1
    control.field.value = 0.1 + 0.3 * control.slider.step
    assert panel.environment.task.distance == pytest.approx(control.field.value) and control.field.value != 0.1


def test_the_python_does_the_same(panel):
    """code() makes the environment and simulates what is shown; the configuration rebuilds it."""
    for name, value in (("field_strength", 8.0), ("strength 4", 0.6), ("observation_noise", 0.02), ("vision_delay", 7)):
        panel.controls[name].slider.value = value
    made: dict = {"net": panel.net}
    exec(panel.code(), made)
    assert made["environment"] == panel.environment == from_config(panel.config)
    for name in ("endpoint_position", "activation"):
        assert np.array_equal(made["results"][name], panel.results[name])
    box = next(w for w in descendants(panel) if "motornet-code" in getattr(w, "_dom_classes", ()))
    panel._code.toggle()
    panel.controls["field_strength"].slider.value = 9.0
    assert "strength=9.0" in box.value
    assert isinstance(panel._code, CodeBox)


def test_a_load_that_is_a_function_has_no_python():
    """It works all the same; instead of the code stands why there is none."""
    task = mn.DelayedReach(loads=[lambda motion, time, drawn: 0 * motion.endpoint_velocity])
    environment = _environment(task)
    panel = Perturb(_network(environment), environment)
    panel._code.toggle()
    panel.controls["field_strength"].slider.value = 9.0
    assert panel._code.area.value.startswith("# ") and len(panel.environment.task.loads) == 2


def test_the_cursor_moves_the_arm(panel):
    """The time slider draws the arm along its way, without playing again."""
    played = panel._played
    panel.time.value = 5
    assert panel.arm_picture.hand.data["x"][0] == panel._reach.hand[5, 0]
    assert panel.speed_picture.cursor.location == pytest.approx(0.05)
    panel.controls["field_strength"].slider.value = 9.0
    assert panel.arm_picture.hand.data["x"][0] == panel._reach.hand[5, 0]
    assert panel._played is not played


def test_the_network_is_left_as_it_is(panel):
    """Weights and mode stay."""
    weights = {n: w.clone() for n, w in panel.net.state_dict().items()}
    panel.net.train()
    panel.controls["field_strength"].slider.value = 9.0
    assert panel.net.training
    assert all(torch.equal(w, weights[n]) for n, w in panel.net.state_dict().items())


@pytest.mark.parametrize(
    "task", [mn.RandomTargetReach(), mn.CenterOutReach(start_posture=[0.7, 1.4]), mn.PosturalHold()]
)
def test_other_tasks_are_shown_as_they_were(task):
    """The network sees what it knows, whatever task it was trained in."""
    environment = _environment(task)
    made = Perturbation(direction=0.3, distance=0.05).applied_to(environment)
    assert made.observation_labels == environment.observation_labels
    panel = Perturb(_network(environment), environment)
    assert panel.environment.n_observations == environment.n_observations
    if isinstance(task, mn.CenterOutReach):
        assert torch.equal(panel.environment.task.start_posture, task.start_posture)


def test_loads_of_the_task_stay():
    """A field is added to what is there."""
    pulse = mn.ForcePulse(magnitude=3.0, onset=0.05)
    made = Perturbation(field_strength=-7.0, distance=0.1).applied_to(_environment(mn.CenterOutReach(loads=[pulse])))
    assert [type(load).__name__ for load in made.task.loads] == ["ForcePulse", "CurlField"]
    assert Perturbation(field_strength=-7.0).applied_to(_environment(mn.CenterOutReach())).task.n_targets == 8


def test_noise_of_each_element_has_no_slider():
    """Such noise stays as it is."""
    noise = [0.01, 0.02, 0.03, 0.0, 0.0, 0.0]
    environment = _environment(action_noise=noise)
    panel = Perturb(_network(environment), environment)
    assert "action_noise" not in panel.controls
    assert panel.environment.action_noise.tolist() == noise


def test_what_is_refused_at_once():
    """Replicates, a body on a line, a network for something else, weak muscles that are not there."""
    environment = _environment()
    with pytest.raises(TypeError, match="Perturb: env"):
        Perturb(_network(environment), environment.effector)
    other = mn.Environment(environment.effector, mn.RandomTargetReach(), duration=0.2)
    with pytest.raises(ValueError, match="n_inputs"):
        Perturb(_network(other), environment)
    with pytest.raises(ValueError, match="6 muscles"):
        Perturbation(muscle_strength=[0.5]).applied_to(environment)
    with pytest.raises(ValueError, match="go cue"):
        SingleReach(shows=["colour"])
    assert single_reach(other, 0.0, 0.1).go_time == 0


def test_what_was_perturbed_can_still_be_trained():
    "Nothing that it computed without gradients stays in the network or the body."
    environment = _environment()
    net = _network(environment)
    panel = Perturb(net, environment)
    panel.controls["field_strength"].slider.value = 10.0
    for each in (environment, panel.environment):
        assert len(mn.train(net, each, n_batches=1, batch_size=2, engine="eager", progress=False)) == 1

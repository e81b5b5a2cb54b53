"""The panel of gradients: what it shows, and what its buttons change."""

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.learning.gradients import drive_gradients
from motornet_nb.panels.gradient_panel import GradientPanel, arrows


def _environment(body, **changes) -> mn.Environment:
    changes = {"duration": 0.15, "vision_delay": 0.03, "proprioception_delay": 0.02} | changes
    return mn.Environment(body, mn.CenterOutReach(n_targets=3, go_time=0.02), **changes)


def _network(environment: mn.Environment, dtype=torch.float32) -> mn.PolicyGRU:
    torch.manual_seed(0)
    net = mn.PolicyGRU(environment.n_observations, 8, environment.n_actions).to(dtype)
    torch.nn.init.constant_(net.output.bias, -2.0)
    return net


def test_arrows_lie_along_the_paths():
    """In the middle of the longest piece: towards the origin for more drive, away from it for less."""
    paths = {"a": np.array([[0.0, 0.0], [0.0, 0.1], [1.0, 0.1]]), "b": np.array([[0.0, 0.0], [0.0, 1.0]])}
    made = arrows(paths, {"a": 1.0, "b": -0.5})
    assert np.allclose(made[0], [0.9, 0.1, 0.1, 0.1])
    assert np.allclose(made[1], [0.0, 0.3, 0.0, 0.7])
    assert arrows({}, {}).shape == (0, 4)


@pytest.fixture
def panel():
    environment = _environment(mn.geometric_arm26())
    return GradientPanel(_network(environment), environment, learning_rate=0.01)


def test_the_panel_shows_the_gradient_at_the_chosen_time(panel):
    """Bars and arrows are those of that time; signs and colours agree."""
    plain = drive_gradients(panel.net, panel.env, panel.trials.select([0]), deterministic=True)
    assert np.array_equal(panel.gradient, plain["drive_gradient"][0])
    panel.time.value = 4
    assert np.array_equal(panel.bar_values.data["wanted"], -panel.gradient[4])
    more = (panel.gradient[4] < 0).sum()
    assert len(panel.arrows["more"].data["x0"]) == more
    assert len(panel.arrows["less"].data["x0"]) == 6 - more
    assert panel.gradient_picture.cursor.location == pytest.approx(0.05)
    assert panel.arm_picture.hand.data["x"][0] == panel._reach.hand[5, 0]


def test_another_trial(panel):
    """The choice of a trial shows its reach and its gradient."""
    first = panel.gradient.copy()
    panel.choice.value = 2
    assert not np.array_equal(first, panel.gradient)
    assert np.allclose(panel.hand_picture.target.data["x"][0], float(panel.trials.goal[2, 0]))
    assert np.array_equal(panel.hand_picture.reference.data["x"], panel.hand_picture.way.data["x"])


def test_only_the_button_changes_the_network_and_reset_takes_it_back(panel):
    """One step of the optimizer on this trial; its loss becomes smaller; the weights come back exactly."""
    before = {n: w.clone() for n, w in panel.net.state_dict().items()}
    panel.time.value, panel.choice.value = 3, 1
    assert all(torch.equal(w, before[n]) for n, w in panel.net.state_dict().items())
    way, loss = np.array(panel.hand_picture.way.data["x"]), panel.results.attrs["loss"]
    for _ in range(3):
        panel.step_button.click()
    assert panel.steps == 3 and panel.results.attrs["loss"] < loss
    assert any(not torch.equal(w, before[n]) for n, w in panel.net.state_dict().items())
    assert np.allclose(panel.hand_picture.reference.data["x"], way, atol=1e-6)
    assert not np.allclose(panel.hand_picture.way.data["x"], way, atol=1e-6)
    panel.reset()
    assert all(torch.equal(w, before[n]) for n, w in panel.net.state_dict().items())
    assert panel.steps == 0 and panel.results.attrs["loss"] == pytest.approx(loss)


def test_the_step_is_one_of_train(panel):
    """The same weights as one batch of training with this trial: Adam, the gradient clipped to norm 1."""
    named = dict(panel.net.named_parameters())
    copy = _network(panel.env)
    copy.load_state_dict(panel.net.state_dict())
    total, _ = panel.loss(mn.play(copy, panel.env, panel.trials.select([0]), deterministic=True))
    total.backward()
    torch.nn.utils.clip_grad_norm_(copy.parameters(), 1.0)
    torch.optim.Adam(copy.parameters(), lr=0.01).step()
    panel.train_step()
    for name, weight in copy.named_parameters():
        assert torch.allclose(weight, named[name], atol=1e-6), name


def test_a_body_whose_muscles_are_no_paths_has_arrows_on_schematic_ones():
    """An arrow a muscle, and the figure says that the paths are schematic."""
    environment = _environment(mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()))
    panel = GradientPanel(_network(environment), environment)
    assert sum(len(arrow.data["x0"]) for arrow in panel.arrows.values()) == 6
    assert "schematic" in panel.arm_picture.arm.note.text and np.abs(panel.bar_values.data["wanted"]).max() > 0


def test_what_is_refused():
    """A network that cannot learn, a loss that is none, a rate of zero."""
    environment = _environment(mn.ReluPointMass24())
    net = _network(environment)
    with pytest.raises(ValueError, match="learning_rate"):
        GradientPanel(net, environment, learning_rate=0.0)
    with pytest.raises(TypeError, match="loss"):
        GradientPanel(net, environment, loss=sum)
    with pytest.raises(ValueError, match="learnt"):
        GradientPanel(net.requires_grad_(False), environment)


def test_ticks_leave_out_a_power_of_ten_that_the_label_says(panel):
    "What is kept stays as it is: a tick times its factor is what is read."
    axes = panel.bars.xaxis[0], panel.gradient_picture.figure.yaxis[0]
    for top in (2.5e-4, 0.03, 7.0):
        panel._ds["drive_gradient"][:] = 0.0
        panel._ds["drive_gradient"][0, 4, 0] = -top
        panel.time.value = 4
        panel._redraw()
        factor, power = {2.5e-4: (1e6, " (10⁻⁶)"), 0.03: (1e3, " (10⁻³)"), 7.0: (1.0, "")}[top]
        assert panel.bar_values.data["wanted"][0] == pytest.approx(top)
        for axis in axes:
            assert axis.formatter.args["factor"] == pytest.approx(factor)
            assert axis.axis_label == f"−∂ loss / ∂ drive{power}"


def test_times_are_told_in_ms(panel):
    "Slider and axes alike."
    assert panel.time.options[4][0] == "50 ms"
    for picture in (panel.gradient_picture, panel.activation_picture):
        axis = picture.figure.xaxis[0]
        assert axis.axis_label == "time (ms)" and axis.formatter.args["factor"] == 1000
        assert "go cue at 20 ms" in panel._status.value


def test_one_legend_for_all_figures(panel):
    "Of arm, bars and courses; none within them."
    sources = panel.arm_picture.arm.muscles, panel.bar_values, panel.gradient_picture.lines
    assert {s.id for s in (*sources, panel.activation_picture.lines)} <= set(panel.legend.sources)
    assert [t.label for t in panel.legend.toggles] == list(panel.env.effector.muscle_names)
    assert not any(p.figure.right for p in (panel.gradient_picture, panel.activation_picture))


def test_a_move_of_the_time_leaves_the_courses_alone(panel):
    "Only what depends on the time is drawn again."
    panel.time.value = 1
    changed, courses = [], (panel.gradient_picture.lines, panel.activation_picture.lines, panel.hand_picture.way)
    for source in (*courses, panel.bar_values, panel.hand_picture.hand):
        source.on_change("data", lambda attr, old, new, source=source: changed.append(source))
    panel.time.value = 5
    assert panel.bar_values in changed and panel.hand_picture.hand in changed
    assert not any(source in changed for source in courses)


def test_the_trial_before_and_the_next(panel):
    "By buttons that are off where there is none."
    assert panel.previous.disabled and not panel.next.disabled
    panel.next.click()
    assert panel.choice.value == 1 and not panel.previous.disabled
    assert np.allclose(panel.hand_picture.target.data["y"][0], float(panel.trials.goal[1, 1]))
    panel.next.click()
    assert panel.choice.value == 2 and panel.next.disabled
    panel.previous.click()
    assert panel.choice.value == 1 and not panel.next.disabled

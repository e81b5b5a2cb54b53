"A held body that is let go."

import numpy as np
import pytest
import torch

import motornet_nb as mn
from motornet_nb.live.body_pictures import BodyPicture
from motornet_nb.panels.held_body import HeldBody
from motornet_nb.panels.moving_body import Movement, MovingBody, picture_sources

DRIVES = [0.4, 0.05, 0.3, 0.05, 0.2, 0.05]


@pytest.fixture
def arm():
    return mn.geometric_arm26()


@pytest.mark.parametrize("body", [mn.geometric_arm26, lambda: mn.RigidTendonArm26(mn.MujocoHillMuscle())])
def test_it_moves_as_the_body_does_by_itself(body):
    body = body()
    lowest = [float(body.muscle.min_activation)] * 6
    posture = [0.6, 1.4]
    frames = Movement(body, posture, lowest).go(DRIVES, 0.3)
    stride = round(frames.step / body.timestep)
    body.reset(options={"joint_state": posture})
    reached = []
    for _ in range(len(frames) * stride):
        body.step(DRIVES)
        reached.append((body.state.position[0].numpy(), body.state.muscle["activation"][0].numpy()))
    position, activation = (np.stack(values)[stride - 1 :: stride] for values in zip(*reached, strict=True))
    np.testing.assert_allclose(frames.posture, position, atol=1e-6)
    np.testing.assert_allclose(
        frames.columns["activation"], activation[:, : frames.columns["activation"].shape[1]], atol=1e-6
    )
    assert np.abs(frames.posture[-1] - posture).max() > 0.05


def test_pieces_are_one_movement(arm):
    pieces, whole = Movement(arm, [0.6, 1.4], DRIVES), Movement(arm, [0.6, 1.4], DRIVES)
    apart = [pieces.go(DRIVES, seconds).posture for seconds in (0.1, 0.05, 0.15)]
    np.testing.assert_array_equal(np.concatenate(apart), whole.go(DRIVES, 0.3).posture)


def test_muscles_that_were_active_are_so_from_the_beginning(arm):
    frames = Movement(arm, [0.6, 1.4], DRIVES).go(DRIVES, 0.05)
    np.testing.assert_allclose(frames.columns["activation"], np.tile(DRIVES, (len(frames), 1)), atol=1e-6)


def test_limits_hold(arm):
    frames = Movement(arm, [0.6, 1.4], [1.0, 0.01] * 3).go([1.0, 0.01] * 3, 2.0)
    lower, upper = (b.numpy() for b in arm.joint_limits[:2])
    assert (frames.posture >= lower - 1e-6).all() and (frames.posture <= upper + 1e-6).all()
    assert np.isclose(frames.posture[-1], upper, atol=1e-3).any()


def test_a_short_timestep_gives_no_more_frames_than_can_be_seen():
    body = mn.geometric_arm26().replace(timestep=0.002)
    frames = Movement(body, [0.6, 1.4], DRIVES).go(DRIVES, 0.1)
    assert len(frames) == 10 and frames.step == pytest.approx(0.01)


def test_force_can_set_the_width(arm):
    frames = Movement(arm, [0.6, 1.4], DRIVES).go(DRIVES, 0.05, "force")
    strength = arm.max_isometric_force.numpy()
    np.testing.assert_allclose(frames.columns["width"], 1.5 + 7.5 * np.clip(frames.columns["force"] / strength, 0, 1))


@pytest.fixture
def moving(arm):
    held = HeldBody(arm)
    held.hold([0.6, 1.4], [0.3] * 6)
    picture = BodyPicture(hand_moved=lambda place: None)
    picture.show(arm, held.state())
    return MovingBody(held, picture.figure, picture_sources(picture)), held


def ask(moving, n, kind="more", frame=3):
    number = moving.player.piece.data["n"][0]
    said = {
        "n": [float(n)],
        "kind": [kind],
        "after": [number],
        "piece": [number],
        "frame": [frame],
        "x": [0.0],
        "y": [0.0],
    }
    moving.player.page.data = said


def last(moving, column, width):
    return moving.player.piece.data[column][0].reshape(-1, width)[-1]


def test_a_slider_is_heard_in_the_next_piece_and_the_state_goes_on(moving):
    moving, held = moving
    moving.start()
    assert moving.going and moving._button.description == "Stop"
    before = last(moving, "bones_x", 3)
    held.hold(activation=[0.9] + [0.3] * 5)
    ask(moving, 1)
    assert last(moving, "of activation", 6)[0] > 0.85 and last(moving, "of activation", 6)[1] == pytest.approx(
        0.3, abs=1e-3
    )
    first = moving.player.piece.data["bones_x"][0].reshape(-1, 3)[0]
    assert 0 < np.abs(first - before).max() < 0.01  # one frame on


def test_it_stops_where_it_was_held_or_stays(moving):
    moving, held = moving
    moving.start()
    moving.stop()
    assert not moving.going and moving.player.back and held.posture.tolist() == [0.6, 1.4]
    moving._then.value = "stay where it is"
    moving.start()
    there = Movement(held.body, [0.6, 1.4], held.activation).go(held.activation, 0.2).posture[7]
    moving.stop()
    ask(moving, 2, "stopped", 7)
    assert not moving.player.back
    np.testing.assert_allclose(held.posture, there, atol=1e-6)


def test_held_elsewhere_it_goes_on_from_there_and_another_body_stops_it(moving):
    moving, held = moving
    moving.start()
    held.hold([1.0, 1.0])
    data = moving.player.piece.data
    assert data["cut"] == [True] and data["n"] == [2] and moving.going
    bones, _ = mn.views.arm.planar_outline(held.body, torch.tensor([1.0, 1.0]))
    assert abs(data["bones_x"][0][2] - bones[-1, 0]) < 0.01
    held.follow(mn.geometric_arm26())
    moving.follow()
    assert not moving.going and not moving.player.playing


def test_a_body_without_muscles_does_not_go():
    held = HeldBody(mn.Effector(mn.TwoDofArm(), mn.RigidTendonHillMuscle()))
    picture = BodyPicture()
    moving = MovingBody(held, picture.figure, picture_sources(picture))
    moving.start()
    assert moving._button.disabled and not moving.going

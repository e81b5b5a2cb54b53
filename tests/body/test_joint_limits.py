"""Limits of joints; joint states that are given, completed, refused, drawn."""

import numpy as np
import pytest
import torch
from bodies import arm, same

PRECISE = torch.float64


@pytest.mark.parametrize("convert", [lambda x: x, np.array, torch.tensor, lambda x: torch.tensor(x, dtype=PRECISE)])
@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize(("rows", "batch_size"), [(0, None), (1, None), (0, 3), (1, 3), (3, None), (3, 3)])
def test_a_joint_state_has_positions_or_both_and_one_row_or_a_batch(convert, columns, rows, batch_size):
    row = [0.75, 1.5, 0.5, -0.25][:columns]
    given = convert([row] * rows if rows else row)
    body = arm()
    states = body.reset(options={"joint_state": given, "batch_size": batch_size})
    expected = torch.tensor(row + [0.0] * (4 - columns)).expand(batch_size or max(rows, 1), -1)
    assert torch.equal(states["joint"], expected)


def test_rows_of_a_batch_stay_in_order():
    rows = [[0.1 * i, 0.2 * i] for i in range(5)]
    joint = arm(dtype=PRECISE).reset(options={"joint_state": rows})["joint"]
    assert joint[:, :2].tolist() == rows


def test_numpy_and_torch_joint_states_give_the_same_body():
    a, b = arm(), arm()
    x = np.array([[0.4, 1.3], [0.7, 0.9]])
    assert same(a.reset(options={"joint_state": x}), b.reset(options={"joint_state": torch.from_numpy(x)}))


def test_a_start_at_random_is_within_the_limits_and_at_rest():
    body = arm(pos_lower_bound=[0.5, 0.2], pos_upper_bound=[0.7, 1.8])
    joint = body.reset(seed=4, options={"batch_size": 2000})["joint"]
    low, high = joint[:, :2].min(0).values, joint[:, :2].max(0).values
    assert (low >= torch.tensor([0.5, 0.2])).all() and (high <= torch.tensor([0.7, 1.8])).all()
    assert torch.allclose(low, torch.tensor([0.5, 0.2]), atol=0.01) and torch.allclose(
        high, torch.tensor([0.7, 1.8]), atol=0.01
    )
    assert not joint[:, 2:].any()


@pytest.mark.parametrize("dtype", [torch.float32, PRECISE])
def test_the_limits_themselves_are_inside_the_limits(dtype):
    body = arm(dtype=dtype, vel_lower_bound=-0.1, vel_upper_bound=0.1)
    lower, upper = body.pos_lower_bound, body.pos_upper_bound
    for at, speed in ((lower, -0.1), (upper, 0.1)):
        for kind in (torch.float32, PRECISE):
            given = torch.cat((at, torch.full((2,), speed, dtype=PRECISE))).to(kind)
            assert torch.allclose(body.reset(options={"joint_state": given})["joint"][0], given.to(dtype))


@pytest.mark.parametrize(
    ("joint_state", "words"),
    [
        ([-0.1, 1.0], "within the position limits"),
        ([1.0, 3.0], "within the position limits"),
        ([[1.0, 1.0], [1.0, 2.8]], "within the position limits"),
        ([1.0, 1.0, 2000.0, 0.0], "within the velocity limits"),
        ([1.0], "finite numbers with 2 columns (positions) or 4 (positions and velocities)"),
        ([1.0, 1.0, 0.0], "finite numbers with 2 columns (positions) or 4"),
        ([[[1.0, 1.0]]], "finite numbers with 2 columns"),
        (np.zeros((0, 2)), "finite numbers with 2 columns"),
        (1.0, "finite numbers with 2 columns"),
        ([float("nan"), 1.0], "finite numbers with 2 columns"),
        ("middle", "finite numbers with 2 columns"),
        ([True, False], "finite numbers with 2 columns"),
        (torch.tensor([1 + 0j, 1.0]), "finite numbers with 2 columns"),
    ],
)
def test_impossible_joint_states_are_refused(joint_state, words):
    with pytest.raises(ValueError, match="RigidTendonArm26: joint_state = ") as caught:
        arm().reset(options={"joint_state": joint_state})
    assert words in str(caught.value)


def test_a_batch_size_that_does_not_fit_the_rows_is_refused():
    with pytest.raises(ValueError, match=r"joint_state = .* must be 1 row or batch_size = 4 rows"):
        arm().reset(options={"joint_state": [[1.0, 1.0]] * 3, "batch_size": 4})

"""What a slider varies: names, how values read, and whether a change is seen."""

import numpy as np
import pytest

import motornet_nb as mn
from motornet_nb.views.varied import SEEN, Held, including, nearest, seen_change, varied


@pytest.fixture(scope="module")
def held():
    body = mn.geometric_arm26()
    return Held(body, np.array([0.8, 1.5]), np.full(body.n_muscles, 0.2))


@pytest.mark.parametrize(
    "name, title",
    [
        ("skeleton.l1", "l1"),
        ("muscle_parameters.max_isometric_force.0", "max isometric force, pectoralis"),
        ("posture, shoulder", "shoulder angle"),
        ("posture.shoulder", "shoulder angle"),
        ("posture, Elbow", "elbow angle"),
        ("activation", "activation of all muscles"),
        ("activation, Biceps", "activation, biceps"),
    ],
)
def test_names_one_would_guess(held, name, title):
    assert varied(held, name, [0.3, 0.4]).title == title


def test_each_puts_its_value_where_it_belongs_and_nothing_else(held):
    longer = varied(held, "skeleton.l1", [0.3, 0.4]).put(held, 0.4)
    assert float(longer.body.skeleton.l1) == pytest.approx(0.4) and longer.posture is held.posture
    bent = varied(held, "posture, elbow", [1.0, 2.0]).put(held, 2.0)
    assert bent.posture.tolist() == [0.8, 2.0] and bent.body is held.body and held.posture.tolist() == [0.8, 1.5]
    active = varied(held, "activation, biceps", [0.0, 1.0]).put(held, 1.0)
    assert active.activation.tolist() == [0.2, 0.2, 0.2, 0.2, 1.0, 0.2]
    assert set(varied(held, "activation", [0.0, 1.0]).put(held, 0.7).activation) == {0.7}


def test_angles_read_in_degrees_and_begin_where_the_body_is(held):
    elbow = varied(held, "posture, elbow", np.radians([10, 80, 120]))
    assert elbow.texts == ["10°", "80°", "120°"] and elbow.start == 1
    assert varied(held, "posture, elbow", np.radians([80, 80.2])).texts == ["80.00°", "80.20°"]
    mass = mn.ReluPointMass24()
    still = Held(mass, np.zeros(2), np.zeros(mass.n_muscles))
    where = varied(still, "posture, x", [-0.1, 0.1])
    assert (where.title, where.texts) == ("x position", ["-0.1 m", "0.1 m"])


@pytest.mark.parametrize(
    "name",
    ["posture", "posture, knee", "activation, quadriceps", "skeleton.nothing", "l1", "muscle_parameters.tendon_length"],
)
def test_other_names_are_refused_with_those_there_are(held, name):
    with pytest.raises(
        ValueError, match=r"slider_grid: values = .*(posture, shoulder|activation, biceps|skeleton\.l1)"
    ):
        varied(held, name, [0.1, 0.2])


def test_the_change_of_one_slider_is_the_largest_of_what_is_drawn():
    values = np.array([[0.0, 0.01], [0.5, 0.51]])  # (first slider, second slider)
    assert seen_change([(values.reshape(4, 1), 1.0)], [2, 2], 0) == pytest.approx(0.5)
    assert seen_change([(values.reshape(4, 1), 1.0)], [2, 2], 1) == pytest.approx(0.01)
    assert seen_change([(values.reshape(4, 1), 100.0), (np.full((4, 3), np.nan), 1.0)], [2, 2], 0) == pytest.approx(
        0.005
    )
    assert 1e-4 < SEEN < 0.05


def test_ones_own_value_takes_the_place_of_the_nearest():
    assert including([0, 1, 2], 1.2) == [0.0, 1.2, 2.0] and nearest([0.0, 1.2, 2.0], 1.9) == 2

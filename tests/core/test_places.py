"""Places in a model."""

import pytest

import motornet_nb as mn
from motornet_nb.core.places import place_of, value_at, with_value


def test_a_value_anywhere():
    "The model that is edited stays as it was."
    env = mn.Environment(mn.geometric_arm26(), mn.CenterOutReach(loads=[mn.CurlField(strength=1.0)]))
    config = env.to_config()
    for place, value in [
        (("duration",), 0.5),
        (("task", "loads", 0, "strength"), 9.0),
        (("effector", "skeleton", "m1"), 2.5),
        (("effector", "muscle_parameters", "tendon_length", 3), 0.21),
        (("effector", "geometry", "points", 4, 1, 0), 0.07),
        (("effector", "pos_lower_bound", 1), 0.2),
    ]:
        changed = with_value(env, place, value)
        assert float(value_at(changed, place)) == pytest.approx(value, rel=1e-12)
        assert env.to_config() == config
        back = with_value(changed, place, value_at(env, place))
        assert back == env
    with pytest.raises(ValueError, match="names of parameters"):
        with_value(env, ("task", "no_such"), 1)
    with pytest.raises(ValueError, match="m1"):
        with_value(env, ("effector", "skeleton", "m1"), -1.0)


def test_a_place_from_its_name():
    "Numbers are positions."
    assert place_of("muscle_parameters.tendon_length.2") == ("muscle_parameters", "tendon_length", 2)
    assert place_of("dt") == ("dt",)


def test_where_there_is_nothing():
    "A name or a position that is not there."
    arm = mn.TwoDofArm()
    with pytest.raises(KeyError, match="m3"):
        value_at(arm, ("m3",))
    with pytest.raises(IndexError):
        value_at(mn.CenterOutReach(), ("loads", 0))
    with pytest.raises(ValueError, match="TwoDofArm has m1, m2"):
        with_value(arm, (0,), 1.0)
    assert with_value(arm, (), 3) == 3 and value_at(arm, ()) is arm

"""The Python that rebuilds a model."""

import pytest
from bodies import BODIES, make_body

import motornet_nb as mn
from motornet_nb.core.model import Model
from motornet_nb.core.parameters import quantity
from motornet_nb.core.script import as_python


class Wheel(Model):
    "A class of a user."

    radius = quantity(0.3, "m", "radius", above=0)


def rebuilt(model, name="model"):
    made = {}
    exec(as_python(model, name), made)
    return made[name]


@pytest.mark.parametrize("name", BODIES)
def test_the_python_makes_an_equal_body(name):
    body = make_body(name)
    assert rebuilt(body) == body and type(rebuilt(body)) is type(body)


def test_the_python_makes_an_equal_environment():
    task = mn.CenterOutReach(n_targets=4, loads=[mn.CurlField(strength=3.3), mn.ForcePulse(magnitude=[1.0, 2.0])])
    env = mn.Environment(mn.geometric_arm26(), task, duration=0.8, vision_delay=0.07, action_noise=0.1 + 0.2)
    assert rebuilt(env) == env
    assert all(len(line) < 140 for line in as_python(env).splitlines())


def test_what_is_imported_and_from_where():
    "From the package if it is there, else from its module; what a notebook defines is there already."
    assert as_python(mn.PointMass(), "ball") == "from motornet_nb import PointMass\n\nball = PointMass()\n"
    assert as_python(Wheel()).startswith(f"from {__name__} import Wheel\n") and rebuilt(Wheel(0.5)) == Wheel(0.5)
    script = as_python(mn.RandomTargetReach(loads=[mn.ConstantLoad([1.0, 0.0])]))
    assert script.startswith("from motornet_nb import ConstantLoad, RandomTargetReach\n")


def test_lines_are_as_long_as_asked_for():
    "Where an expression has parts to break at."
    arm = mn.TwoDofArm(m1=1.5, l1=0.31)
    assert as_python(arm, width=200).count("\n") == 3
    narrow = as_python(arm, width=20)
    assert "\nmodel = TwoDofArm(\n    m1=1.5,\n    l1=0.31,\n)\n" in narrow

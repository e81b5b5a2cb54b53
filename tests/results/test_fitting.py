"Which shipped networks fit an environment, and what is other there."

import pytest

import motornet_nb as mn
from motornet_nb.results.fitting import different, fitting, trained_in, training_in_words


def arm(task=None, **options):
    return mn.Environment(
        mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen()), mn.CenterOutReach() if task is None else task, **options
    )


def test_every_shipped_network_fits_where_it_was_trained():
    "And nothing is other there."
    assert set(trained_in()) == set(mn.pretrained().index)
    for name, env in trained_in().items():
        assert name in fitting(env) and different(env, env) == []
        assert different(mn.pretrained(name, replicate=0).environment, env) == []


@pytest.mark.parametrize(
    "env",
    [
        mn.Environment(mn.geometric_arm26(), mn.CenterOutReach()),
        mn.Environment(mn.CompliantTendonArm26(), mn.CenterOutReach()),
        mn.Environment(mn.RigidTendonArm26(mn.ReluMuscle()), mn.CenterOutReach()),
        arm(mn.RandomTargetReach()),
        arm(sensors=["vision"]),
        arm(action_stacking=1),
    ],
)
def test_what_fits_none(env):
    "Other paths, tendons, muscles, inputs, senses."
    assert fitting(env) == []


def test_a_point_mass_and_an_arm_have_their_own():
    assert fitting(mn.Environment(mn.ReluPointMass24(), mn.CenterOutReach())) == ["preferred_directions/point_mass"]
    assert [name.partition("/")[0] for name in fitting(arm())] == [
        *("curl_field", "perturbations", "preferred_directions", "preferred_directions"),
        *("curl_field", "perturbations"),
    ]


def test_what_is_other_is_told():
    there = trained_in()["preferred_directions/arm"]
    assert training_in_words(there) == "delayed reach, no load, vision 50 ms late, proprioception 20 ms late, 800 ms"
    loads = [mn.CurlField(8.0)]
    here = there.replace(task=there.task.replace(loads=loads, catch_fraction=0.0), action_noise=0.01, duration=1.0)
    assert different(here, there) == [
        "other settings of the task (catch fraction)",
        "curl field instead of no load",
        "noise on action 0.01 instead of 0",
        "trials of 1000 ms instead of 800 ms",
    ]
    stronger = here.replace(task=here.task.replace(loads=[mn.CurlField(4.0)]))
    assert different(stronger, here) == ["another curl field"]
    heavy = there.effector.replace(skeleton=there.effector.skeleton.replace(m1=3.0))
    assert different(there.replace(effector=heavy, silenced=["vision"]), there) == [
        "another body (m1)",
        "no vision instead of 50 ms late",
    ]

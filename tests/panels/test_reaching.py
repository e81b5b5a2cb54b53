"The reaches of a scene: what the studies say of the networks is seen in them."

import numpy as np
import pytest

import motornet_nb as mn
from motornet_nb.panels.reaching import (
    MODES,
    Disturbance,
    Reaching,
    disturbances,
    endpoint_error,
    in_words,
    side_deviation,
)

AHEAD = np.array([0.0, 0.1])
MODE = {mode.name: mode for mode in MODES}


@pytest.fixture(scope="module")
def reaching():
    naive, adapted = (mn.pretrained(f"curl_field/{name}", replicate=0) for name in ("naive", "adapted"))
    return Reaching(naive.policy, naive.tests()["no field"], mn.CurlField(8.0), adapted.policy)


@pytest.fixture(scope="module")
def deviation(reaching):
    "The largest deviation of each of the eight reaches, mm, by mode."
    centre = reaching.centre()
    middle = reaching.hand(centre)
    angles = np.arange(8) * np.pi / 4
    targets = [middle + 0.1 * np.array([np.cos(a), np.sin(a)]) for a in angles]
    return {
        m.name: np.array([1000 * side_deviation(reaching.reach(m, centre, t).reach) for t in targets]) for m in MODES
    }


def test_the_field_pushes_to_the_left_and_the_after_effect_goes_to_the_right(deviation):
    assert np.abs(deviation["undisturbed"]).max() < 15
    assert (deviation["field"] > 15).all()
    assert np.abs(deviation["practised"]).mean() < 0.5 * np.abs(deviation["field"]).mean()
    assert (deviation["after-effect"] < -10).all() and deviation["after-effect"].mean() < -20


def test_the_numbers_are_those_of_the_card(deviation):
    card = mn.pretrained("curl_field/adapted", replicate=0).card
    of = {test["name"]: 1000 * test["measures"]["max_lateral_deviation"][0] for test in card["tests"]}
    assert deviation["after-effect"].mean() == pytest.approx(of["no field"], abs=0.1)
    assert deviation["practised"].mean() == pytest.approx(of["curl field"], abs=0.1)


def test_frames_are_the_rollout(reaching):
    centre = reaching.centre()
    played = reaching.reach(MODE["field"], centre, reaching.hand(centre) + AHEAD)
    frames = reaching.frames(played, "said")
    np.testing.assert_allclose(frames.posture, played.rollout["joint_position"][0].double().numpy())
    np.testing.assert_allclose(frames.bones[:, -1], played.rollout["endpoint_position"][0].numpy(), atol=1e-6)
    assert frames.step == 0.01 and frames.words == "said" and frames.way
    force = played.rollout["endpoint_load"][0].numpy()
    np.testing.assert_allclose(frames.arrow[:, 1] - frames.arrow[:, 0], 0.03 * force, atol=1e-6)
    assert np.linalg.norm(force, axis=1).max() > 1


def test_a_reach_begins_at_rest_where_the_last_one_ended(reaching):
    centre = reaching.centre()
    out = reaching.reach(MODE["field"], centre, reaching.hand(centre) + AHEAD)
    back = reaching.reach(MODE["field"], out.end, reaching.hand(centre))
    np.testing.assert_allclose(back.reach.hand[0], out.reach.hand[-1], atol=1e-6)
    assert back.reach.speed[0] == 0 and np.linalg.norm(back.reach.hand[-1] - reaching.hand(centre)) < 0.02


@pytest.mark.parametrize(
    "label", ["no proprioception", "neither vision nor proprioception", "vision after 100 ms instead of 50 ms"]
)
def test_disturbances_are_felt(reaching, label):
    centre = reaching.centre()
    target = reaching.hand(centre) + AHEAD
    known = {d.label: d for d in disturbances(reaching.environment)}
    played = reaching.reach(MODE["undisturbed"], centre, target, known[label])
    plain = reaching.reach(MODE["undisturbed"], centre, target)
    assert np.abs(played.reach.hand - plain.reach.hand).max() > 0.01


def test_what_is_disturbed_is_in_the_environment(reaching):
    known = {d.label: d for d in disturbances(reaching.environment)}
    weak = reaching.in_mode(MODE["field"], known["weak biceps (30% of its strength)"])
    ratio = weak.effector.max_isometric_force / reaching.environment.effector.max_isometric_force
    np.testing.assert_allclose(ratio, [1, 1, 1, 1, 0.3, 1], rtol=1e-6)
    assert [type(load) for load in weak.task.loads] == [mn.CurlField]
    late = known["proprioception after 70 ms instead of 20 ms"].applied_to(reaching.environment)
    assert late.delay_steps == {"vision": 5, "proprioception": 7}
    assert known["no vision"].applied_to(reaching.environment).silenced == ("vision",)
    assert "pectoralis" in " ".join(known) and len(known) == 12


def test_no_muscle_is_weak_where_muscles_have_no_strength_and_a_body_may_have_one_sense():
    env = mn.Environment(mn.ReluPointMass24(), mn.RandomTargetReach(), sensors=("vision",))
    assert all("proprioception" not in d.label and "neither" not in d.label for d in disturbances(env))


def test_words_say_side_and_millimetres(reaching):
    centre = reaching.centre()
    played = reaching.reach(MODE["after-effect"], centre, reaching.hand(centre) + AHEAD)
    aside, error = -1000 * side_deviation(played.reach), 1000 * endpoint_error(played.reach)
    assert (
        in_words(played.reach)
        == f"{aside:.0f} mm to the right of the straight line, ends {error:.0f} mm from the target"
    )


def test_a_place_out_of_reach_is_refused(reaching):
    for place in ([0.9, 0.0], [0.0, -0.3]):
        with pytest.raises(ValueError, match="within the reach of the hand"):
            reaching.check_reachable(place, "Scene")


def test_what_cannot_be_computed_is_said(reaching):
    wild = Disturbance("wild", mn.Perturbation(field_strength=1e38))
    centre = reaching.centre()
    with pytest.raises(ArithmeticError, match="not finite"):
        reaching.reach(MODE["undisturbed"], centre, reaching.hand(centre) + AHEAD, wild)

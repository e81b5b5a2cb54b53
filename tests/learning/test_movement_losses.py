"""Losses of the literature: against the formulas in NumPy, against known answers, their gradients, in training."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch
from reaches import played_reaches
from worlds import Perceptron, arm, network, point_mass_world

import motornet_nb as mn
from motornet_nb import CenterOutReach, DelayedReach, Environment, Loss, Streams, from_config, play
from motornet_nb.control.recorded import RecordedSteps
from motornet_nb.control.rollout import Rollout
from motornet_nb.core.registry import choices
from motornet_nb.learning import movement_losses
from motornet_nb.learning.evaluation import outputs_read
from motornet_nb.learning.movement_losses import (
    CoContraction,
    Effort,
    EndpointVariance,
    FinalPosition,
    FinalVelocity,
    HiddenCurvature,
    Jerk,
    MinimumJerkTracking,
    antagonists,
    minimum_effort_loss,
    minimum_jerk_loss,
    minimum_jerk_position,
    repeats,
    time_from_onset,
)

TERMS = {
    "tracking": MinimumJerkTracking(reaction_time=0.02, movement_time=0.15),
    "jerk": Jerk(),
    "effort": Effort(),
    "drive": Effort(of="drive"),
    "position": FinalPosition(window=0.05),
    "velocity": FinalVelocity(window=0.05),
    "velocity after": FinalVelocity(reaction_time=0.02, movement_time=0.1),
    "curvature": HiddenCurvature(),
    "co-contraction": CoContraction(),
    "variance": EndpointVariance(reaction_time=0.02, movement_time=0.1),
}
LOSSES = {"minimum jerk": minimum_jerk_loss(), "minimum effort": minimum_effort_loss()}


def centre_out(duration=0.2, dtype=torch.float64, n_targets=3, n=12, seed=0, **arguments):
    "A rollout of the arm to few targets, with repeats and catch trials."
    task = CenterOutReach(n_targets=n_targets, go_time=0.05, catch_fraction=0.25)
    env = Environment(arm().to(dtype), task, duration=duration, **arguments)
    return play(network(env), env, env.sample(n, Streams(seed), "train"), seed)


@pytest.fixture(scope="module")
def played():
    "Three targets, catch trials, noise: no trial is exactly as another."
    return centre_out(vision_noise=0.05, proprioception_noise=0.05)


def rollout_of(environment, trials, **outputs):
    "What a rollout would be that had these outputs (batch, time, ...)."
    rows = zip(*(x.unbind(1) for x in outputs.values()), strict=True)
    steps = [dict(zip(outputs, row, strict=True)) for row in rows]
    return Rollout(torch.nn.Identity(), environment, environment.begin(trials, Streams(0)), RecordedSteps([steps]))


def by_hand(played):
    "Each term from its formula, trial by trial, in NumPy."
    dt, trials = played.timestep, played.trials
    names = ("endpoint_position", "endpoint_velocity", "target_position", "activation", "action", "hidden")
    x, v, target, a, u, h = (played[n].detach().numpy().astype(float) for n in names)
    start, goal, cue = (getattr(trials, n).numpy().astype(float) for n in ("start", "goal", "go_cue"))
    n, steps = x.shape[:2]
    time = dt * np.arange(1, steps + 1)
    go = [dt * np.flatnonzero(cue[i] == 0)[0] if (cue[i] == 0).any() else np.inf for i in range(n)]
    tracking, still, groups = [], [], {}
    for i in range(n):
        s = np.clip((time - go[i] - 0.02) / 0.15, 0, 1)
        wanted = start[i] + np.outer(10 * s**3 - 15 * s**4 + 6 * s**5, goal[i] - start[i])
        tracking += [np.sum((x[i] - wanted) ** 2, 1)]
        over = np.ones(steps, bool) if np.isinf(go[i]) else time - go[i] - 0.02 > 0.1 - 1e-6
        still += list(np.sum(v[i][over] ** 2, 1))
        if np.isfinite(go[i]):
            groups.setdefault(tuple(goal[i].round(5)), []).append(x[i][over])
    jerk = (x[:, 3:] - 3 * x[:, 2:-1] + 3 * x[:, 1:-2] - x[:, :-3]) / dt**3
    bend = (h[:, 2:] - 2 * h[:, 1:-1] + h[:, :-2]) / dt**2
    shared = []
    for one, other in ((0, 1), (2, 3), (4, 5)):
        for i in range(n):
            total = (a[i, :, one] + a[i, :, other]).sum()
            shared.append(2 * np.minimum(a[i, :, one], a[i, :, other]).sum() / total)
    each = [np.stack(g) for g in groups.values()]
    squares = sum(((g - g.mean(0)) ** 2).sum((0, 2)) for g in each)
    return {
        "tracking": np.mean(tracking),
        "jerk": np.mean(np.sum(jerk**2, -1)),
        "effort": np.mean(a**2),
        "drive": np.mean(u**2),
        "position": np.mean(np.sum((x - target)[:, -5:] ** 2, -1)),
        "velocity": np.mean(np.sum(v[:, -5:] ** 2, -1)),
        "velocity after": np.mean(still),
        "curvature": np.mean(bend**2),
        "co-contraction": np.mean(shared),
        "variance": np.mean(squares) / sum(len(g) - 1 for g in each),
    }


def test_every_term_is_its_formula(played):
    "In double precision, to rounding; none of them is 0 here."
    want = by_hand(played)
    for name, term in TERMS.items():
        value = term(played)
        assert value.shape == () and value.requires_grad and want[name] > 0, name
        assert value.item() == pytest.approx(want[name], rel=1e-9), name


def test_single_precision():
    "The same to what single precision holds; the jerk of positions that are known to 3e-8 m is off by its noise."
    played = centre_out(dtype=torch.float32, vision_noise=0.05)
    want = by_hand(played)
    for name, term in TERMS.items():
        value = term(played)
        assert value.dtype == torch.float32, name
        assert value.item() == pytest.approx(want[name], rel=1e-4), name


def test_the_value_of_a_term_is_that_of_any_layout(played):
    "A mean over trials does not depend on their order, nor do groups of repeats."
    order = torch.randperm(len(played.trials), generator=torch.Generator().manual_seed(3))
    names = ("endpoint_position", "joint_position", "joint_velocity", "activation", "action", "hidden")
    again = rollout_of(played.environment, played.trials.select(order), **{n: played[n].detach()[order] for n in names})
    for name, term in TERMS.items():
        assert term(again).item() == pytest.approx(term(played).item(), rel=1e-9), name


@pytest.mark.parametrize("name", TERMS)
def test_gradients_are_those_of_finite_differences(name, played):
    "With respect to every output that is read."
    reads = {"effort": "activation", "drive": "action", "curvature": "hidden", "co-contraction": "activation"}
    names = ["joint_position", "joint_velocity"] if "velocity" in name else [reads.get(name, "endpoint_position")]
    few = slice(0, 6)
    given = {n: played[n].detach()[few, -12:] for n in names}
    trials = played.trials.select(few)
    short = dataclasses.replace(trials, **{n: getattr(trials, n)[:, -13:] for n in ("target", "go_cue", "inputs")})
    short = dataclasses.replace(short, go_cue=(torch.arange(13) < 1).double().expand(6, -1))  # go at once
    env = Environment(played.environment.effector, played.environment.task, duration=0.12)
    term = TERMS[name]
    if name in ("tracking", "velocity after", "variance"):
        term = term.replace(reaction_time=0.0, movement_time=0.05)

    def value(*outputs):
        made = Rollout(None, env, _Episode(short), RecordedSteps([[{}]]))
        made._stored |= {(n, True): x for n, x in zip(names, outputs, strict=True)}
        made._made |= made._stored
        if "velocity" in name:
            joint = torch.cat(outputs, -1)
            made._made["endpoint_velocity", True] = env.effector.joint_to_cartesian(joint)[..., 2:]
        made.recorded = dict.fromkeys(names)
        return term(made)

    assert value(*given.values()) > 0
    assert torch.autograd.gradcheck(value, [x.clone().requires_grad_() for x in given.values()], atol=1e-7, rtol=1e-4)


class _Episode:
    "Trials, as far as terms ask."

    def __init__(self, trials):
        self.trials = trials


# ---- known answers ------------------------------------------------------------------------------------------------


def smooth_reach(distance=0.1, timestep=0.001):
    "A minimum-jerk reach in small steps."
    task = CenterOutReach(distance=distance, catch_fraction=0.0)
    env = Environment(mn.ReluPointMass24(timestep=timestep).double(), task, duration=0.8)
    trials = env.sample(4, Streams(0), "train").to(torch.float64)
    return env, trials, minimum_jerk_position(trials, reaction_time=0.1, movement_time=0.5)


def test_a_minimum_jerk_movement_costs_nothing_and_its_jerk_is_known():
    "The integral of squared jerk is 720 d^2 / D^5; the peak of speed is 15/8 of the mean, in the middle."
    env, trials, path = smooth_reach()
    rollout = rollout_of(env, trials, endpoint_position=path)
    assert MinimumJerkTracking()(rollout).item() == 0
    assert MinimumJerkTracking(movement_time=0.4)(rollout).item() > 1e-5
    integral = Jerk()(rollout).item() * (800 - 3) * 0.001
    assert integral == pytest.approx(720 * 0.1**2 / 0.5**5, rel=0.02)
    speed = path.diff(dim=1).norm(dim=-1) / 0.001
    assert speed.max().item() == pytest.approx(1.875 * 0.1 / 0.5, rel=1e-4)
    assert float(speed[0].argmax() + 1.5) * 0.001 == pytest.approx(0.1 + 0.1 + 0.25, abs=0.002)


def test_no_other_movement_has_less_jerk():
    "Between the same ends, at rest and without acceleration at both."
    env, trials, path = smooth_reach()
    s = (time_from_onset(trials) / 0.5).clamp(0, 1)
    aside = (s * (1 - s)) ** 3
    jerk = [
        Jerk()(rollout_of(env, trials, endpoint_position=path + k * aside[..., None])).item() for k in (-0.2, 0, 0.2)
    ]
    assert jerk[1] < min(jerk[0], jerk[2])


def test_without_a_go_cue_the_hand_is_to_stay():
    "The movement that is wanted stays at the start; a hand that stays costs nothing, one that moves does."
    played = played_reaches()
    trials = played.trials
    never = trials.go_cue[:, -1] == 1
    assert never.any() and not never.all() and time_from_onset(trials)[never].isneginf().all()
    assert torch.isfinite(time_from_onset(trials)[~never]).all()
    wanted = minimum_jerk_position(trials, reaction_time=0.0, movement_time=0.05)
    torch.testing.assert_close(wanted[never], trials.start[never][:, None].expand(-1, trials.n_steps, -1))
    only = trials.select(never)
    still = rollout_of(played.environment, only, endpoint_position=wanted[never])
    gone = rollout_of(played.environment, only, endpoint_position=wanted[never] + 0.01)
    for term in (MinimumJerkTracking(), FinalPosition()):
        assert term(still).item() == pytest.approx(0, abs=1e-12)
        assert term(gone).item() == pytest.approx(2e-4, rel=1e-3)


def test_times_of_go_cues():
    "From random go cues in each trial, the first output comes one step after the start."
    env = point_mass_world(DelayedReach(catch_fraction=0.0), duration=0.5)
    trials = env.sample(20, Streams(0), "train")
    go = (trials.go_cue == 1).sum(1) * 0.01
    want = 0.01 * torch.arange(1, 51)[None] - go[:, None] - 0.15
    torch.testing.assert_close(time_from_onset(trials, 0.15), want, rtol=0, atol=1e-6)
    assert go.unique().numel() > 5
    at_once = point_mass_world().sample(3, Streams(0), "train")
    torch.testing.assert_close(time_from_onset(at_once, 0.0)[:, 0], torch.full((3,), 0.01))


def test_co_contraction_of_known_activity():
    "1 where antagonists are equal, 0 where they take turns or are silent, without a gradient that is none."
    env = Environment(arm().double(), CenterOutReach(), duration=0.1)
    trials = env.sample(3, Streams(0), "train").to(torch.float64)
    a = torch.zeros(3, 10, 6, dtype=torch.float64)
    a[0] = 0.3
    a[1, ::2, [0, 2, 4]], a[1, 1::2, [1, 3, 5]] = 0.5, 0.7
    each = [CoContraction()(rollout_of(env, trials.select([i]), activation=a[i : i + 1])).item() for i in range(3)]
    assert each == pytest.approx([1, 0, 0], abs=1e-12)
    a.requires_grad_()
    CoContraction()(rollout_of(env, trials, activation=a)).backward()
    assert torch.isfinite(a.grad).all() and a.grad.any()


def test_antagonists():
    "From moment arms at the default posture: of the arm the pairs of the textbooks, of the point mass opposite corners."
    pairs = [("pectoralis", "deltoid"), ("brachioradialis", "triceps lateral"), ("biceps", "triceps long")]
    assert antagonists(arm()) == antagonists(mn.geometric_arm26()) == pairs
    corners = [("upper right", "lower left"), ("upper left", "lower right")]
    assert antagonists(mn.ReluPointMass24()) == corners
    played = centre_out(n=4)
    a = played["activation"]
    named = CoContraction(pairs=[("biceps", "triceps lateral")])(played)
    want = (2 * torch.minimum(a[..., 4], a[..., 3]).sum(1) / (a[..., 4] + a[..., 3]).sum(1)).mean()
    assert named.item() == pytest.approx(want.item(), rel=1e-12)
    assert CoContraction(pairs=pairs)(played).item() == CoContraction()(played).item()


def test_repeats_of_a_trial(played):
    "The same start, goal, go cue and loads; rounding makes no difference, a load does."
    which, cue = played.trials.labels["target_direction"], played.trials.go_cue[:, -1]
    same = (which[:, None] == which) & (cue[:, None] == cue)
    number = repeats(played.trials)
    assert torch.equal(number[:, None] == number, same) and (number <= torch.arange(len(number))).all()
    moved = dataclasses.replace(played.trials, goal=played.trials.goal + 1e-8 * torch.rand(12, 2))
    assert torch.equal(repeats(moved), number)
    loads = [mn.CurlField(8.0, probability=0.5)]
    env = Environment(mn.ReluPointMass24(), CenterOutReach(n_targets=1, catch_fraction=0.0, loads=loads), duration=0.3)
    trials = env.sample(20, Streams(0), "train")
    assert repeats(trials).unique().numel() == 2


def test_variance_of_repeats_without_noise_is_none():
    "A deterministic world repeats itself; with noise it does not; the variance is that of one normal deviation."
    assert TERMS["variance"](centre_out()).item() < 1e-20
    assert TERMS["variance"](centre_out(vision_noise=0.05)).item() > 1e-12
    env = Environment(mn.ReluPointMass24().double(), CenterOutReach(catch_fraction=0.0), duration=0.8)
    trials = env.sample(800, Streams(0), "train").to(torch.float64)
    noise = 0.01 * torch.randn(800, 1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    spread = (trials.goal[:, None] + noise).expand(-1, 80, -1)
    value = EndpointVariance()(rollout_of(env, trials, endpoint_position=spread)).item()
    assert value == pytest.approx(2 * 0.01**2, rel=0.1)


# ---- in training --------------------------------------------------------------------------------------------------


def all_terms():
    "A loss of everything, in weights that make the terms alike."
    weights = {
        "tracking": 10.0, "jerk": 1e-6, "effort": 1.0, "drive": 1.0, "position": 10.0, "velocity": 1.0,
        "velocity after": 1.0, "curvature": 1e-6, "co-contraction": 0.1, "variance": 10.0,
    }  # fmt: skip
    return Loss(weights=weights, terms=dict(TERMS))


@pytest.mark.parametrize("loss", [all_terms(), *LOSSES.values()], ids=["all terms", *LOSSES])
def test_the_fused_engine_learns_the_same(loss):
    "Three batches of the arm in double precision: losses and weights are those of the eager engine."
    logs, nets = [], []
    for engine in ("eager", "fused"):
        task = CenterOutReach(n_targets=3, go_time=0.05, catch_fraction=0.25)
        env = Environment(arm().double(), task, duration=0.3, vision_noise=0.05)
        net = network(env)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            logs.append(mn.train(net, env, n_batches=3, batch_size=12, loss=loss, engine=engine, progress=False))
        nets.append(net)
    assert list(logs[0].columns) == ["loss", *loss.terms, "gradient_norm", "learning_rate", "seconds"]
    eager, fused = (log.drop(columns="seconds").to_numpy() for log in logs)
    np.testing.assert_allclose(fused, eager, rtol=1e-7)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def test_replicates_learn_what_they_would_alone():
    "Each network's loss is of its own trials, repeats included."
    task = CenterOutReach(n_targets=2, go_time=0.05, catch_fraction=0.25)
    env = Environment(mn.ReluPointMass24(), task, duration=0.3, vision_noise=0.05)
    loss = all_terms().without("jerk")  # in single precision its rounding is that of the layout
    options = {"n_batches": 2, "batch_size": 8, "loss": loss, "progress": False}
    together = mn.train([network(env, seed=s) for s in (0, 1)], env, seeds=[3, 4], **options)
    alone = [mn.train(network(env, seed=s), env, seed=3 + s, **options) for s in (0, 1)]
    for i, log in enumerate(alone):
        np.testing.assert_allclose(together.log["loss"].to_numpy().reshape(2, -1)[i], log["loss"], rtol=1e-4)


def test_what_the_losses_read_is_found_out():
    "So that the fused engine stores these outputs alone, also without a go cue; repeats are not among two trials."
    env = Environment(arm(), CenterOutReach(), duration=0.3)
    net = network(env)
    assert outputs_read(minimum_jerk_loss(), net, env, 0) == {"endpoint_position", "activation"}
    hand = {"endpoint_position", "activation", "joint_position", "joint_velocity"}
    assert outputs_read(minimum_effort_loss(), net, env, 0) == hand
    hold = Environment(arm(), mn.PosturalHold(), duration=0.3)
    assert outputs_read(minimum_effort_loss(), net, hold, 0) == hand
    for name, term in TERMS.items():
        found = outputs_read(Loss(weights={"it": 1.0}, terms={"it": term}), net, env, 0)
        assert (found is None) == (name == "variance"), name


def test_a_point_mass_learns_from_either():
    "Its loss goes down well."
    env = Environment(mn.ReluPointMass24(), CenterOutReach(), duration=0.8)
    for loss in LOSSES.values():
        torch.manual_seed(0)
        net = mn.PolicyGRU(env.n_observations, 16, env.n_actions)
        log = mn.train(net, env, n_batches=40, batch_size=16, learning_rate=1e-2, loss=loss, progress=False)
        assert log["loss"].iloc[-5:].mean() < 0.5 * log["loss"].iloc[:5].mean()


# ---- as other terms -----------------------------------------------------------------------------------------------


def test_they_can_be_chosen(played):
    "From the menus, by readable names."
    losses, terms = choices(Loss), choices(mn.Term)
    assert losses["minimum jerk (Flash and Hogan)"] is minimum_jerk_loss
    assert losses["minimum effort (Todorov)"] is minimum_effort_loss
    classes = {type(t) for t in TERMS.values()}
    assert classes <= set(terms.values()) and terms["co contraction"] is CoContraction
    for make in classes - {EndpointVariance}:
        assert torch.isfinite(make()(played))


@pytest.mark.parametrize("what", [*TERMS.values(), *LOSSES.values(), CoContraction(pairs=[("biceps", "deltoid")])])
def test_configuration_round_trip(what, played):
    "Through JSON and as printed Python; the rebuilt one gives the same number."
    again = from_config(json.loads(json.dumps(what.to_config())))
    assert again == what and eval(repr(what), vars(mn) | vars(movement_losses)) == what
    a, b = (x(played) for x in (what, again))
    assert (a[0] if isinstance(a, tuple) else a).item() == (b[0] if isinstance(b, tuple) else b).item()


def test_short_trials_have_no_changes():
    "Neither jerk nor curvature, and a gradient of 0; a window longer than the trial is the trial."
    played = centre_out(duration=0.1)
    for n in (1, 2, 3):
        x = played["endpoint_position"].detach()[:, :n].clone().requires_grad_()
        made = Rollout(
            None, played.environment, _Episode(played.trials), dict.fromkeys(("endpoint_position", "hidden"))
        )
        made._stored = {("endpoint_position", True): x, ("hidden", True): x}
        values = {term: term(made) for term in (Jerk(), HiddenCurvature())}
        assert [v.item() == 0 for v in values.values()] == [True, n < 3]
        sum(values.values()).backward()
        assert torch.isfinite(x.grad).all()
    assert FinalVelocity(window=9.0)(played).item() == pytest.approx(
        played["endpoint_velocity"].square().sum(-1).mean().item()
    )
    assert FinalVelocity(movement_time=9.0)(centre_out(n=1, seed=1)).item() >= 0


def test_what_does_not_fit_is_refused(played):
    "In words: no memory, no repeats, no such muscle, no antagonists."
    env = point_mass_world()
    plain = play(Perceptron(env.n_observations, env.n_actions), env, env.sample(3, Streams(0), "train"))
    with pytest.raises(ValueError, match=r"HiddenCurvature: policy .*hidden state"):
        HiddenCurvature()(plain)
    with pytest.raises(ValueError, match=r"EndpointVariance: rollout = .*repeats"):
        EndpointVariance(reaction_time=0.0, movement_time=0.05)(plain)
    with pytest.raises(ValueError, match=r"repeats.*0\.6 s after the go cue"):
        EndpointVariance()(played)  # the trials end before the movement does
    with pytest.raises(ValueError, match=r"CoContraction: pairs .*pectoralis, deltoid"):
        CoContraction(pairs=[("biceps", "soleus")])(played)
    one = mn.Effector(mn.PointMass(space_dim=1), mn.ReluMuscle())
    one = one.add_muscle([0, 1], [[1.0], [0.0]], max_isometric_force=50)
    world = Environment(one, mn.RandomTargetReach(), duration=0.1)
    with pytest.raises(ValueError, match=r"no muscles that pull against each other"):
        CoContraction()(play(network(world), world, world.sample(2, Streams(0), "train")))


WRONG = [
    (lambda: MinimumJerkTracking(movement_time=0.0), "movement_time"),
    (lambda: MinimumJerkTracking(reaction_time=-0.1), "reaction_time"),
    (lambda: Effort(of="force"), "of"),
    (lambda: FinalVelocity(window=-1.0), "window"),
    (lambda: CoContraction(pairs=[("biceps",)]), "pairs"),
    (lambda: CoContraction(pairs="biceps"), "pairs"),
    (lambda: CoContraction(pairs=[("biceps", "biceps")]), "pairs"),
    (lambda: CoContraction(pairs=[]), "pairs"),
]


@pytest.mark.parametrize(("make", "name"), WRONG, ids=[f"{n} {i}" for i, (_, n) in enumerate(WRONG)])
def test_wrong_arguments_are_refused(make, name):
    with pytest.raises(ValueError, match=rf"{name} = .* it must be "):
        make()

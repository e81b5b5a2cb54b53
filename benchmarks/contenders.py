"""The contenders: each prepares the same work, in its own way, as a function that repeats it and tells how long it took.

The work is a training batch: draw trials of a random-target reach, play them with arm26 (Thelen's muscles with rigid
tendons) and a network of 50 gated recurrent units that sees with delays, form a loss, go backward, clip, take a step of
Adam. Libraries are imported only when their contender is made, so that each worker has only its own.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

UNITS = 50
DELAYS = {"vision_delay": 0.05, "proprioception_delay": 0.02}

Repeat = Callable[[int], float]  # number of times -> milliseconds a time


class NotThere(Exception):
    """A contender cannot do this; the message says why."""


class Case(NamedTuple):
    """What is measured."""

    what: str  # name of a contender's method
    batch_size: int
    n_steps: int = 100  # of 10 ms
    replicates: int = 1
    threads: int = 1

    def __str__(self) -> str:
        networks = f", {self.replicates} networks" if self.replicates > 1 else ""
        threads = f", {self.threads} threads" if self.threads > 1 else ""
        return f"{self.what}, {self.batch_size} x {self.n_steps} steps{networks}{threads}"


class Problem(NamedTuple):
    """Weights and trials for which all contenders should find the same loss and gradients."""

    weights: list[np.ndarray]  # of the inputs, recurrent, their biases, of the output, its bias
    joint: np.ndarray  # start postures (batch, joint) rad
    goal: np.ndarray  # (batch, space) m


def problem(batch_size: int = 64, seed: int = 0) -> Problem:
    """Weights that are large enough for the arm to move about, and random trials."""
    draw = np.random.default_rng(seed)
    shapes = ((3 * UNITS, 16), (3 * UNITS, UNITS), (3 * UNITS,), (3 * UNITS,), (6, UNITS), (6,))
    weights = [draw.normal(0, 0.15, shape).astype(np.float32) for shape in shapes]
    weights[-1] -= 2
    joint, other = np.radians([120.0, 140.0]) * draw.uniform(0.1, 0.9, (2, batch_size, 2))
    total = other.sum(1)
    goal = 0.309 * np.stack((np.cos(other[:, 0]), np.sin(other[:, 0])), 1)
    goal += 0.333 * np.stack((np.cos(total), np.sin(total)), 1)
    return Problem(weights, joint.astype(np.float32), goal.astype(np.float32))


def timed(run: Callable[[], object]) -> Repeat:
    """A function without arguments as one that repeats itself."""

    def repeat(times: int) -> float:
        began = time.perf_counter()
        for _ in range(times):
            run()
        return 1e3 * (time.perf_counter() - began) / times

    return repeat


def loss_of(hand, target, activation, hidden):
    """The loss, from torch tensors (batch, time, ...)."""
    return (hand - target).abs().sum(-1).mean() + 0.05 * activation.square().mean() + 0.01 * hidden.square().mean()


def our_loss():
    """The same loss as a `Loss` of this package."""
    from motornet_nb.learning.loss import Loss
    from motornet_nb.learning.loss_terms import HiddenActivity, PositionError, Term
    from motornet_nb.learning.mean_squares import mean_square

    class SquaredActivation(Term):
        """Mean of u^2."""

        def forward(self, rollout):
            return mean_square(rollout.blocked("activation"))

    terms = {"distance": PositionError(radius=0), "activation": SquaredActivation(), "hidden": HiddenActivity()}
    return Loss(weights={"distance": 2.0, "activation": 0.05, "hidden": 0.01}, terms=terms)


def learn(policy, optimizer, loss) -> None:
    """Backward, clip, and one step of Adam, in torch."""
    import torch

    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()


def torch_gradients(policy, loss) -> tuple[float, list[np.ndarray]]:
    """The loss as a number, and its gradients."""
    loss.backward()
    return loss.item(), [p.grad.numpy() for p in policy.parameters()]


def load_weights(policy, weights: list[np.ndarray]) -> None:
    """Give a torch network these weights, in the order of its parameters."""
    import torch

    with torch.no_grad():
        for parameter, values in zip(policy.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(values))


class Ours:
    """This package, with one of its engines."""

    def __init__(self, engine: str, threads: int):
        import torch

        import motornet_nb as mn

        torch.set_num_threads(threads)
        self.engine, self.mn, self.torch = engine, mn, torch
        self.loss = our_loss()

    def make(self, n_steps: int):
        """A new environment, a network, and how it is played."""
        from motornet_nb.control.engines import make_engine

        mn = self.mn
        arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
        environment = mn.Environment(arm, mn.RandomTargetReach(), duration=n_steps / 100, **DELAYS)
        policy = mn.PolicyGRU(environment.n_observations, UNITS, environment.n_actions)
        engine = make_engine(self.engine, policy, environment)

        def play(trials, streams):
            """The loss of playing these trials."""
            return self.loss(mn.play(policy, environment, trials, streams, engine=engine))[0]

        return environment, policy, play

    def training(self, case: Case) -> Repeat:
        """A batch of `train`, of several networks at once if there are replicates."""
        train, (environment, policy, _) = self.mn.train, self.make(case.n_steps)
        several = {"replicates": case.replicates, "seeds": list(range(case.replicates))}

        def repeat(times: int) -> float:
            clock: list[float] = []
            train(
                policy,
                environment,
                loss=self.loss,
                n_batches=times + 1,
                batch_size=case.batch_size,
                callbacks=lambda _: clock.append(time.perf_counter()),
                progress=False,
                engine=self.engine,
                **(several if case.replicates > 1 else {}),
            )
            return 1e3 * (clock[-1] - clock[0]) / times

        return repeat

    replicates = training

    def forward(self, case: Case) -> Repeat:
        """Trials, rollout and loss without gradients."""
        environment, _, play = self.make(case.n_steps)
        batches = iter(range(10**9))

        def run():
            streams = self.mn.Streams(0, next(batches))
            trials = environment.sample(case.batch_size, streams, "train")
            with self.torch.no_grad():
                return play(trials, streams).item()

        return timed(run)

    def gymnasium(self, case: Case) -> Repeat:
        """A trial of a vector environment, from the reset on, the actions at hand."""
        from motornet_nb.task.reinforcement import ReachVectorEnv

        environment, _, _ = self.make(case.n_steps)
        env = ReachVectorEnv(environment, case.batch_size)
        actions = np.random.default_rng(0).uniform(0, 0.1, (case.n_steps, *env.action_space.shape)).astype(np.float32)

        def run():
            env.reset()
            for action in actions:
                env.step(action)

        return timed(run)

    def judge(self, given: Problem) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        environment, policy, play = self.make(100)
        load_weights(policy, given.weights)
        n, goal = len(given.joint), self.torch.from_numpy(given.goal)
        trials = environment.sample(n, 0, "train", self.torch.from_numpy(given.joint))
        from motornet_nb.task.tasks import assemble

        at_once = self.torch.zeros(n, dtype=self.torch.long)
        shown = environment.task.input_names
        trials = assemble(environment.effector, environment.n_steps, trials.joint_state, goal, at_once, shown)
        return torch_gradients(policy, play(trials, self.mn.Streams(0)))


class MotorNet:
    """MotorNet 0.3.0."""

    def __init__(self, threads: int):
        import motornet
        import torch

        torch.set_num_threads(threads)
        self.motornet, self.torch = motornet, torch

    def make(self, n_steps: int, **arguments):
        """A new environment and network."""
        motornet = self.motornet
        arm = motornet.effector.RigidTendonArm26(muscle=motornet.muscle.RigidTendonHillMuscleThelen())
        reach, duration = motornet.environment.RandomTargetReach, n_steps / 100
        environment = reach(effector=arm, max_ep_duration=duration, **DELAYS, **arguments)
        n_inputs, cpu = environment.observation_space.shape[0], self.torch.device("cpu")
        return environment, motornet.policy.PolicyGRU(n_inputs, UNITS, environment.n_muscles, device=cpu)

    def play(self, policy, environment, reset: dict, goal=None):
        """The loss of playing a batch; the network is shown other goals than the drawn ones if some are given."""
        observation, info = environment.reset(options=reset)
        hidden, terminated, recorded = policy.init_hidden(len(observation)), False, []
        while not terminated:
            if goal is not None:
                observation = self.torch.cat((goal, observation[:, 2:]), 1)
            action, hidden = policy(observation, hidden)
            observation, _, terminated, _, info = environment.step(action=action)
            target = info["goal"] if goal is None else goal
            recorded.append((info["states"]["fingertip"], target, info["states"]["muscle"][:, 0], hidden))
        return loss_of(*(self.torch.stack(x, 1) for x in zip(*recorded, strict=True)))

    def training(self, case: Case) -> Repeat:
        """A training batch, or several in a row for several replicates."""
        environment, policy = self.make(case.n_steps)
        optimizer = self.torch.optim.Adam(policy.parameters(), 1e-3)

        def run():
            for _ in range(case.replicates):
                learn(policy, optimizer, self.play(policy, environment, {"batch_size": case.batch_size}))

        return timed(run)

    replicates = training

    def forward(self, case: Case) -> Repeat:
        """Trials, rollout and loss without gradients."""
        environment, policy = self.make(case.n_steps)

        def run():
            with self.torch.no_grad():
                return self.play(policy, environment, {"batch_size": case.batch_size}).item()

        return timed(run)

    def gymnasium(self, case: Case) -> Repeat:
        """A trial of its environment with NumPy in and out."""
        environment, _ = self.make(case.n_steps, differentiable=False)
        shape = (case.n_steps, case.batch_size, environment.n_muscles)
        actions = np.random.default_rng(0).uniform(0, 0.1, shape).astype(np.float32)

        def run():
            environment.reset(options={"batch_size": case.batch_size})
            for action in actions:
                environment.step(action=action)

        return timed(run)

    def judge(self, given: Problem) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        environment, policy = self.make(100)
        load_weights(policy, given.weights)
        reset = {"batch_size": len(given.joint), "joint_state": self.torch.from_numpy(given.joint)}
        return torch_gradients(policy, self.play(policy, environment, reset, self.torch.from_numpy(given.goal)))


class Jax:
    """The scan written by hand, in `jax_scan`; the worker's cores are its threads."""

    def __init__(self, threads: int):
        from . import jax_scan

        self.scan = jax_scan

    def training(self, case: Case) -> Repeat:
        """A training batch."""
        return timed(self.scan.training_batch(case.batch_size, case.n_steps, case.replicates))

    replicates = training

    def forward(self, case: Case) -> Repeat:
        """Trials, rollout and loss without gradients."""
        return timed(self.scan.forward_batch(case.batch_size, case.n_steps))

    def judge(self, given: Problem) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        return self.scan.value_and_gradient(given.weights, given.joint, given.goal, 100)


EAGER, COMPILED, FUSED, MOTORNET, JAX = "ours, eager", "ours, compiled", "ours, fused", "MotorNet 0.3.0", "JAX scan"
CONTENDERS: dict[str, Callable[[int], Ours | MotorNet | Jax]] = {
    EAGER: lambda threads: Ours("eager", threads),
    COMPILED: lambda threads: Ours("compile", threads),
    FUSED: lambda threads: Ours("fused", threads),
    MOTORNET: MotorNet,
    JAX: Jax,
}

"""Eager speed, side by side with MotorNet 0.3.0 in one run (pip install motornet==0.3.0).

Prints medians and ratios for: a training batch (arm26 with Thelen muscles, 50-unit GRU, delays, 100 steps of 10 ms, forward, backward, Adam),
a trial without gradients, and the cost of importing the package beyond that of torch.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time

import torch

import motornet_nb as mn

DELAYS = {"vision_delay": 0.05, "proprioception_delay": 0.02}


def our_batch(batch_size: int):
    """One training batch of ours, as a function without arguments."""
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    environment = mn.Environment(arm, mn.RandomTargetReach(), duration=1.0, **DELAYS)
    policy = mn.PolicyGRU(environment.n_observations, 50, environment.n_actions)
    optimizer = torch.optim.Adam(policy.parameters(), 1e-3)
    batches = iter(range(10**9))

    def run():
        streams = mn.Streams(0, next(batches))
        played = mn.play(policy, environment, environment.sample(batch_size, streams, "train"), streams)
        learn(policy, optimizer, *(played[n] for n in ("endpoint_position", "target_position", "activation", "hidden")))

    return run


def motornet_batch(batch_size: int):
    """The same work with MotorNet."""
    import motornet

    arm = motornet.effector.RigidTendonArm26(muscle=motornet.muscle.RigidTendonHillMuscleThelen())
    environment = motornet.environment.RandomTargetReach(effector=arm, max_ep_duration=1.0, **DELAYS)
    n_inputs = environment.observation_space.shape[0]
    policy = motornet.policy.PolicyGRU(n_inputs, 50, environment.n_muscles, device=torch.device("cpu"))
    optimizer = torch.optim.Adam(policy.parameters(), 1e-3)

    def run():
        observation, info = environment.reset(options={"batch_size": batch_size})
        hidden, terminated = policy.init_hidden(batch_size), False
        recorded = []
        while not terminated:
            action, hidden = policy(observation, hidden)
            observation, _, terminated, _, info = environment.step(action=action)
            recorded.append((info["states"]["fingertip"], info["goal"], info["states"]["muscle"][:, 0], hidden))
        learn(policy, optimizer, *(torch.stack(x, 1) for x in zip(*recorded, strict=True)))

    return run


def learn(policy, optimizer, hand, target, activation, hidden):
    """Loss, backward and one step of Adam."""
    loss = (hand - target).abs().sum(-1).mean() + 0.05 * activation.square().mean() + 0.01 * hidden.square().mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()


def alternate(first, second, repetitions: int) -> tuple[list[float], list[float]]:
    """Milliseconds of two functions, run in turn so that a drifting machine is fair to both."""
    times: tuple[list[float], list[float]] = ([], [])
    for function in (first, second):
        function()
    for _ in range(repetitions):
        for function, kept in zip((first, second), times, strict=True):
            began = time.perf_counter()
            function()
            kept.append(1e3 * (time.perf_counter() - began))
    return times


def single_trial() -> float:
    """Median milliseconds of one 1 s trial of the arm without gradients."""
    arm = mn.RigidTendonArm26(mn.RigidTendonHillMuscleThelen())
    environment = mn.Environment(arm, mn.CenterOutReach(n_targets=1), duration=1.0, **DELAYS)
    policy = mn.PolicyGRU(environment.n_observations, 50, environment.n_actions)
    trials, times = environment.sample(), []
    for _ in range(12):
        began = time.perf_counter()
        with torch.no_grad():
            mn.play(policy, environment, trials)
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times[2:])


def import_seconds() -> float:
    """Median seconds of importing the package in a fresh process that has imported torch."""
    code = "import time, torch; b = time.perf_counter(); import motornet_nb; print(time.perf_counter() - b)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(run.stdout) for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, {options.threads} thread(s)"
    )
    ours, theirs = alternate(our_batch(options.batch_size), motornet_batch(options.batch_size), options.repetitions)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"training batch of {options.batch_size}: ours {statistics.median(ours):.0f} ms, MotorNet {statistics.median(theirs):.0f} ms, ratio {ratio:.3f}"
    )
    print(f"one 1 s trial without gradients: {single_trial():.0f} ms")
    print(f"import beyond torch: {import_seconds():.2f} s")


if __name__ == "__main__":
    main()

"""The same work, written by hand in JAX: a `lax.scan` over the steps of a trial, jitted with its gradient and Adam.

Trials are the last axis of every array, so that the loops of XLA run over contiguous memory; the parameters are those of
`motornet_nb.PolicyGRU`, by the same names and of the same shapes. The equations are those of the two-joint arm, its
polynomial muscle geometry, Thelen's muscle with a rigid tendon, and a gated recurrent unit, with the staggered Euler
method: the muscles see the geometry before the step, the arm the forces before it.

Tried and slower: trials first, storing the whole step for the gradient, storing products only, unrolling the scan, one
product for the inputs and one for the hidden state.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

STEP = 0.01  # s
VISION, PROPRIOCEPTION = 5, 2  # delays in steps
UNITS, MUSCLES = 50, 6
INPUTS = 2 + 2 + 2 * MUSCLES  # goal, vision, proprioception

# the skeleton
MASS, COM, INERTIA, LENGTH = (1.82, 1.43), (0.135, 0.165), (0.051, 0.057), (0.309, 0.333)
UPPER = np.radians([135.0, 155.0]).astype(np.float32)  # joint limits; the lower ones are 0
COUPLING = MASS[1] * LENGTH[0] * COM[1]
INERTIA_22 = MASS[1] * COM[1] ** 2 + INERTIA[1]
INERTIA_11 = MASS[0] * COM[0] ** 2 + INERTIA[0] + MASS[1] * LENGTH[0] ** 2 + INERTIA_22


def _column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


# the muscles: pectoralis, deltoid, brachioradialis, triceps lateral, biceps, triceps long
STRENGTH = _column(838, 1207, 1422, 1549, 414, 603)
OPTIMAL = _column(0.134, 0.140, 0.092, 0.093, 0.137, 0.127)
TENDON = _column(0.039, 0.066, 0.172, 0.187, 0.204, 0.217)
LENGTH_0 = _column(0.1510, 0.2322, 0.2859, 0.2355, 0.3329, 0.2989)
ARM_1 = _column(-0.03, 0.03, 0, 0, -0.03, 0.03)  # moment arms at the shoulder
ARM_2 = _column(0, 0, -0.014, 0.025, -0.016, 0.030)  # at the straight elbow
SLOPE_2 = _column(0, 0, -0.0040, -0.0022, -0.0057, -0.0032)
FASTEST = 10 * OPTIMAL
REST, TAU_ACTIVATION, TAU_DEACTIVATION = 0.001, 0.015, 0.050
SHAPE_FORCE, ECCENTRIC, SHAPE_LENGTH, SHAPE_PASSIVE, STRAIN = 0.25, 1.4, 0.45, 5.0, 0.6
STEEPNESS = 2 * (1 + 1 / SHAPE_FORCE) / (ECCENTRIC - 1)


class Body(NamedTuple):
    """What the arm remembers between two steps."""

    position: Array  # (joint, batch) rad
    velocity: Array  # (joint, batch) rad/s
    activation: Array  # (muscle, batch)
    force: Array  # (muscle, batch) N


def within(x: Array, low: float, high: float) -> Array:
    """Clip, with gradient 1 at the bounds themselves."""
    return jnp.where(x < low, low, jnp.where(x > high, high, x))


def endpoint(position: Array) -> Array:
    """Where the hand is (space, batch)."""
    upper, lower = position[0], position[0] + position[1]
    return jnp.stack(
        (
            LENGTH[0] * jnp.cos(upper) + LENGTH[1] * jnp.cos(lower),
            LENGTH[0] * jnp.sin(upper) + LENGTH[1] * jnp.sin(lower),
        )
    )


def geometry(position: Array, velocity: Array) -> tuple[Array, Array, Array]:
    """Length of the muscles without tendon, its rate of change, and the moment arms at the elbow (muscle, batch)."""
    shoulder, elbow = position[0] - np.float32(np.pi / 2), position[1]
    moment_arm = ARM_2 + 2 * SLOPE_2 * elbow
    length = LENGTH_0 + ARM_1 * shoulder + (ARM_2 + SLOPE_2 * elbow) * elbow
    return jnp.maximum(length - TENDON, 0.001), ARM_1 * velocity[0] + moment_arm * velocity[1], moment_arm


def muscle_force(activation: Array, length: Array, velocity: Array) -> Array:
    """Thelen's muscle (muscle, batch) N."""
    stretch = length / OPTIMAL
    active = jnp.exp(-jnp.square(stretch - 1) / SHAPE_LENGTH)
    passive = jnp.expm1(SHAPE_PASSIVE / STRAIN * (stretch - 1)) / np.expm1(SHAPE_PASSIVE)
    width = (0.25 + 0.75 * activation) * FASTEST
    shortens = velocity <= 0
    top = width + jnp.where(shortens, 1.0, STEEPNESS * ECCENTRIC) * velocity
    bottom = width + jnp.where(shortens, -1 / SHAPE_FORCE, STEEPNESS) * velocity
    speed = jnp.maximum(top / bottom, 0)
    return (activation * active * speed + jnp.maximum(passive, 0)) * STRENGTH


def activate(activation: Array, drive: Array) -> Array:
    """Activation after a step (muscle, batch)."""
    drive = within(drive, REST, 1)
    k = 0.5 + 1.5 * activation
    tau = jnp.where(drive > activation, TAU_ACTIVATION * k, TAU_DEACTIVATION / k)
    return within(activation + STEP * (drive - activation) / tau, REST, 1)


def move(body: Body, drive: Array) -> tuple[Body, Array]:
    """The body after a step, and what proprioception senses of it (2 muscle, batch)."""
    (_, q2), (v1, v2) = body.position, body.velocity
    length, rate, moment_arm = geometry(body.position, body.velocity)
    torque_1 = -(ARM_1 * body.force).sum(0)
    torque_2 = -(moment_arm * body.force).sum(0)
    twist, bend = COUPLING * jnp.sin(q2), COUPLING * jnp.cos(q2)
    push_1 = torque_1 + twist * (2 * v1 + v2) * v2
    push_2 = torque_2 - twist * v1 * v1
    m11, m12 = INERTIA_11 + 2 * bend, INERTIA_22 + bend
    scale = 1 / (m11 * INERTIA_22 - m12 * m12)
    acceleration = jnp.stack(((INERTIA_22 * push_1 - m12 * push_2) * scale, (m11 * push_2 - m12 * push_1) * scale))
    position, velocity = body.position + STEP * body.velocity, body.velocity + STEP * acceleration
    upper = UPPER[:, None]
    stopped = ((velocity < 0) & (position <= 0)) | ((velocity > 0) & (position >= upper))
    velocity, position = jnp.where(stopped, 0, velocity), within(position, 0, upper)
    activation = activate(body.activation, drive)
    force = muscle_force(activation, length, rate)
    return Body(position, velocity, activation, force), jnp.concatenate((length / OPTIMAL, rate / FASTEST))


def merged(parameters: dict[str, Array]) -> dict[str, Array]:
    """The weights as the step wants them, formed once a rollout: one product for both gates, biases as columns."""
    inward, recurrent = parameters["weight_ih"], parameters["weight_hh"]
    bias_in, bias_recurrent = parameters["bias_ih"][:, None], parameters["bias_hh"][:, None]
    gates, candidate = slice(None, 2 * UNITS), slice(2 * UNITS, None)
    return {
        "gates": jnp.concatenate((inward[gates], recurrent[gates]), 1),
        "gates bias": bias_in[gates] + bias_recurrent[gates],
        "seen": inward[candidate],
        "seen bias": bias_in[candidate],
        "kept": recurrent[candidate],
        "kept bias": bias_recurrent[candidate],
        "output": parameters["output.weight"],
        "output bias": parameters["output.bias"][:, None],
    }


def gru(weights: dict[str, Array], observation: Array, hidden: Array) -> tuple[Array, Array]:
    """The drive of the muscles and the next hidden state."""
    both = jnp.concatenate((observation, hidden))
    gates = jax.nn.sigmoid(weights["gates"] @ both + weights["gates bias"])
    reset, update = gates[:UNITS], gates[UNITS:]
    kept = weights["kept"] @ hidden + weights["kept bias"]
    candidate = jnp.tanh(weights["seen"] @ observation + weights["seen bias"] + reset * kept)
    hidden = candidate + update * (hidden - candidate)
    return jax.nn.sigmoid(weights["output"] @ hidden + weights["output bias"]), hidden


def rollout(parameters: dict[str, Array], start: Array, goal: Array, n_steps: int) -> tuple[Array, Array, Array]:
    """Hand, activation and hidden state, (time, ..., batch) each, from start postures (joint, batch) and goals (space, batch)."""
    n = start.shape[1]
    still = jnp.zeros_like(start)
    length, rate, _ = geometry(start, still)
    rest = jnp.full((MUSCLES, n), REST, start.dtype)
    body = Body(start, still, rest, muscle_force(rest, length, rate))
    seen, felt = endpoint(start), jnp.concatenate((length / OPTIMAL, rate / FASTEST))
    weights = merged(parameters)
    carry = body, jnp.zeros((UNITS, n), start.dtype), (seen,) * VISION, (felt,) * PROPRIOCEPTION

    @functools.partial(jax.checkpoint, prevent_cse=False)  # computing a step again is quicker than storing all of it
    def step(carry, _):
        body, hidden, vision, proprioception = carry
        drive, hidden = gru(weights, jnp.concatenate((goal, vision[0], proprioception[0])), hidden)
        body, felt = move(body, drive)
        hand = endpoint(body.position)
        carry = body, hidden, (*vision[1:], hand), (*proprioception[1:], felt)
        return carry, (hand, body.activation, hidden)

    return lax.scan(step, carry, length=n_steps)[1]


def loss(parameters: dict[str, Array], start: Array, goal: Array, n_steps: int) -> Array:
    """Distance from the goal, activation and hidden state: the loss of all contenders."""
    hand, activation, hidden = rollout(parameters, start, goal, n_steps)
    distance = jnp.abs(hand - goal).sum(1).mean()
    return distance + 0.05 * jnp.square(activation).mean() + 0.01 * jnp.square(hidden).mean()


def draw(key: Array, batch_size: int) -> tuple[Array, Array]:
    """Start postures and goals of a batch of random-target reaches."""
    postures = jax.random.uniform(key, (2, 2, batch_size)) * UPPER[:, None]
    return postures[0], endpoint(postures[1])


def adam(parameters: dict, moments: tuple[dict, dict], gradient: dict, count: Array) -> tuple[dict, tuple[dict, dict]]:
    """A step of Adam (learning rate 1e-3) after clipping the norm of the whole gradient to 1."""
    norm = jnp.sqrt(sum(jnp.square(g).sum() for g in gradient.values()))
    gradient = {k: g * jnp.minimum(1, 1 / (norm + 1e-6)) for k, g in gradient.items()}
    mean = {k: 0.9 * m + 0.1 * gradient[k] for k, m in moments[0].items()}
    square = {k: 0.999 * m + 0.001 * jnp.square(gradient[k]) for k, m in moments[1].items()}
    rate, size = 1e-3 / (1 - 0.9**count), 1 / (1 - 0.999**count)
    moved = {k: p - rate * mean[k] / (jnp.sqrt(square[k] * size) + 1e-8) for k, p in parameters.items()}
    return moved, (mean, square)


def initial_parameters(key: Array) -> dict[str, Array]:
    """Weights as `motornet_nb.PolicyGRU` draws them."""
    inward, recurrent, outward = jax.random.split(key, 3)
    return {
        "weight_ih": jax.nn.initializers.glorot_uniform()(inward, (3 * UNITS, INPUTS)),
        "weight_hh": jax.nn.initializers.orthogonal()(recurrent, (3 * UNITS, UNITS)),
        "bias_ih": jnp.zeros(3 * UNITS),
        "bias_hh": jnp.zeros(3 * UNITS),
        "output.weight": 0.003 * jax.random.normal(outward, (MUSCLES, UNITS)),
        "output.bias": jnp.full(MUSCLES, -5.0),
    }


def training_batch(batch_size: int, n_steps: int, replicates: int = 1):
    """One training batch, compiled, as a function without arguments; of several networks at once if there are replicates."""

    def learn(parameters, moments, count, key):
        start, goal = draw(jax.random.fold_in(key, count), batch_size)
        value, gradient = jax.value_and_grad(loss)(parameters, start, goal, n_steps)
        count = count + 1
        return value, *adam(parameters, moments, gradient, count), count

    def begin(key):
        parameters = initial_parameters(key)
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return parameters, (zeros, jax.tree.map(jnp.copy, zeros)), jnp.array(0)

    key = jax.random.key(0)
    if replicates > 1:
        key = jax.random.split(key, replicates)
        one, begin = learn, jax.vmap(begin)

        def learn(*several):  # one after the other, which is quicker than `jax.vmap` on one core
            return lax.map(lambda state: one(*state), several)

    state = begin(key)
    compiled = jax.jit(learn, donate_argnums=(0, 1, 2)).lower(*state, key).compile()

    def run():
        nonlocal state
        value, *state = compiled(*state, key)
        return np.asarray(value)  # waits for it

    return run


def forward_batch(batch_size: int, n_steps: int):
    """Trials, rollout and loss without gradients, compiled, as a function without arguments."""
    key, batches = jax.random.key(0), iter(range(2**31 - 1))
    parameters = initial_parameters(key)

    def judge(parameters, key, count):
        return loss(parameters, *draw(jax.random.fold_in(key, count), batch_size), n_steps)

    compiled = jax.jit(judge).lower(parameters, key, 0).compile()
    return lambda: float(compiled(parameters, key, next(batches)))


def value_and_gradient(weights: list[np.ndarray], start: np.ndarray, goal: np.ndarray, n_steps: int):
    """Loss and gradients for given weights and trials (batch, ...), to compare with others."""
    parameters = dict(zip(initial_parameters(jax.random.key(0)), map(jnp.asarray, weights), strict=True))
    value, gradient = jax.jit(jax.value_and_grad(loss), static_argnums=3)(
        parameters, jnp.asarray(start.T), jnp.asarray(goal.T), n_steps
    )
    return float(value), [np.asarray(gradient[name]) for name in parameters]

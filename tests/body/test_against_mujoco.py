"""An independent physics engine computes the same accelerations, positions and muscle curves."""

import mujoco
import numpy as np
import pytest
import torch
from bodies import one_muscle, tensor

from motornet_nb import MujocoHillMuscle, PointMass, TwoDofArm
from motornet_nb.body.mujoco import active_force_length_bump
from motornet_nb.body.muscle import activation_rate

SIZES = ("m1", "m2", "l1g", "l2g", "i1", "i2", "l1", "l2", "viscosity")


def drawn_arm(seed):
    "An arm with random sizes."
    values = np.random.default_rng(seed).uniform(0.05, 1.0, len(SIZES))
    return TwoDofArm(**dict(zip(SIZES, values.tolist(), strict=True)))


ARMS = {
    "generic": TwoDofArm(),
    "arm26": TwoDofArm.arm26(),
    "viscous": TwoDofArm.arm26(viscosity=0.35),
    "drawn, 1": drawn_arm(1),
    "drawn, 2": drawn_arm(2),
}


def two_links(arm):
    "The arm as a MuJoCo model: two hinges about z, no gravity, a site at the hand."
    p = {name: getattr(arm, name).item() for name in SIZES}
    xml = """
    <mujoco>
      <option gravity="0 0 0"/>
      <worldbody>
        <body>
          <joint name="shoulder" type="hinge" axis="0 0 1" damping="{viscosity}"/>
          <inertial pos="{l1g} 0 0" mass="{m1}" diaginertia="{i1} {i1} {i1}"/>
          <body name="forearm" pos="{l1} 0 0">
            <joint name="elbow" type="hinge" axis="0 0 1" damping="{viscosity}"/>
            <inertial pos="{l2g} 0 0" mass="{m2}" diaginertia="{i2} {i2} {i2}"/>
            <site name="hand" pos="{l2} 0 0"/>
          </body>
        </body>
      </worldbody>
    </mujoco>
    """
    return mujoco.MjModel.from_xml_string(xml.format(**{k: repr(v) for k, v in p.items()}))


def states(generator, n=25):
    "Random postures, velocities, torques and hand forces."
    draw = lambda scale: scale * (2 * torch.rand(n, 2, generator=generator, dtype=torch.float64) - 1)  # noqa: E731
    return 3 * draw(1.0), draw(8.0), draw(10.0), draw(15.0)


def engine(model, q, v, torque, force):
    "Acceleration, hand position, hand velocity and hand Jacobian that MuJoCo computes."
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = q, v
    mujoco.mj_forward(model, data)
    site, body = model.site("hand").id, model.body("forearm").id
    generalised = np.zeros(model.nv)
    hand = data.site_xpos[site].copy()
    mujoco.mj_applyFT(model, data, np.array([*force, 0.0]), np.zeros(3), hand, body, generalised)
    jacobian = np.zeros((3, model.nv))
    mujoco.mj_jacSite(model, data, jacobian, None, site)
    data.qfrc_applied[:] = torque + generalised
    mujoco.mj_forward(model, data)
    return data.qacc.copy(), hand[:2], (jacobian @ v)[:2], jacobian[:2].copy()


@pytest.mark.parametrize("pushed", [False, True], ids=["torques", "torques and a force on the hand"])
@pytest.mark.parametrize("name", ARMS)
def test_accelerations_of_the_arm_agree(name, pushed, generator):
    arm = ARMS[name]
    model, c = two_links(arm), arm.coefficients()
    q, v, torque, force = states(generator)
    ours = arm.acceleration(c, q, v, torque, force if pushed else None).numpy()
    theirs = np.array(
        [engine(model, *(x[i].numpy() for x in (q, v, torque)), force[i].numpy() * pushed)[0] for i in range(len(q))]
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("name", ARMS)
def test_kinematics_and_inertia_of_the_arm_agree(name, generator):
    arm = ARMS[name]
    model, c = two_links(arm), arm.coefficients()
    q, v, torque, force = states(generator, 5)
    for i in range(len(q)):
        _, hand, speed, jacobian = engine(model, *(x[i].numpy() for x in (q, v, torque, force)))
        at, moving = q[i : i + 1], v[i : i + 1]
        np.testing.assert_allclose(arm.endpoint(c, at)[0], hand, atol=1e-12)
        np.testing.assert_allclose(arm.endpoint_velocity(c, at, moving)[0], speed, atol=1e-11)
        np.testing.assert_allclose(arm.jacobian(c, at)[0], jacobian, atol=1e-12)
        data, inertia = mujoco.MjData(model), np.zeros((2, 2))
        data.qpos[:] = q[i].numpy()
        mujoco.mj_forward(model, data)
        for k in range(2):  # a row of the inertia matrix is the force that a unit acceleration takes
            mujoco.mj_mulM(model, data, inertia[k], np.eye(2)[k])
        np.testing.assert_allclose(arm.inertia(c, at)[0], inertia, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mass", [1.0, 2.5])
def test_accelerations_of_the_point_mass_agree(mass, generator):
    xml = f"""
    <mujoco><option gravity="0 0 0"/><worldbody><body>
      <joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/>
      <inertial pos="0 0 0" mass="{mass}" diaginertia="1 1 1"/>
    </body></worldbody></mujoco>
    """
    model, ball = mujoco.MjModel.from_xml_string(xml), PointMass(mass=mass)
    q, v, push, force = states(generator, 10)
    ours = ball.acceleration(ball.coefficients(), q, v, push, force)
    for i in range(len(q)):
        data = mujoco.MjData(model)
        data.qpos[:], data.qvel[:], data.qfrc_applied[:] = q[i].numpy(), v[i].numpy(), (push[i] + force[i]).numpy()
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(ours[i], data.qacc, atol=1e-9)


def test_activation_dynamics_agree():
    drive, activation = (x.reshape(-1) for x in torch.meshgrid(*[torch.linspace(0, 1, 21).double()] * 2, indexing="ij"))
    ours = activation_rate(drive, activation, tensor(0.01), tensor(0.04))
    prm = np.array([0.01, 0.04, 0.0])
    theirs = [mujoco.mju_muscleDynamics(u, a, prm) for u, a in zip(drive.tolist(), activation.tolist(), strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def test_active_muscle_curves_agree():
    # MuJoCo's length is in l0 when its length range is its normalised range; vmax in l0/s
    lmin, lmax, vmax, fpmax, fvmax = 0.5, 1.6, 1.5, 1.3, 1.2
    prm = np.array([0.75, 1.05, 1000.0, 0.0, lmin, lmax, vmax, fpmax, fvmax])
    span = np.array([0.75, 1.05])
    length, velocity = np.meshgrid(np.linspace(0.3, 2.0, 69), np.linspace(-2, 2, 41), indexing="ij")
    pairs = list(zip(length.ravel().tolist(), velocity.ravel().tolist(), strict=True))
    gain = -np.array([mujoco.mju_muscleGain(x, v, span, 1.0, prm) for x, v in pairs]).reshape(length.shape)
    muscle = MujocoHillMuscle(lmin=lmin, lmax=lmax, vmax=vmax, fvmax=fvmax, velocity_unit="l0/s")
    sizes = {"max_isometric_force": 1000.0, "optimal_muscle_length": 0.1, "tendon_length": 0.05, "fpmax": fpmax}
    c = one_muscle(muscle, **sizes).coefficients().muscle
    total, speed = tensor(0.05 + 0.1 * length), tensor(0.1 * velocity)
    state = muscle.evaluate(c, torch.ones_like(total), total, speed)
    # the published curve has a second, smaller bump that the engine's code leaves out
    without = state["active_force_length"] - 0.15 * _side_bump(length, lmin)
    np.testing.assert_allclose(1000 * without * state["force_velocity"], gain, atol=1e-9)


def _side_bump(length, lmin):
    middle = 0.5 * (lmin + 0.95)
    return active_force_length_bump(tensor(length), tensor(lmin), tensor(middle), tensor(0.95))

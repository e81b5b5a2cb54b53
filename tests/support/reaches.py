"""Reaches of the arm, for losses to look at."""

from worlds import arm, network

from motornet_nb import DelayedReach, Environment, play


def played_reaches():
    "A rollout of the arm in double precision."
    env = Environment(arm().double(), DelayedReach(), duration=0.3, vision_delay=0.05)
    return play(network(env), env, env.sample(7, 0, "train"))


def arrays(played):
    "What the loss looks at, as NumPy arrays."
    names = ("endpoint_position", "target_position", "activation", "hidden")
    return [played[n].detach().numpy() for n in names]

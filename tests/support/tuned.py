"""Datasets of units whose tuning is known: cosines over directions of reach, straight hand paths."""

import numpy as np
import xarray as xr

GO = 0.1  # s


def reaches(preferred, depth=1.0, n_directions=8, repeats=1, offset=2.0, seconds=0.4) -> xr.Dataset:
    "Units (direction each, rad) with y = offset + depth cos(θ - preferred) throughout, and two muscles, over straight reaches of 0.1 m."
    preferred = np.asarray(preferred, float)
    direction = np.tile(np.arange(n_directions) * 2 * np.pi / n_directions, repeats)
    time = np.round(np.arange(1, round(seconds / 0.01) + 1) * 0.01, 6)
    tuned = offset + np.broadcast_to(depth, preferred.shape) * np.cos(direction[:, None] - preferred)
    hidden = np.repeat(tuned[:, None], len(time), 1)
    ways = np.stack([np.cos(direction), np.sin(direction)], 1)
    share = np.clip((time - GO) / 0.2, 0, 1)
    hand = 0.1 * ways[:, None] * share[:, None]
    rise = (1 + np.cos(direction[:, None] - np.array([0.0, np.pi])))[:, None] * share[:, None]  # (trial, time, muscle)
    return xr.Dataset(
        {
            "hidden": (("trial", "time", "unit"), hidden, {"units": "1", "long_name": "hidden activity"}),
            "activation": (("trial", "time", "muscle"), rise, {"units": "1", "long_name": "muscle activation"}),
            "endpoint_position": (("trial", "time", "space"), hand, {"units": "m", "long_name": "position"}),
            "start_position": (("trial", "space"), 0 * ways, {"units": "m", "long_name": "start"}),
            "goal_position": (("trial", "space"), 0.1 * ways, {"units": "m", "long_name": "goal"}),
        },
        {
            "trial": np.arange(len(direction)),
            "time": time,
            "unit": np.arange(len(preferred)),
            "muscle": ["right", "left"],
            "space": ["x", "y"],
            "target_direction": ("trial", direction, {"units": "rad"}),
            "go_time": ("trial", np.full(len(direction), GO), {"units": "s"}),
            "condition": ("trial", ["reach"] * len(direction)),
        },
    )

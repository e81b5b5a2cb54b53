"""Datasets whose activity is known, as `simulate` would return it."""

import numpy as np
import xarray as xr


def population(activity, timestep=0.01, variables=None, **of_trials) -> xr.Dataset:
    "Activity (trial, time, unit), further variables (trial, time, ...) and coordinates (trial)."
    n_trials, n_samples, n_units = activity.shape
    dims = ("trial", "time", "space")
    hand = {"endpoint_position": (dims, np.zeros((n_trials, n_samples, 2)), {"units": "m"})}
    about = {"units": "1", "long_name": "hidden activity"}
    time = ("time", np.arange(1, n_samples + 1) * timestep, {"units": "s"})
    return xr.Dataset(
        {"hidden": (("trial", "time", "unit"), activity, about), **hand, **(variables or {})},
        {"time": time, "trial": np.arange(n_trials), "unit": np.arange(n_units), "space": ["x", "y"]}
        | {name: ("trial", values) for name, values in of_trials.items()},
    )


def directions(n: int) -> np.ndarray:
    "Directions all the way round (n) rad."
    return np.arange(n) * 2 * np.pi / n

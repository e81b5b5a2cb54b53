"Every view once, of small results, for pages that are looked at."

import numpy as np
import pandas as pd
from populations import directions, population
from tuned import reaches
from worlds import arm, network

import motornet_nb as mn
from motornet_nb import views
from motornet_nb.body.statics import moment_arm_map, passive_drift

NOT_YET = {"animation"}  # its own layout for narrow pages is made elsewhere


def log():
    batches = np.arange(300)
    terms = {"position": 0.2 * 0.99**batches, "muscle": 0.01 + 0 * batches}
    return pd.DataFrame({"loss": sum(terms.values()), **terms}, index=pd.Index(batches, name="batch"))


def every_view():
    "By name, what each function of `views` returns."
    body, twin_body = arm(), mn.geometric_arm26()
    env = mn.Environment(body, mn.CenterOutReach(), duration=0.3)
    ds = mn.simulate(network(env, n_units=4), env)
    curl = mn.Environment(body, mn.CenterOutReach(loads=[mn.CurlField(8.0)]), duration=0.3)
    field = mn.simulate(network(curl, n_units=4), curl)
    units = reaches(np.arange(12) * 0.5, n_directions=24)
    time = np.linspace(0, 1, 15)
    turning = np.stack([np.outer(np.cos(directions(8)), time), np.outer(np.sin(directions(8)), time)], -1)
    states = population(turning, target_direction=directions(8), go_time=np.full(8, 0.01))
    return {
        "activations": views.activations(ds),
        "one trial": views.activations(ds, trial=0),
        "adaptation": views.adaptation({"without": ds, "in the field": field}),
        "animation": views.animation(ds),
        "compare": views.compare({"without": ds, "in the field": field}, views.trajectories),
        "drift_map": views.drift_map(passive_drift(body, 0.02, 3)),
        "effector": views.effector(twin_body),
        "hidden_grid": views.hidden_grid(ds),
        "kinematics": views.kinematics(ds),
        "moment_arm_maps": views.moment_arm_maps(moment_arm_map(body, n=7)),
        "moment_arms": views.moment_arms(twin_body, n=11),
        "muscle_map": views.muscle_map(units),
        "perturbation": views.perturbation(field, ds),
        "phase_plane": views.phase_plane(states),
        "preferred_directions": views.preferred_directions(units),
        "reach_grid": views.reach_grid([ds, field], {"curl field": ["0 N s/m", "8 N s/m"]}),
        "ridge_map": views.ridge_map(units),
        "slider_grid": views.slider_grid(twin_body, {"skeleton.l1": [0.25, 0.31, 0.35]}, n=11),
        "time_courses": views.time_courses(ds, "speed"),
        "training": views.training(log()),
        "trajectories": views.trajectories(ds),
        "tuning_curves": views.tuning_curves(units),
    }

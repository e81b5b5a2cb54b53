"""An example of every model class of the package, so that a test can say something about all of them."""

import functools
import importlib
import pkgutil

import torch

import motornet_nb
from motornet_nb.core.model import Model
from motornet_nb.core.registry import REGISTRY

#: arguments for classes that need some and for which the candidates below would not make sense together
ARGUMENTS = {
    "PathGeometry": {"bodies": [[0, 1], [0, 0, 1]], "points": [[[1, 0], [0, 0.5]], [[0, 1], [0, 2], [0, 0]]]},
    "PolynomialGeometry": {"reference": [0.5, 0.0], "a0": [0.3], "a1": [[0.03], [0.0]], "a2": [[0.0], [0.004]]},
    "ConstantGeometry": {"moment_arm": [[-1.0, 1.0], [0.0, 0.5]]},
    "ConstantLoad": {"force_vector": [1.0, 0.0]},
    "FunctionLoad": {"function": lambda state, time, trial: state.endpoint_velocity},
}

#: values that are tried, in this order, for required arguments of all other classes
CANDIDATES = (
    lambda: 1.0,
    lambda: [0.5, 0.5],
    lambda: [[0.5, 0.5], [0.5, 0.5]],
    lambda: 3,
    lambda: "a name",
    lambda: {},
    lambda: motornet_nb.TwoDofArm(),
    lambda: motornet_nb.RigidTendonHillMuscleThelen(),
    lambda: motornet_nb.ReluPointMass24(),
)


@functools.cache
def _modules() -> tuple:
    names = [m.name for m in pkgutil.walk_packages(motornet_nb.__path__, "motornet_nb.") if "._" not in m.name]
    return tuple(importlib.import_module(name) for name in names)


def package_classes() -> list[type[Model]]:
    "Every model class of the package, in alphabetical order."
    _modules()
    return [cls for name, cls in sorted(REGISTRY.items()) if "." not in name]


def package_names() -> dict:
    "Every name of every module of the package: what a printed model may refer to."
    return {k: v for module in _modules() for k, v in vars(module).items()} | {"torch": torch}


def arguments_for(cls: type[Model]) -> dict:
    "Arguments with which a class can be constructed: its required ones."
    if cls.__name__ in ARGUMENTS:
        return dict(ARGUMENTS[cls.__name__])
    return {name: _value_for(cls, p) for name, p in cls.declarations.items() if p.required}


def example(cls: type[Model], **changes) -> Model:
    "An object of a class."
    return cls(**arguments_for(cls) | changes)


def _value_for(cls, p):
    tried = [make() for make in CANDIDATES] + [example(c) for c in package_classes() if _is_simple(c)]
    for value in tried:
        try:
            p.check(value)
        except ValueError:
            continue
        return value
    raise AssertionError(
        f"{cls.__name__}.{p.name}: no candidate fits; add a row for {cls.__name__} to examples.ARGUMENTS"
    )


def _is_simple(cls) -> bool:
    return cls.__name__ in ARGUMENTS or not any(p.required for p in cls.declarations.values())

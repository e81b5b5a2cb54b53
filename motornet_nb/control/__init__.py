"""A network controls the body: policies, the closed loop, the engines that play it."""

from .audit import AuditError
from .policy import Policy, PolicyGRU
from .replicates import Replicates, unstack
from .rollout import Rollout, play

__all__ = [
    "AuditError",
    "Policy",
    "PolicyGRU",
    "Replicates",
    "Rollout",
    "play",
    "unstack",
]


def __dir__() -> list[str]:
    return __all__

"What the package offers of a kind, without what tests have defined."

from motornet_nb.core.equality import of_package
from motornet_nb.core.registry import choices


def offered(kind: type) -> dict:
    "By name, what makes it."
    return {n: make for n, make in choices(kind).items() if not isinstance(make, type) or of_package(make)}

"""The paper's experiments as functions: a curl field, geometry, perturbations, preferred directions."""

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .curl import curl_field
    from .directions import preferred_directions
    from .maps import geometry
    from .pushes import perturbations

__all__ = ["curl_field", "geometry", "perturbations", "preferred_directions"]

__getattr__ = lazily(
    __name__,
    {
        "curl_field": "curl",
        "geometry": "maps",
        "perturbations": "pushes",
        "preferred_directions": "directions",
    },
)


def __dir__() -> list[str]:
    return __all__

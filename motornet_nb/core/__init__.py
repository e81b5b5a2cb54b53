"""What every model is made of: declared parameters, configurations, equality, recipes, the registry."""

from .checks import refuse
from .model import Model, from_config
from .parameters import Parameter, choice, count, data, fixed, flag, number, part, parts, quantity, text
from .ranges import keep_in_range
from .recorded_variables import RecordedVariable
from .registry import choices, offer, overview
from .script import as_python
from .streams import Streams

__all__ = [
    "Model",
    "Parameter",
    "RecordedVariable",
    "Streams",
    "as_python",
    "choice",
    "choices",
    "count",
    "data",
    "fixed",
    "flag",
    "from_config",
    "keep_in_range",
    "number",
    "offer",
    "overview",
    "part",
    "parts",
    "quantity",
    "refuse",
    "text",
]


def __dir__() -> list[str]:
    return __all__

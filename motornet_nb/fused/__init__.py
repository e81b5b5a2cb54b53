"""Run a step written in PyTorch over time as one generated C++ loop, forward and backward.

`scan` captures, builds and runs a step; `Scan` keeps what was built, `History` what it has computed; `flatten` looks through its arguments (`Arguments`); `Recording` is a step with all that it reads;
`Unsupported` and `CompilerError` say what cannot be, `find_compiler` which compiler there is.
"""

from .arguments import Arguments, flatten
from .compiler import CompilerError, find_compiler
from .recorder import Unsupported
from .recording import Recording
from .scanning import History, Scan, scan

Given = Arguments  # its name until version 0.1

__all__ = [
    "Arguments",
    "CompilerError",
    "Given",
    "History",
    "Recording",
    "Scan",
    "Unsupported",
    "find_compiler",
    "flatten",
    "scan",
]


def __dir__() -> list[str]:
    return __all__

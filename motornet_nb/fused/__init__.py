"""Run a step written in PyTorch over time as one generated C++ loop, forward and backward.

`scan` captures, builds and runs a step; `Scan` keeps what was built; `Unsupported` and `CompilerError` say what cannot be.
"""

from .compiler import CompilerError, find_compiler
from .recorder import Unsupported
from .recording import Recording
from .scanning import Given, History, Scan, flatten, scan

__all__ = ["CompilerError", "Given", "History", "Recording", "Scan", "Unsupported", "find_compiler", "flatten", "scan"]

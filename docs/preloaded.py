"""What nearly every notebook loads, loaded once: kernels are forks of the process that has imported this."""

import bokeh.io
import bokeh.layouts
import bokeh.plotting  # noqa: F401
import ipykernel.kernelapp  # noqa: F401
import ipywidgets  # noqa: F401
import matplotlib  # noqa: F401
import pandas  # noqa: F401
import scipy.stats  # noqa: F401
import torch
import xarray  # noqa: F401

torch.set_num_threads(1)

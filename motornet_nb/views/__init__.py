"""Figures for any page, alive without a kernel"""

from motornet_nb.former import names_of

__getattr__, __dir__ = names_of("views")

"""Widgets: build, watch, explore"""

from motornet_nb.former import names_of

__getattr__, __dir__ = names_of("panels")

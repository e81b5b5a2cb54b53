"""What the body is asked to do, and the world it does it in"""

from motornet_nb.former import names_of

__getattr__, __dir__ = names_of("task")

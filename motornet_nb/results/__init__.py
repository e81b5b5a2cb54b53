"""What comes out, and numbers from it"""

from motornet_nb.former import names_of

__getattr__, __dir__ = names_of("results")

"""How a figure comes into a page: shown by itself, moved in one message, dressed for the theme, kept as a picture."""

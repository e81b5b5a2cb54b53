def still(layout):
    import matplotlib
    return b""

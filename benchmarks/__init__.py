"""How quick training is, beside MotorNet 0.3.0 and a hand-written JAX scan: `make bench`, or `python -m benchmarks`."""

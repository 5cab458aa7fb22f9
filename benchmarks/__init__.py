"""What is measured, against whom: ``python -m benchmarks``. One file a benchmark, one line in ``registry.py``."""

"""tensorlang: a language of tensor equations and its compiler to PyTorch."""

"""Evaluation of rules over relations: rows in, rows, answers and proofs out.

``strata.py`` checks a rulebook without evaluating it (plain Python); ``evaluating.py``, ``answering.py`` and
``proving.py`` are the doors to the engine. It knows positions, not entities: who calls turns them into words.
"""

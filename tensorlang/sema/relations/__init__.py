"""Facts, rules and the entities that they speak of: from statements to a ``Rulebook`` and the rows that are given.

``collect`` enters relations and keeps their facts, files and rules; ``lowered`` turns rules over what only a call or
the tensor half knows into equations; ``sorts`` finds what stands at each place; ``book`` makes the rulebook.
"""

"""Codes of relations: facts, rules, entities, queries over them, and their files (E11xx)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E1101",
        "a variable that nothing binds",
        "Every variable of a head, of a negated relation, of a comparison and of arithmetic must stand in a relation of the "
        "body that is not negated, or be set by `variable == arithmetic`: else it could be anything.",
        "Parent(Ann, Bob)\nOther(x, y) <- Parent(x, _), x != y\n",
        "Parent(Ann, Bob)\nOther(x, y) <- Parent(x, y), x != y\n",
    ),
    Code(
        "E1102",
        "`not` inside a circle of rules",
        "A relation that depends on its own negation has no least meaning. Rules are computed in layers: what is negated "
        "must be complete before.",
        "Move(A, B)\nWin(x) <- Move(x, y), not Win(y)\n",
        "Move(A, B)\nReach(x) <- Move(x, _)\nStuck(y) <- Move(_, y), not Reach(y)\n",
    ),
    Code(
        "E1103",
        "a relation stands with the wrong number of places",
        "A relation has as many places as its declaration or its first fact or rule says.",
        "Parent(Ann, Bob)\nParent(Ann)\n",
        "Parent(Ann, Bob)\n",
    ),
    Code(
        "E1104",
        "a place holds different kinds of things",
        "A place holds entities of one domain, whole numbers, or numbers. Places that share a variable of a rule, or a name "
        "in declarations, are of one kind. Entities are equal or not, and are not reckoned with.",
        "Age(Ann, 3)\nAge(Bob, Old)\n",
        "Age(Ann, 3)\nState(Bob, Old)\n",
    ),
    Code(
        "E1105",
        "a relation is both told and computed",
        "A relation is told by facts, files and rules over such relations, or it is defined by equations (also by rules that "
        "read inputs and tensors, which are equations).",
        "Parent(Ann, Bob)\nParent(x, y) = (x == y)\n",
        "Parent(Ann, Bob)\nBoth(x, y) = Parent(x, y) Parent(y, x)\n",
    ),
    Code(
        "E1106",
        "not a relation that rules know",
        "Facts, rules and queries for bindings speak of relations that facts, files or rules define. A relation that is given "
        "at each call is a tensor of truth values: rules over it are equations, and a query prints its elements.",
        "Parent(Ann, Bob)\nGrand(x, z) <- Parent(x, y), Parnt(y, z)\n",
        "Parent(Ann, Bob)\nGrand(x, z) <- Parent(x, y), Parent(y, z)\n",
    ),
    Code(
        "E1107",
        "a file of another shape than its relation",
        "Each line of a relation's file has one cell for each place. A file with more columns names them in its first line, "
        "like the places of the declaration.",
    ),
    Code(
        "E1108",
        "a file without rows",
        "A relation is loaded from a file that holds at least one row.",
    ),
    Code(
        "E1109",
        "an empty cell",
        "Every place of every row has a value: a word or a number. Leave out rows that are not known.",
    ),
    Code(
        "E1110",
        "a place without a name",
        "A declaration names the domain of each place by a word, once for each place. `: int`, `: float` or `: word` behind it "
        "says that the place holds numbers of their own, not positions, or that digits are names.",
        "relation Road(city, city, 2 + 3)\n",
        "relation Road(city, city, km: int)\nRoad(Ulm, Bonn, 430)\n",
    ),
    Code(
        "E1111",
        "entities are named in a module",
        "Facts, and the entities that a `dim` lists, belong to the program. A module takes relations as its formals.",
        "def M(X[i]) -> Y[i]:\n    Parent(Ann, Bob)\n    Y[i] = X[i]\ninput X[i]\nZ = M(X)\n",
        "Parent(Ann, Bob)\ninput X[i]\nZ[i] = X[i]\n",
    ),
    Code(
        "E1112",
        "a fact with a variable",
        "A fact names entities (capitalised words, or any words in quotes) and numbers. With variables it is a rule, which "
        "needs a body.",
        "Parent(Ann, bob)\n",
        'Parent(Ann, "bob")\n',
    ),
    Code(
        "E1113",
        "an aggregate where none can be",
        "`count(y)`, `sum(w)`, `min(w)`, `max(w)` and `mean(w)` stand at one place of a rule's head; the other places say what "
        "is grouped by. Over inputs and tensors an equation aggregates.",
        "Owns(Ann, Cup, 3)\nBoth(x, sum(n), count(y)) <- Owns(x, y, n)\n",
        "Owns(Ann, Cup, 3)\nAll(x, sum(n)) <- Owns(x, _, n)\nKinds(x, count(y)) <- Owns(x, y, _)\n",
    ),
    Code(
        "E1114",
        "no condition of a rule",
        "A body lists relations, `not` and a relation, and comparisons; all of them must hold.",
        "Parent(Ann, Bob)\nKin(x, y) <- Parent(x, y) or Parent(y, x)\n",
        "Parent(Ann, Bob)\nKin(x, y) <- Parent(x, y)\nKin(x, y) <- Parent(y, x)\n",
    ),
    Code(
        "E1115",
        "nothing that can stand at a place",
        "At the places of a relation stand variables, entities, numbers, and arithmetic over numbers.",
        "Parent(Ann, Bob)\nKin(x, sin(y)) <- Parent(x, y)\n",
        "Parent(Ann, Bob)\nKin(x, y) <- Parent(x, y)\n",
    ),
    Code(
        "E1116",
        "an unknown entity",
        "Facts and files name the entities of a domain. Rules, queries and equations can only speak of those.",
        "Parent(Alice, Bob)\nParent(Alise, x)?\n",
        "Parent(Alice, Bob)\nParent(Alice, x)?\n",
    ),
    Code(
        "E1117",
        "a domain that is closed",
        "A `dim` that lists its entities (`dim color = [Red, Green]`) has no others, and one with a size has no more than "
        "that.",
        "dim color = [Red, Green]\nrelation Likes(color)\nLikes(Gren)\n",
        "dim color = [Red, Green]\nrelation Likes(color)\nLikes(Green)\n",
    ),
    Code(
        "E1118",
        "a position outside of its domain",
        "A place that a declaration names and that holds whole numbers holds positions: they begin with 0 and lie below the "
        "size that a `dim` gives. Numbers of their own are annotated: `km: int`.",
        "dim n = 3\nrelation Edge(n, n')\nEdge(0, 3)\n",
        "dim n = 4\nrelation Edge(n, n')\nEdge(0, 3)\n",
    ),
    Code(
        "E1119",
        "a proof of what is no fact",
        "`why` asks how one fact of a relation comes about, so all of its places are named.",
        "Parent(Ann, Bob)\nwhy Parent(Ann, x)?\n",
        "Parent(Ann, Bob)\nwhy Parent(Ann, Bob)?\n",
    ),
    Code(
        "E1120",
        "numbers of a relation that are no positions",
        "An equation reads a relation at positions, which are whole numbers from 0 on. Places that hold other numbers can "
        "be compared and reckoned with in rules.",
    ),
    Code(
        "E1121",
        "rows that do not fit their relation",
        "A caller gives a declared relation its rows: each has one cell for each place, a word or a number.",
    ),
    Code(
        "E1122",
        "a question about no relation",
        "`prog.query`, `prog.why` and `prog.facts` ask about relations that facts, files and rules define.",
    ),
    Code(
        "E1123",
        "an aggregate inside a circle of rules",
        "An aggregate needs all of what it joins. In a circle of rules only `min` and `max` may stand, and only where a "
        "better value never makes another worse: shortest ways add lengths, and find ever shorter ones.",
        "Edge(A, B, 3)\nLen(A, 0)\nLen(y, sum(n)) <- Len(x, m), Edge(x, y, k), n == m + k\n",
        "Edge(A, B, 3)\nLen(A, 0)\nLen(y, min(m + k)) <- Len(x, m), Edge(x, y, k)\n",
    ),
    Code(
        "E1124",
        "a relation with an aggregate and something else",
        "A `count`, `sum` or `mean` is the only rule of its relation, which has no facts. Rules with `min` or `max` agree in "
        "the operator and its place; facts and rules without an aggregate take part in it.",
        "Parent(Ann, Bob)\nKids(x, count(y)) <- Parent(x, y)\nKids(Bob, 0)\n",
        "Parent(Ann, Bob)\nKids(x, count(y)) <- Parent(x, y)\nNone(x) <- Parent(_, x), not Parent(x, _)\n",
    ),
)

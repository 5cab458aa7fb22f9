"""Prose for problems with relations, facts, rules and entities (E11xx)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tensorlang.diagnostics import Problems, nearest
from tensorlang.sema.messages.names import did_you_mean, form
from tensorlang.sema.scope import TensorInfo
from tensorlang.source import Span


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def _relation(info: TensorInfo) -> str:
    return f"{info.name}({', '.join(info.labels or ())})"


def place_label(problems: Problems, span: Span) -> None:
    help_ = ["name the domain of each place, as in `relation Road(city, city, km: int)`; kinds are int, float and word"]
    problems.error("E1110", "a place of a relation is named by a word", (span, "found this"), help=help_)


def wrong_places_of(problems: Problems, span: Span, info: TensorInfo, places: int, found: int) -> None:
    problems.error(
        "E1103",
        f"`{info.name}` has {_places(places)}, but stands here with {found}",
        (span, f"found {found}"),
        (info.span, f"`{_relation(info)}`, expected {places}"),
    )


def words_and_numbers(problems: Problems, words: Span, numbers: Span) -> None:
    problems.error(
        "E1104",
        "one place holds entities and numbers",
        (words, "an entity here"),
        (numbers, "a number here"),
        help=["places that share a variable, or a name in declarations, hold the same kind of thing"],
    )


def two_domains(problems: Problems, span: Span, one: str, other: str) -> None:
    problems.error(
        "E1104",
        f"one variable stands for a `{one}` and for a `{other}`",
        (span, f"`{one}` here, `{other}` elsewhere"),
        help=["places that a rule joins are of one domain: give them one name in their declarations"],
    )


def word_in_arithmetic(problems: Problems, span: Span, word: str) -> None:
    problems.error("E1104", f"`{word}` is an entity, and entities are not reckoned with", span)


def no_entities_here(problems: Problems, span: Span, word: str, sort: str) -> None:
    problems.error("E1104", f"`{word}` is an entity, but a number ({sort}) stands here", span)


def entities_have_no_order(problems: Problems, span: Span, domain: str) -> None:
    help_ = ["entities can be compared with `==` and `!=`"]
    problems.error("E1104", f"the entities of `{domain}` have no order", span, help=help_)


def facts_and_equations(problems: Problems, span: Span, info: TensorInfo) -> None:
    problems.error(
        "E1105",
        f"`{info.name}` is defined by equations and by facts or rules",
        (span, "told here"),
        (info.equations[0][0].left, "and by an equation here"),
        help=["say it by rules alone, or give one of the two another name"],
    )


def facts_beside_inputs(problems: Problems, span: Span, info: TensorInfo) -> None:
    problems.error(
        "E1105",
        f"`{info.name}` has facts of its own, and a rule that reads what only a call knows",
        (span, "this rule reads an input or a tensor"),
        help=[f"give the rule's relation another name: `{info.name}'(...) <- {info.name}(...)`"],
    )


def not_a_relation(problems: Problems, span: Span, info: TensorInfo) -> None:
    what = {"defined": "defined by equations", "relation": "given at each call"}.get(info.kind, f"`{info.kind}`")
    problems.error(
        "E1106",
        f"`{info.name}` is {what}, so there are no facts or rules of it",
        (span, "used as a relation here"),
        (info.span, f"`{form(info.name, info.labels or ())}`"),
        help=["a query for bindings needs relations that facts, files or rules define"],
    )


def unknown_relation(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or [f"declare it: `relation {name}(...)`, or state facts: `{name}(...)`"]
    problems.error("E1106", f"there is no relation `{name}`", (span, "read here"), help=help_)


def fact_in_a_module(problems: Problems, span: Span, module: str) -> None:
    help_ = ["state facts outside of modules, and hand the relation to the module"]
    problems.error("E1111", f"module `{module}` states a fact", span, help=help_)


def variable_in_a_fact(problems: Problems, span: Span, name: str) -> None:
    help_ = ["entities begin with a capital letter"]
    if name != "_":
        help_.append(f'any other word stands in quotes: `"{name}"`')
    problems.error("E1112", f"the fact has a variable, `{name}`", (span, "expected an entity or a number"), help=help_)


def one_aggregate(problems: Problems, span: Span, rule: bool) -> None:
    message = "a head has one aggregate" if rule else "a fact has no aggregate"
    problems.error("E1113", message, (span, "found this one"), help=["count, sum, min, max and mean stand in rules"])


def aggregate_over_tensors(problems: Problems, span: Span) -> None:
    problems.error(
        "E1113",
        "the rule has an aggregate, and reads what only a call knows",
        (span, "an aggregate here"),
        help=["write an equation: `Degree[x] = count[y](Edge(x,y))`"],
    )


def or_in_a_rule(problems: Problems, span: Span) -> None:
    help_ = ["write one rule for each case: rules with one head add up"]
    problems.error("E1114", "a rule holds where all of its conditions hold", (span, "found `or`"), help=help_)


def not_a_rule_condition(problems: Problems, span: Span) -> None:
    problems.error(
        "E1114",
        "this is no condition of a rule",
        (span, "expected a relation, `not` a relation, or a comparison"),
    )


def not_a_term(problems: Problems, span: Span) -> None:
    help_ = ["an entity, a number, a variable, or whole-number arithmetic such as `n + 1`"]
    problems.error("E1115", "this cannot stand at a place of a relation", (span, "found this"), help=help_)


def unknown_entity(problems: Problems, span: Span, word: str, domain: str, known: Mapping[str, int]) -> None:
    near = nearest(word, known)
    help_ = [f"did you mean `{near}`?" if near else f"facts and files name entities, {len(known)} so far"]
    of = "" if domain == "entity" else f" of `{domain}`"
    problems.error("E1116", f"`{word}` is no entity{of}", (span, "found this"), help=help_)


def no_entities_of_axis(problems: Problems, span: Span, word: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(word, known) or ["entities come from facts and files of a relation that shares this axis"]
    problems.error("E1116", f"`{word}` is no entity of this axis", (span, "found this"), help=help_)


def closed_domain(
    problems: Problems, span: Span, word: str, domain: str, closed: Span, known: Mapping[str, int], where: str
) -> None:
    near = nearest(word, known)
    help_ = [f"did you mean `{near}`?"] if near else [f"add it to `dim {domain}`"]
    message = f"`{word}` is no entity of `{domain}`, which `dim` lists"
    problems.error(
        "E1117", f"{where}: {message}" if where else message, (span, "found here"), (closed, "listed here"), help=help_
    )


def too_many_entities(problems: Problems, span: Span, domain: str, size: int, found: int) -> None:
    problems.error(
        "E1117",
        f"`{domain}` has {found} entities, but was declared with {size}",
        (span, "declared here"),
        help=[f"write `dim {domain}` without a size: it has as many elements as there are entities"],
    )


def not_a_number_in(problems: Problems, span: Span, cell: str, where: str) -> None:
    problems.error("E1104", f"{where} holds `{cell}`, where a whole number or number stands elsewhere", span)


def position_outside(
    problems: Problems, span: Span, value: int | float, domain: str, limit: int | None, where: str
) -> None:
    place = f"{where} holds {value}" if where else f"{value} stands here"
    words = "positions begin with 0" if limit is None else f"`{domain}` has positions 0 to {limit - 1}"
    problems.error("E1118", f"{place}, but {words}", span)


def rule_of_numbers(problems: Problems, span: Span, info: TensorInfo) -> None:
    help_ = ["define it by an equation, or let a rule derive a relation of truth values"]
    problems.error("E1106", f"`{info.name}` holds numbers, and rules derive truth values", span, help=help_)


def listed_entity(problems: Problems, span: Span, word: str | None) -> None:
    message = "a domain lists words" if word is None else f"`{word}` is listed twice"
    problems.error("E1117", message, (span, "found this"), help=['write `dim color = [Red, Green, "dark blue"]`'])


def listed_in_a_module(problems: Problems, span: Span, name: str) -> None:
    problems.error("E1111", f"the entities of `{name}` are listed inside a module", span, help=["list them outside"])


def why_needs_a_fact(problems: Problems, span: Span) -> None:
    help_ = ["name entities and numbers at all places: `why Ancestor(Alice, Dan)?`"]
    problems.error("E1119", "a proof is for one fact of a relation", (span, "found this"), help=help_)

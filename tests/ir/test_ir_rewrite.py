"""The driver reaches a fixed point, shares work, stops when the fuel is spent; names are kept apart."""

from __future__ import annotations

from building import add, apply, define, expr, index, read, summed, tensor

from tensorlang.ir.nodes import Apply, Const, Expr, number, substitute
from tensorlang.ir.rewrite import bound_inside, fresh_name, indices_inside, rename_apart, rewrite, rewrite_program
from tensorlang.ir.show import show_expr

i, j = index("i", 3), index("j", 3)
X, A = tensor("X", 3), tensor("A", 3, 3)


def fold(node: Expr) -> Expr | None:
    """Sums of integers."""
    if isinstance(node, Apply) and node.op == "add":
        values = [arg.value for arg in node.args if isinstance(arg, Const) and isinstance(arg.value, int)]
        if len(values) == len(node.args):
            return number(sum(values))
    return None


def double_negative(node: Expr) -> Expr | None:
    match node:
        case Apply(op="neg", args=(Apply(op="neg", args=(inner,)),)):
            return inner
        case Apply(op="neg", args=(Const(value=int() as value),)):
            return number(-value)
    return None


def test_children_come_first_and_results_are_rewritten_again() -> None:
    node = apply("neg", apply("neg", apply("neg", add(1, add(2, 3)))))
    assert rewrite(node, [fold, double_negative]) is number(-6)


def test_nothing_to_do_gives_the_same_object() -> None:
    node = summed(j, of=(read(A, i, j), read(X, j)))
    assert rewrite(node, [fold]) is node


def test_the_first_rule_that_changes_something_wins() -> None:
    def one_is_two(node: Expr) -> Expr | None:
        return number(2) if node is number(1) else None

    assert rewrite(number(1), [lambda node: None, lambda node: node, one_is_two]) is number(2)


def test_a_shared_part_is_rewritten_once() -> None:
    seen: list[Expr] = []

    def watch(node: Expr) -> Expr | None:
        seen.append(node)
        return fold(node)

    part: Expr = add(1, 1)
    for _ in range(50):
        part = apply("max", part, part)
    rewrite(part, [watch])
    assert len(seen) == 1 + 1 + 50 + 1


def test_depth_is_no_problem() -> None:
    node: Expr = number(0)
    for _ in range(5000):
        node = add(node, 1)
    assert rewrite(node, [fold]) is number(5000)


def test_fuel_ends_rules_that_do_not() -> None:
    def back_and_forth(node: Expr) -> Expr | None:
        return number(2) if node is number(1) else number(1) if node is number(2) else None

    def grow(node: Expr) -> Expr | None:
        return apply("neg", node)

    assert rewrite(number(1), [back_and_forth], fuel=101) in (number(1), number(2))
    assert show_expr(rewrite(number(1), [grow], fuel=5)).startswith("-")


def test_all_values_of_a_program() -> None:
    program = define("Y", (i,), add(1, 2), dtype="int")
    assert rewrite_program(program, [fold]).definitions[0].pieces[0].value is number(3)


def test_indices_inside() -> None:
    node = summed(j, of=(read(A, i, j),))
    assert bound_inside(node) == {j}
    assert indices_inside(node) == {i, j}


def test_fresh_names() -> None:
    assert fresh_name("i", ["j"]) == "i_1"
    assert fresh_name("i'", ["i_1"]) == "i_2"
    assert fresh_name("i_1", ["i_1"]) == "i_2"


def test_bound_indices_are_renamed_apart() -> None:
    node = summed(j, of=(read(A, i, j), summed(index("j_1", 3), of=(read(X, index("j_1", 3)),))))
    assert rename_apart(node, ["i"]) is node
    renamed = rename_apart(node, ["j"])
    assert show_expr(renamed) == "sum[j_2](A[i,j_2] * sum[j_1](X[j_1]))"
    assert show_expr(substitute(renamed, {i: expr(j)})) == "sum[j_2](A[j,j_2] * sum[j_1](X[j_1]))"

"""Conditions of `when` and `if`: names, constants, comparisons, `and`, `or`, `not`, `in`; nothing else.

The grammar is a part of Python's, kept as its syntax tree. It is walked here and not by simpleeval because a
citizen's answer of digits ("18") must compare as a number with a number, and because allowing a few nodes is the
whole sandbox.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping

from gateway.menu.model import Expression, Mark

#: Names that every condition may use beside kept values. The engine gives them to `evaluate`.
BUILTIN_NAMES = frozenset({"language"})

#: Longer conditions are nobody's intention.
MAX_LENGTH = 200

Value = str | int

_COMPARISONS: dict[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class ExpressionError(ValueError):
    """What a condition may not hold; `what` is that piece of its source."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def parse(source: str, mark: Mark) -> Expression:
    """The condition of a source text. Raises ExpressionError when it holds more than names and comparisons."""
    if len(source) > MAX_LENGTH:
        raise ExpressionError(source[:40])
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(source.strip()) from error
    names: set[str] = set()
    _allow(tree, names, source)
    return Expression(source.strip(), tree, frozenset(names), mark)


def evaluate(expression: Expression, values: Mapping[str, Value]) -> bool:
    """Whether the condition holds. `values` are raw; a name without a value reads as "" (and so is false)."""
    return bool(_value(expression.tree, values))


def compared(expression: Expression) -> Iterator[tuple[str, str]]:
    """Each name with each text that it is said to be or not to be (`==`, `!=`, `in`)."""
    for node in ast.walk(expression.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                continue
            for name, other in ((left, right), (right, left)):
                among = other.elts if isinstance(other, ast.Tuple | ast.List) else [other]
                for part in among:
                    if isinstance(name, ast.Name) and isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield name.id, part.value


def _allow(node: ast.expr, names: set[str], source: str) -> None:
    match node:
        case ast.BoolOp(values=parts):
            for part in parts:
                _allow(part, names, source)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            _allow(part, names, source)
        case ast.Compare(left=left, ops=ops, comparators=right):
            _allow(left, names, source)
            for op, part in zip(ops, right, strict=True):
                if isinstance(op, ast.In | ast.NotIn):
                    _allow_constants(part, source)
                elif type(op) in _COMPARISONS:
                    _allow(part, names, source)
                else:
                    raise ExpressionError(ast.get_source_segment(source.strip(), node) or source)
        case ast.Name(id=name):
            names.add(name)
        case ast.Constant(value=str()) | ast.Constant(value=int()):
            pass
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            pass
        case _:
            raise ExpressionError(ast.get_source_segment(source.strip(), node) or source)


def _allow_constants(node: ast.expr, source: str) -> None:
    if isinstance(node, ast.Tuple | ast.List) and all(
        isinstance(part, ast.Constant) and isinstance(part.value, str | int) for part in node.elts
    ):
        return
    raise ExpressionError(ast.get_source_segment(source.strip(), node) or source)


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=str() | int() as constant):
            return constant
        case ast.Name(id=name):
            return values.get(name, "")
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return not _value(part, values)
        case ast.UnaryOp(operand=part):
            return -int(_value(part, values))
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, values) for part in parts)
        case ast.Compare():
            return _compare(node, values)
    raise AssertionError("parse allows no other node")


def _compare(node: ast.Compare, values: Mapping[str, Value]) -> bool:
    left = _value(node.left, values)
    for op, part in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            assert isinstance(part, ast.Tuple | ast.List)
            among = any(_equal(left, _value(element, values)) for element in part.elts)
            if among is isinstance(op, ast.NotIn):
                return False
        else:
            right = _value(part, values)
            if not _COMPARISONS[type(op)](*_same_kind(left, right)):
                return False
            left = right
    return True


def _equal(left: Value, right: Value) -> bool:
    first, second = _same_kind(left, right)
    return first == second


def _same_kind(left: Value, right: Value) -> tuple[Value, Value]:
    """Two numbers when one is a number and the other digits; else two texts (so no comparison can fail)."""
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    first, second = _number(left), _number(right)
    if first is not None and second is not None:
        return first, second
    return str(left), str(right)


def _number(value: Value) -> int | None:
    if isinstance(value, int):
        return int(value)
    return int(value) if value.isascii() and value.isdigit() else None

"""What no module may do, because it once showed one tenant's rows to another."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "tenants", "merchants", "payments", "dashboard", "benchmarks")
TREES = {
    str(file.relative_to(ROOT)): ast.parse(file.read_text())
    for package in PACKAGES
    for file in sorted((ROOT / package).rglob("*.py"))
}

CONTEXTS = {"tenant_context", "schema_context"}
THREADS = {
    "Thread",
    "Timer",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
    "Pool",
    "start_new_thread",
}
SETTERS = {"set_tenant", "set_schema", "set_schema_to_public"}
QUALIFIED = re.compile(r'\b(from|join|into|update|table)\s+"?(public"?\.|t_)', re.IGNORECASE)

Rule = Callable[[ast.AST], bool]


def name_of(node: ast.expr) -> str:
    """The last name of `a.b.c`, of `a`, or of what is called."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return name_of(function)
    return ""


def shares_a_stack(node: ast.AST) -> bool:
    """`with tenant:`: django-tenants keeps one stack per tenant object, for all threads."""
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Name | ast.Attribute)
        and "tenant" in name_of(item.context_expr).lower()
        for item in node.items
    )


def decorates_with_a_context(node: ast.AST) -> bool:
    """As a decorator a context is made once, and restores the schema of its first use."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and any(
        name_of(decorator) in CONTEXTS for decorator in node.decorator_list
    )


def keeps_a_context(node: ast.AST) -> bool:
    """A context is made where it is entered, never kept for later."""
    return isinstance(node, ast.Assign | ast.AnnAssign | ast.Return) and any(
        isinstance(inner, ast.Call) and name_of(inner) in CONTEXTS
        for inner in ([node.value] if node.value else [])
    )


def starts_a_thread(node: ast.AST) -> bool:
    """A new thread's connection stands in public: only workers know how to make theirs."""
    return isinstance(node, ast.Call) and name_of(node) in THREADS


def sets_the_schema(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in SETTERS


def qualifies_sql(node: ast.AST) -> bool:
    """Tables are found by the search path; a named schema is somebody's for ever."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and bool(QUALIFIED.search(node.value))
    )


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (shares_a_stack, set()),
        (decorates_with_a_context, set()),
        (keeps_a_context, set()),
        # An export reads on over a connection of its own, which knows its schema.
        (
            starts_a_thread,
            {"tenants/worker.py", "benchmarks/settling_worker.py", "payments/exporting.py"},
        ),
        (sets_the_schema, {"tenants/schema.py"}),
        (qualifies_sql, {"tenants/provisioning.py"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nobody(rule: Rule, allowed: set[str]) -> None:
    found = {
        f"{file}:{getattr(node, 'lineno', 0)}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if file not in allowed and rule(node)
    }
    assert not found


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (shares_a_stack, "with request.tenant: pass"),
        (shares_a_stack, "with open(a), tenant: pass"),
        (decorates_with_a_context, "@schema_context('t_x')\ndef f(): pass"),
        (decorates_with_a_context, "@utils.tenant_context(tenant)\nasync def f(): pass"),
        (keeps_a_context, "inside = tenant_context(tenant)"),
        (starts_a_thread, "threading.Thread(target=f).start()"),
        (starts_a_thread, "ThreadPoolExecutor(2)"),
        (sets_the_schema, "connection.set_schema('t_x')"),
        (sets_the_schema, "connections['default'].set_tenant(tenant)"),
        (qualifies_sql, "cursor.execute('SELECT 1 FROM  public.job')"),
        (qualifies_sql, "cursor.execute(f'SELECT 1 FROM t_{key}.payment')"),
    ],
)
def test_the_rules_see_what_they_forbid(rule: Rule, source: str) -> None:
    assert any(map(rule, ast.walk(ast.parse(source))))


@pytest.mark.parametrize("source", ["with tenant_context(tenant): pass", "tenant_context"])
def test_the_one_way_is_open(source: str) -> None:
    rules = (shares_a_stack, decorates_with_a_context, keeps_a_context, sets_the_schema)
    assert not any(rule(node) for rule in rules for node in walk(source))


def walk(source: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(source))

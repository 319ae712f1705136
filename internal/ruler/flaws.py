"""What is wrong with a Python text that one can see without running it."""
import ast
import builtins
import collections
import functools
import warnings

try:
    from pyflakes import checker, messages
except ImportError:
    raise SystemExit("ruler fixes needs pyflakes: pip install pyflakes")


def parsed(text):
    """The tree of a text that compiles; None for others."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            compile(text, "text", "exec", dont_inherit=True)
        return tree
    except (SyntaxError, ValueError, RecursionError):
        return None


def new(before, after):
    """The flaws that a text has and that it had not before, as (kind, what); a fix may repeat a name that had no value before it.
    A text that did not compile has none."""
    old = flaws_of(before)
    if old is None:
        return []
    found = flaws_of(after)
    if found is None:
        return [("no longer compiles", error(after))]
    return sorted(flaw for flaw in found - old if flaw[0] != "undefined name" or flaw not in old)


def error(text):
    try:
        compile(text, "text", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as e:
        return f"line {getattr(e, 'lineno', '?')}: {e}"


@functools.lru_cache(64)  # many fixes are of one file
def flaws_of(text):
    """The flaws of a text with how often each is there; None if it does not compile."""
    tree = parsed(text)
    return None if tree is None else collections.Counter(flaws(tree))


def flaws(tree):
    told = set()
    for scope, node in scopes(tree):
        for name in early(node):
            told.add(name)
            yield "used above its first assignment", f"{name} in {scope}"
    for m in checker.Checker(tree).messages:
        if isinstance(m, (messages.UndefinedName, messages.UndefinedLocal)) and m.message_args[0] not in told:
            yield "undefined name", m.message_args[0]


def scopes(tree):
    """The module and all functions, with qualified names."""
    stack = [("the module", "", tree)]
    while stack:
        name, prefix, node = stack.pop()
        if not isinstance(node, ast.ClassDef):
            yield name, node
        for child in own(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                stack.append((prefix + child.name, prefix + child.name + ".", child))


SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def own(scope):
    """The nodes of a scope, inner functions and classes by their definition and what is evaluated there alone."""
    stack = list(reversed(list(ast.iter_child_nodes(scope)))) if not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)) else list(reversed(scope.body))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, SCOPES):
            outer = [*getattr(node, "decorator_list", []), *getattr(node, "bases", [])]
            if arguments := getattr(node, "args", None):
                outer += [*arguments.defaults, *filter(None, arguments.kw_defaults)]
            stack.extend(reversed(outer))
        else:
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def early(scope):
    """The names that a scope binds, and reads above the first binding: once for each read."""
    bound, reads, elsewhere = {}, [], set(dir(builtins))
    if not isinstance(scope, ast.Module):
        a = scope.args
        elsewhere |= {x.arg for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]}

    def bind(name, at):
        bound[name] = min(bound.get(name, at), at)

    nodes = list(own(scope))
    inner = comprehension_names(nodes)
    ends = {}  # where the value of a binding has been evaluated, by the id of the target
    for node in nodes:
        values = {
            ast.Assign: lambda n: [(t, n.value) for t in n.targets], ast.AnnAssign: lambda n: [(n.target, n.value or n.annotation)],
            ast.For: lambda n: [(n.target, n.iter)], ast.AsyncFor: lambda n: [(n.target, n.iter)], ast.NamedExpr: lambda n: [(n.target, n.value)],
            ast.withitem: lambda n: [(n.optional_vars, n.context_expr)] if n.optional_vars else [],
        }.get(type(node), lambda n: [])(node)
        for target, value in values:
            for t in ast.walk(target):
                ends[id(t)] = (value.end_lineno, value.end_col_offset)
    for node in nodes:
        match node:
            case ast.Name() if id(node) in inner:
                pass
            case ast.Name(ctx=ast.Store()):
                bind(node.id, ends.get(id(node), (node.lineno, node.col_offset)))
            case ast.Name(ctx=ast.Load()):
                reads.append(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bind(node.name, (node.lineno, node.col_offset))
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    bind(alias.asname or alias.name.split(".")[0], (node.lineno, node.col_offset))
            case ast.ExceptHandler(name=str()):
                bind(node.name, (node.lineno, node.col_offset))
            case ast.MatchAs(name=str()) | ast.MatchStar(name=str()):
                bind(node.name, (node.lineno, node.col_offset))
            case ast.MatchMapping(rest=str()):
                bind(node.rest, (node.lineno, node.col_offset))
            case ast.Global() | ast.Nonlocal():
                elsewhere.update(node.names)
    for read in reads:
        if read.id in bound and read.id not in elsewhere and (read.lineno, read.col_offset) < bound[read.id]:
            yield read.id


def comprehension_names(nodes):
    """The ids of the name nodes that mean a comprehension's own variable."""
    inner = set()
    for node in nodes:
        if isinstance(node, COMPREHENSIONS):
            own_names = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
            inner |= {id(n) for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in own_names}
    return inner

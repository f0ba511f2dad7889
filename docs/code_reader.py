"""Reads from the code which refusals a function can make: its own, and those of all that it names, and so on.

What a value is, and so whose method is meant, is taken from annotations; where they don't say it, the method counts if
only one class has one of that name. So a function may be said to tell a code that it never does, such as one that it
handles. That none is missing is for the tests, which hold every answer that they meet against this.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from heliograph.api.catalogue import CATALOGUE

SEVERAL: Final = "invalid_request"  # told when refusals differ
_SOURCE: Final = Path(__file__).parents[1] / "src" / "heliograph"
_PACKAGES: Final = ("api", "core", "engine", "products")  # nothing else makes refusals
_USUAL: Final = 422  # the status of a refusal that names none
_STATUSES: Final = frozenset({400, 401, 403, 404, 409, 413, 415, 422, 429, 503})
_MAKERS: Final = {"Refusal": 3, "refuse": 3}  # what makes a refusal, and where its status stands
_TAKES_OUT: Final = frozenset({"get", "pop", "values", "items"})
_PROTOCOL: Final = "typing:Protocol"
_USUAL_NAMES: Final = frozenset(name for kind in (str, bytes, dict, list, set) for name in dir(kind))
Told = frozenset[tuple[int, str]]


class _Thing:
    """A function, a method or a table: what it makes, and what it leads to."""

    def __init__(self, node: ast.AST, scope: "_Scope") -> None:
        self.node = node
        self.scope = scope
        self.own: set[tuple[int, str]] = set()
        self.loose: set[str] = set()  # codes that it only names: something else makes refusals of them
        self.anew: set[int] = set()  # statuses with which it tells again what it was told
        self.passes: set[int] = set()  # statuses with which it tells the codes that it is handed
        self.handed: list[tuple[str, str | None]] = []  # to whom it hands a code; None: one that it was told
        self.leads: set[str] = set()


class _Scope:
    """The names of a module, and of the class that something stands in."""

    def __init__(self, module: str, names: dict[str, str], cls: str | None = None) -> None:
        self.module = module
        self.names = names
        self.cls = cls


class _Class:
    def __init__(self) -> None:
        self.bases: list[str] = []
        self.fields: dict[str, set[str]] = {}  # the classes that an attribute may be of
        self.methods: set[str] = set()


class Reader:
    """Reads all modules, then follows."""

    def __init__(self) -> None:
        self.things: dict[str, _Thing] = {}
        self.classes: dict[str, _Class] = {}
        self.heirs: dict[str, list[str]] = {}
        self.methods: dict[str, list[str]] = {}
        self.trees = trees = dict(_modules())
        scopes = {name: _Scope(name, _names(name, tree, trees)) for name, tree in trees.items()}
        for name, tree in trees.items():
            self._collect(tree.body, f"{name}:", scopes[name])
        for name, tree in trees.items():
            self._type_fields(tree, scopes[name])
        for name, one in self.classes.items():
            for base in one.bases:
                self.heirs.setdefault(base, []).append(name)
        for thing in self.things.values():
            _Walk(self, thing).walk()
        for thing in self.things.values():
            for other, code in thing.handed:
                passes = self.things[other].passes
                if code is None:
                    thing.anew |= passes
                elif passes:
                    thing.own |= {(status, code) for status in passes}
                else:
                    thing.loose.add(code)

    def _collect(self, body: Iterable[ast.stmt], prefix: str, scope: _Scope) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.things[prefix + node.name] = _Thing(node, scope)
                if scope.cls is not None:
                    self.methods.setdefault(node.name, []).append(prefix + node.name)
                    self.classes[scope.cls].methods.add(node.name)
            elif isinstance(node, ast.ClassDef):
                found = self.classes.setdefault(f"{prefix}{node.name}", _Class())
                inner = _Scope(scope.module, scope.names, f"{prefix}{node.name}")
                found.bases = [self.resolve(base, scope) or ast.unparse(base) for base in node.bases]
                self._collect(node.body, f"{prefix}{node.name}.", inner)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and scope.cls is None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        self.things[prefix + target.id] = _Thing(node.value, scope)

    def _type_fields(self, tree: ast.Module, scope: _Scope) -> None:
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef) or f"{scope.module}:{node.name}" not in self.classes:
                continue
            fields = self.classes[f"{scope.module}:{node.name}"].fields
            for inner in ast.walk(node):
                if isinstance(inner, ast.AnnAssign):
                    fields[ast.unparse(inner.target).removeprefix("self.")] = self.named(inner.annotation, scope)
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    types = self.parameters(method, scope)
                    if any(ast.unparse(one) == "property" for one in method.decorator_list):
                        fields[method.name] = self.named(method.returns, scope)
                    for inner in ast.walk(method):
                        if isinstance(inner, ast.Assign) and len(inner.targets) == 1:
                            target = ast.unparse(inner.targets[0])
                            if target.startswith("self.") and isinstance(inner.value, ast.Name):
                                fields.setdefault(target[5:], types.get(inner.value.id, set()))
                            elif target.startswith("self.") and isinstance(inner.value, ast.Call):
                                made = self.resolve(inner.value.func, scope)
                                fields.setdefault(target[5:], {made} if made in self.classes else set())

    # -- names

    def resolve(self, node: ast.AST, scope: _Scope) -> str | None:
        """What a name or a dotted name means: `module:name`, or a module."""
        if isinstance(node, ast.Name):
            return scope.names.get(node.id)
        if isinstance(node, ast.Attribute):
            inner = self.resolve(node.value, scope)
            if inner is not None:
                return self._inside(inner, node.attr)
        return None

    def _inside(self, of: str, name: str) -> str | None:
        """A name of a module or a class."""
        if of in self.trees:
            return _origin(of, name, self.trees)
        return f"{of}.{name}" if of in self.classes else None

    def parameters(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope) -> dict[str, set[str]]:
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        types = {one.arg: self.named(one.annotation, scope) for one in every if one.annotation is not None}
        if scope.cls is not None:
            types |= {"self": {scope.cls}, "cls": {scope.cls}}
        return types

    def named(self, annotation: ast.AST | None, scope: _Scope) -> set[str]:
        """The classes of ours that an annotation names."""
        if annotation is None:
            return set()
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        found = {self.resolve(node, scope) for node in ast.walk(annotation)}
        return {name for name in found if name is not None and name in self.classes}

    def method(self, cls: str, name: str) -> list[str]:
        """The method that a value of the class has: of the class or what it stands on, or of what stands on it; of a
        protocol, whatever class has one of this name."""
        if _PROTOCOL in self.classes[cls].bases:
            return self.methods.get(name, [])
        return self.own_method(cls, name) + [
            f"{heir}.{name}" for heir in self._heirs(cls) if name in self.classes[heir].methods
        ]

    def own_method(self, cls: str, name: str) -> list[str]:
        seen = self.classes[cls]
        if name in seen.methods:
            return [f"{cls}.{name}"]
        return [found for base in seen.bases if base in self.classes for found in self.own_method(base, name)]

    def _heirs(self, cls: str) -> Iterator[str]:
        for name in self.heirs.get(cls, ()):
            yield name
            yield from self._heirs(name)

    def field(self, cls: str, name: str) -> set[str]:
        seen = self.classes[cls]
        if name in seen.fields:
            return seen.fields[name]
        return set().union(*(self.field(base, name) for base in seen.bases if base in self.classes))

    # -- following

    def told(self) -> dict[str, Told]:
        """All that each thing can tell."""
        told: dict[str, Told] = {name: frozenset() for name in self.things}
        users: dict[str, set[str]] = {}
        for name, thing in self.things.items():
            for other in thing.leads:
                users.setdefault(other, set()).add(name)
        waiting = set(self.things)
        while waiting:
            thing_name = waiting.pop()
            thing = self.things[thing_name]
            heard = frozenset((_USUAL, code) for code in thing.loose).union(*(told[other] for other in thing.leads))
            if thing.anew:
                heard = frozenset((s, c) for status, c in heard for s in (thing.anew if status == _USUAL else [status]))
            now = told[thing_name] | heard | thing.own
            if now != told[thing_name]:
                told[thing_name] = now
                waiting |= users.get(thing_name, set())
        return told


class _Walk:
    """Through one function."""

    def __init__(self, reader: Reader, thing: _Thing) -> None:
        self.reader, self.thing, self.scope = reader, thing, thing.scope
        self.nodes = list(ast.walk(thing.node))
        self.types: dict[str, set[str]] = {}
        if isinstance(thing.node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.types = reader.parameters(thing.node, thing.scope)

    def walk(self) -> None:
        self._locals()
        self._locals()  # what a name means may depend on one that stands below
        skipped: set[int] = set()
        for node in self.nodes:
            skipped |= {id(part) for part in _asides(node)}
            if isinstance(node, ast.Call):
                skipped |= self._made(node)
            elif id(node) in skipped:
                continue
            elif isinstance(node, ast.Name):
                self._lead(self.reader.resolve(node, self.scope))
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.Constant) and node.value in CATALOGUE:
                self.thing.loose.add(str(node.value))

    def _locals(self) -> None:
        for node in self.nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._means(node.targets[0], self._type(node.value))
            elif isinstance(node, ast.NamedExpr):
                self._means(node.target, self._type(node.value))
            elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
                self._means(node.target, self._type(node.iter))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.types[node.target.id] = self.reader.named(node.annotation, self.scope)

    def _means(self, target: ast.AST, types: set[str] | None) -> None:
        for name in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(name, ast.Name) and types is not None:
                self.types.setdefault(name.id, set()).update(types)

    def _made(self, call: ast.Call) -> set[int]:
        """A call that makes a refusal; answers the constants that need no second look."""
        name = ast.unparse(call.func).rpartition(".")[2]
        status = next((word.value for word in call.keywords if word.arg == "status"), None)
        if any(isinstance(one, ast.Starred) for one in call.args) and name in ("Refused", "refuse"):
            self.thing.own.add((_USUAL, SEVERAL))
        if name == "replace" and (status is not None or any(word.arg == "code" for word in call.keywords)):
            self._tell_anew(status)
        if name == "getattr":  # a form may have a check of its own
            for word in call.args:
                self.thing.leads |= set(self.reader.methods.get(getattr(word, "value", None) or "", ()))
        code = call.args[0] if call.args else None
        if name not in _MAKERS or code is None:
            return self._handed(call)
        if status is None and len(call.args) > _MAKERS[name]:
            status = call.args[_MAKERS[name]]
        if isinstance(code, ast.Constant) and code.value in CATALOGUE:
            told = status.value if isinstance(status, ast.Constant) and isinstance(status.value, int) else _USUAL
            self.thing.own.add((told, str(code.value)))
            return {id(code)}
        if isinstance(code, ast.Name) and code.id in self.types:
            self.thing.passes.add(status.value if isinstance(status, ast.Constant) else _USUAL)
        else:
            self._tell_anew(status)
        return set()

    def _handed(self, call: ast.Call) -> set[int]:
        """A call may hand a code, or a status, to what makes a refusal of it."""
        words = [*call.args, *(word.value for word in call.keywords)]
        for word in words:
            self._tell_anew(word)
        name = self.reader.resolve(call.func, self.scope)
        for callee in self.reader.own_method(name, "__init__") if name in self.reader.classes else [name]:
            if callee in self.reader.things:
                codes = [word for word in words if isinstance(word, ast.Constant) and word.value in CATALOGUE]
                self.thing.handed += [(callee, str(word.value)) for word in codes] or [(callee, None)]
                return {id(word) for word in codes}
        return set()

    def _tell_anew(self, status: ast.AST | None) -> None:
        if isinstance(status, ast.Constant) and status.value in _STATUSES:
            self.thing.anew.add(int(str(status.value)))

    def _attribute(self, node: ast.Attribute) -> None:
        if (found := self.reader.resolve(node, self.scope)) is not None:
            self._lead(found)
            return
        types = self._type(node.value)
        methods = self.reader.methods.get(node.attr, [])
        if types is None and len(methods) == 1 and node.attr not in _USUAL_NAMES:
            self._lead(methods[0])
        for method in (one for cls in types or () for one in self.reader.method(cls, node.attr)):
            self._lead(method)

    def _lead(self, name: str | None) -> None:
        if name is None:
            return
        if name in self.reader.classes:
            for start in ("__init__", "__post_init__"):
                self.thing.leads |= set(self.reader.own_method(name, start))
        elif name in self.reader.things and self.reader.things[name] is not self.thing:
            self.thing.leads.add(name)

    def _type(self, node: ast.AST) -> set[str] | None:
        """The classes of ours that a value may be of, as far as annotations say; None: they say nothing."""
        if isinstance(node, ast.Await):
            return self._type(node.value)
        if isinstance(node, ast.Subscript):  # one of many is of their class
            return self._type(node.value)
        if isinstance(node, ast.IfExp | ast.BoolOp):
            found = [
                self._type(one) for one in (node.values if isinstance(node, ast.BoolOp) else (node.body, node.orelse))
            ]
            return None if None in found else set().union(*(one or set() for one in found))
        if isinstance(node, ast.Name):
            return self.types.get(node.id)
        if isinstance(node, ast.Attribute):
            owners = self._type(node.value)
            return None if owners is None else set().union(*(self.reader.field(cls, node.attr) for cls in owners))
        if isinstance(node, ast.Call):
            return self._answered(node.func)
        return set() if isinstance(node, ast.Constant | ast.JoinedStr | ast.Dict | ast.List) else None

    def _answered(self, called: ast.AST) -> set[str] | None:
        name = self.reader.resolve(called, self.scope)
        if name in self.reader.classes:
            return {name}
        names = [name] if name is not None else []
        if isinstance(called, ast.Attribute) and name is None:
            owners = self._type(called.value)
            if owners is None:
                return None
            names = [method for cls in owners for method in self.reader.method(cls, called.attr)]
            if not names and called.attr in _TAKES_OUT:
                return owners
        answers = [self._answer(one) for one in names if one in self.reader.things]
        return set().union(*answers)

    def _answer(self, name: str) -> set[str]:
        thing = self.reader.things[name]
        return self.reader.named(getattr(thing.node, "returns", None), thing.scope)


def _asides(node: ast.AST) -> Iterator[ast.AST]:
    """What of a node tells and calls nothing: annotations, and constants that are compared or looked up."""
    parts: list[ast.AST | None] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts = [node.returns]
    elif isinstance(node, ast.arg | ast.AnnAssign):
        parts = [node.annotation]
    elif isinstance(node, ast.Compare):
        yield from (part for part in (node.left, *node.comparators) if isinstance(part, ast.Constant))
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield node.slice
    for part in parts:
        yield from ast.walk(part) if part is not None else ()


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for package in _PACKAGES:
        for file in sorted((_SOURCE / package).rglob("*.py")):
            steps = file.relative_to(_SOURCE).with_suffix("").parts
            name = ".".join(("heliograph", *(steps[:-1] if steps[-1] == "__init__" else steps)))
            yield name, ast.parse(file.read_text("utf-8"))


def _names(module: str, tree: ast.Module, trees: dict[str, ast.Module]) -> dict[str, str]:
    """What the names of a module mean; a name that is handed on means what it meant first."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = f"{module}:{node.name}"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id: f"{module}:{one.id}" for one in targets if isinstance(one, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                found[alias.asname or alias.name] = _origin(node.module, alias.name, trees)
    return found


def _origin(module: str, name: str, trees: dict[str, ast.Module]) -> str:
    """Where a name that is imported comes from, through packages that hand it on."""
    for node in trees[module].body if module in trees else ():
        if isinstance(node, ast.ImportFrom) and node.module not in (None, module):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _origin(str(node.module), alias.name, trees)
    return f"{module}.{name}" if f"{module}.{name}" in trees else f"{module}:{name}"

"""Comparing a class with the port that it implements."""

import inspect


def breaches(port: type, implementation: type) -> list[str]:
    """How the class differs from the port: members that it lacks, or that are called in another way."""
    return [
        f"{implementation.__name__}.{name}: {fault}"
        for name, member in _members(port).items()
        if (fault := _fault(member, implementation, name))
    ]


def _members(port: type) -> dict[str, object]:
    """The public members of a port, inherited ones included."""
    return {
        name: member
        for part in reversed(port.__mro__)
        if part.__module__.startswith("app.")
        for name, member in vars(part).items()
        if not name.startswith("_")
    }


def _fault(member: object, implementation: type, name: str) -> str:
    found = inspect.getattr_static(implementation, name, None)
    if found is None:
        return "" if name in _annotated(implementation) else "missing"
    if not inspect.isfunction(member):
        return ""
    if not inspect.isfunction(found):
        return "not a method"
    if inspect.iscoroutinefunction(member) != inspect.iscoroutinefunction(found):
        return "async where the port is not, or the other way round"
    wanted, given = list(inspect.signature(member).parameters), list(inspect.signature(found).parameters)
    return "" if wanted == given[: len(wanted)] else f"takes {given}, not {wanted}"


def _annotated(implementation: type) -> set[str]:
    return {name for part in implementation.__mro__ for name in inspect.get_annotations(part)}

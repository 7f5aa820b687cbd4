"""Facts: values that do not change, whose fields are the annotations of their classes.

They are used like dataclasses with ``frozen=True``, but no code is generated for each class. There are
more than a hundred classes of events; generating their code took a sixth of the import of a server.
"""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import ClassVar, dataclass_transform, get_origin


@dataclass_transform(frozen_default=True)
class Fact:
    """Extend it, and annotate the fields. Those of the base come first; an assigned value is a default."""

    field_names: ClassVar[tuple[str, ...]] = ()
    """In order."""

    def __init_subclass__(cls) -> None:
        """Raises `TypeError` for a field with the name of a property, which would be read in its place."""
        own = [name for name, kind in cls.__annotations__.items() if not _is_of_class(kind)]
        hidden = [name for name in own if isinstance(getattr(cls, name, None), property)]
        if hidden:
            raise TypeError(f"{cls.__name__} needs other names for {', '.join(hidden)}: there are properties")
        cls.field_names = (*cls.field_names, *own)

    def __init__(self, *values: object, **named: object) -> None:
        """Raises `TypeError` for a field that is missing, unknown, or given twice."""
        if named or len(values) != len(self.field_names):
            values = self._in_order(values, named)
        vars(self).update(zip(self.field_names, values, strict=True))

    def _in_order(self, values: tuple[object, ...], named: Mapping[str, object]) -> tuple[object, ...]:
        kind, others = type(self), self.field_names[len(values) :]
        if len(values) > len(self.field_names) or not named.keys() <= set(others):
            raise TypeError(f"{kind.__name__} has the fields {', '.join(self.field_names)}, each once")
        missing = [name for name in others if name not in named and not hasattr(kind, name)]
        if missing:
            raise TypeError(f"{kind.__name__} needs {', '.join(missing)}")
        return *values, *(named[name] if name in named else getattr(kind, name) for name in others)

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"{name} of a fact does not change")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"{name} of a fact does not change")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        fields = (f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__qualname__}({', '.join(fields)})"


def _is_of_class(kind: object) -> bool:
    return get_origin(kind) is ClassVar

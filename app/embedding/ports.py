"""Ports: a server that is restarted or reloaded keeps those that it had."""

from collections.abc import Mapping

from ..config.options import Options


def at_ports(options: Options, ports: Mapping[str, int]) -> Options:
    """The same options, at the ports of an earlier start."""
    for name, port in ports.items():
        section, _, option = name.rpartition(".")
        if not section:
            options = options.model_copy(update={option: port})
            continue
        inner = getattr(options, section).model_copy(update={option: port})
        options = options.model_copy(update={section: inner})
    return options


def same_ports(options: Options, asked: Options, in_force: Options) -> Options:
    """The same options at the real ports, unless other ones are asked for than before."""
    for name in ("port", "http_port", "https_port"):
        if getattr(options, name) == getattr(asked, name):
            options = options.model_copy(update={name: getattr(in_force, name)})
    for name in ("cluster", "websocket", "leafnodes"):
        section = getattr(options, name)
        if section.port == getattr(asked, name).port:
            section = section.model_copy(update={"port": getattr(in_force, name).port})
            options = options.model_copy(update={name: section})
    return options

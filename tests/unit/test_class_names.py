"""A name means one class: no public class name is defined twice in the application."""

import ast
from collections import defaultdict

from tests.support.server_process import ROOT

EXCEPTIONS = {
    # A protocol of the data plane's seam, and the plain twin's class of the same name that implements it.
    "Group": "the seam and the plain twin",
    "Inlet": "the seam and the plain twin",
    "Outbox": "the seam and the plain twin",
    "Plan": "the seam and the plain twin",
    "Target": "the seam and the plain twin",
    "Search": "what the data plane asks for, and the search of the trie",
    # Public names, which are those of the field.
    "Cluster": "of the domain, and what programs embed",
    "ManualClock": "of simulations, and of programs that embed servers",
    "Message": "of the data plane, and what a client without a socket gets",
    "Subscription": "of the domain, and of a client without a socket",
    "Entry": "of the journal, and of a list of permissions",
    "Rule": "of permissions, and a fault that programs ask for",
    "Dialer": "what the domain asks for, and the port that extends it",
}


def defined_twice() -> dict[str, list[str]]:
    """The modules that define a public class of the same name, by that name."""
    modules = defaultdict(list)
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(str(path.relative_to(ROOT)))
    return {name: paths for name, paths in modules.items() if len(paths) > 1}


def test_no_name_for_two_classes() -> None:
    """Each public class has a name of its own, but for the exceptions, each of which is needed."""
    assert set(EXCEPTIONS) == set(defined_twice())

"""Unit tests of the scripts that complete flags."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app.config.flags import BLOCKS, SHELLS
from app.config.help.completion import completion
from tests.support.patience import PATIENCE

BASH = shutil.which("bash")
NAMES = [name for block in BLOCKS.values() for flag in block for name in flag.listed]


def complete(directory: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    assert BASH is not None
    asking = (
        'compopt() { :; }; source /dev/stdin; COMP_WORDS=(pynatsd "$@"); COMP_CWORD=$#; '
        'spec=$(complete -p pynatsd); _pynatsd; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [BASH, "--norc", "-c", asking, "bash", *words],
        input=completion("bash"),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert "" == done.stderr
    return sorted(done.stdout.split())


@pytest.mark.skipif(BASH is None, reason="there is no bash to ask")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--tlsc"], ["--tlscacert", "--tlscert"]),
        (["-D"], ["-D", "-DV"]),
        (["-p", "4222", "--conf"], ["--config"]),
        (["-c", "na"], ["nats.conf", "natural"]),
        (["--log", "nats"], ["nats.conf"]),
        (["--log_format", ""], ["json", "text"]),
        (["-completion", "z"], ["zsh"]),
        (["--log_format", "=", "j"], ["json"]),
        (["--log_format", "="], ["json", "text"]),
        (["--port", ""], []),
    ],
)
def test_bash_completes(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    """Bash offers flags, files after flags that take them, and the words of a choice."""
    for name in ("nats.conf", "natural", "other"):
        (tmp_path / name).touch()

    assert offered == complete(tmp_path, *words)


@pytest.mark.skipif(BASH is None, reason="there is no bash to ask")
def test_bash_offers_all_flags(tmp_path: Path) -> None:
    """After a dash all flags of the help text are offered, with as many dashes as there."""
    offered = complete(tmp_path, "-")

    assert sorted(NAMES) == sorted(word.lstrip("-") for word in offered)
    assert {"-ms", "--https_port", "-DV", "--tls"} <= set(offered)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_every_flag(shell: str) -> None:
    """A script names all flags of the help text."""
    words = set(completion(shell).replace("-", " ").replace("[", " ").replace(")", " ").split())

    assert set() == set(NAMES) - words


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_every_shell_reads_its_script(shell: str) -> None:
    """A shell that is there finds no mistake in its script."""
    done = subprocess.run(
        [shell, "-n"], input=completion(shell), capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_zsh_knows_what_excludes_what() -> None:
    """Two names of one flag are offered once, with a description."""
    script = completion("zsh")

    assert "    '(-p --port)--port[Listen on PORT; -1 picks a free port]:value: ' \\\n" in script
    assert "    '--tlscert[Server certificate, a PEM file]:file:_files' \\\n" in script
    assert "    '--log_format[Format of log lines, text or json]:value:(text json)' \\\n" in script


def test_fish_knows_all_kinds_of_flags() -> None:
    """The fish script has short, long and old-fashioned flags, each as its own kind."""
    script = completion("fish")

    assert (
        "complete -c pynatsd -s c -l config -r -F -d 'Read options from FILE; flags override it'\n" in script
    )
    assert "complete -c pynatsd -o DV -f -d 'Same as -D -V'\n" in script
    assert "complete -c pynatsd -l completion -x -a 'bash zsh fish' -d " in script

"""Completion scripts for shells, written from the table of flags."""

from collections.abc import Callable, Mapping, Sequence

from ..flag_syntax import boolean
from ..flags import BLOCKS, Flag


def completion(shell: str, program: str = "pynatsd", blocks: Mapping[str, Sequence[Flag]] = BLOCKS) -> str:
    """The script for one of `app.config.flags.SHELLS`, for a program with these flags."""
    return _WRITERS[shell](program, [flag for block in blocks.values() for flag in block])


def _words(flag: Flag) -> list[str]:
    """Its names as the help text has them."""
    return [f"-{name}" if f" -{name}" in f" {flag.spelling}" else f"--{name}" for name in flag.listed]


def _text(flag: Flag) -> str:
    """Its description without the part in parentheses."""
    return flag.text.partition(" (")[0].rstrip(".")


def _bash(program: str, rows: Sequence[Flag]) -> str:
    function = f"_{program.replace('-', '_')}"
    all_words = " ".join(word for flag in rows for word in _words(flag))
    lines = [
        f"{function}() {{",
        '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
        # Bash makes a word of an equals sign.
        '    if [ "$word" = "=" ]; then word=""',
        '    elif [ "$before" = "=" ]; then before="${COMP_WORDS[COMP_CWORD-2]}"; fi',
        '    case "$before" in',
    ]
    for flag in rows:
        if flag.read is boolean:
            continue
        pattern = "|".join(f"-{name}|--{name}" for name in flag.names)
        if flag.choices:
            action = f'mapfile -t COMPREPLY < <(compgen -W "{" ".join(flag.choices)}" -- "$word")'
        elif _takes_file(flag):
            action = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word")'
        else:
            action = "COMPREPLY=()"
        lines.append(f"        {pattern}) {action}; return ;;")
    lines += [
        "    esac",
        f'    mapfile -t COMPREPLY < <(compgen -W "{all_words}" -- "$word")',
        "}",
        f"complete -F {function} {program}",
    ]
    return "\n".join(lines) + "\n"


def _zsh(program: str, rows: Sequence[Flag]) -> str:
    lines = [f"#compdef {program}", "", "_arguments \\"]
    for flag in rows:
        words = _words(flag)
        others = f"({' '.join(words)})" if len(words) > 1 else ""
        lines += [f"    '{others}{word}[{_zsh_text(flag)}]{_zsh_value(flag)}' \\" for word in words]
    return "\n".join([*lines, "    '*:: :'"]) + "\n"


def _zsh_text(flag: Flag) -> str:
    return _text(flag).replace("[", r"\[").replace("]", r"\]")


def _zsh_value(flag: Flag) -> str:
    if flag.read is boolean:
        return ""
    if flag.choices:
        return f":value:({' '.join(flag.choices)})"
    return ":file:_files" if _takes_file(flag) else ":value: "


def _fish(program: str, rows: Sequence[Flag]) -> str:
    return "".join(f"complete -c {program} {_fish_row(flag)}\n" for flag in rows)


def _fish_row(flag: Flag) -> str:
    parts = [_fish_name(word) for word in _words(flag)]
    if flag.choices:
        parts.append(f"-x -a '{' '.join(flag.choices)}'")
    elif flag.read is not boolean:
        parts.append("-r -F" if _takes_file(flag) else "-x")
    else:
        parts.append("-f")
    return " ".join([*parts, f"-d '{_text(flag)}'"])


def _fish_name(word: str) -> str:
    """Fish knows short options, long ones, and long ones with a single dash."""
    if word.startswith("--"):
        return f"-l {word[2:]}"
    return f"-s {word[1:]}" if len(word) == 2 else f"-o {word[1:]}"


def _takes_file(flag: Flag) -> bool:
    return flag.spelling.endswith(" FILE")


_WRITERS: dict[str, Callable[[str, Sequence[Flag]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}

"""``onward completion``: words that a shell offers; from the database only what is there at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Annotated

import typer

from onward.cli.command import noun, verb
from onward.cli.commands import COMMANDS
from onward.cli.here import Here
from onward.cli.told import say
from onward.errors import InvalidValue

verbs = noun("completion", "Completion for a shell.")

_BASH = """\
_onward() {
    local IFS=$'\\n'
    COMPREPLY=($(onward completion --words "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null))
}
complete -o default -F _onward onward
"""
_ZSH = """\
#compdef onward
_onward() {
    local -a found
    found=("${(@f)$(onward completion --words $((CURRENT - 1)) -- "${words[@]}" 2>/dev/null)}")
    [[ -n "${found[1]}" ]] && compadd -- "${found[@]}" || _files
}
compdef _onward onward
"""
_FISH = """\
function __onward
    onward completion --words (count (commandline -opc)) -- (commandline -opc) (commandline -ct)
end
complete -c onward -f -a '(__onward)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_PLACES = {
    "bash": ".local/share/bash-completion/completions/onward",
    "zsh": ".zfunc/_onward",
    "fish": ".config/fish/completions/onward.fish",
}
_JOB_VERBS = {"show", "logs", "watch", "resume", "fresh", "again", "pause", "cancel", "delete"}
_PATIENCE_SECONDS = 1.0


@verb(verbs, "completion", "onward completion bash > ~/.onward-completion", "onward completion zsh --install")
def completion(
    here: Here,
    words: Annotated[list[str] | None, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = None,
    install: Annotated[bool, typer.Option("--install", help="Write it where the shell looks, and say where.")] = False,
    place: Annotated[int | None, typer.Option("--words", hidden=True)] = None,
) -> None:
    """Print the completion script of a shell."""
    if place is not None:
        for word in candidates(here, (words or [])[1:], place - 1):
            here.out.write(word)
        return
    shell = (words or [Path(os.environ.get("SHELL", "")).name])[0]
    if shell not in SCRIPTS:
        raise InvalidValue(f"There is no completion for {shell!r}.", hint=f"onward completion {'|'.join(SCRIPTS)}")
    if not install:
        here.out.write(SCRIPTS[shell].rstrip())
        return
    path = Path.home() / _PLACES[shell]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPTS[shell], encoding="utf-8")
    say(f"Written to {path}; new shells have it{' if fpath has ~/.zfunc' if shell == 'zsh' else ''}.")


def candidates(here: Here, words: list[str], place: int) -> list[str]:
    """What may stand at ``place`` of the words after ``onward``."""
    before = words[:place]
    typed = words[place] if place < len(words) else ""
    plain = [word for word in before if not word.startswith("-")]
    if typed.startswith("-"):
        found = _options(plain)
    elif not plain:
        found = list(COMMANDS)
    elif len(plain) == 1 and COMMANDS.get(plain[0]) and COMMANDS[plain[0]].verbs:
        found = list(COMMANDS[plain[0]].verbs)
    else:
        found = _soon(here, plain)
    return [word for word in found if word.startswith(typed)]


def _options(plain: list[str]) -> list[str]:
    from onward.cli.tree import load

    if not plain or plain[0] not in COMMANDS:
        return ["--help", "--version"]
    command = load(plain[0])
    if COMMANDS[plain[0]].verbs and len(plain) > 1:
        command = command.commands.get(plain[1])
    return [option for param in getattr(command, "params", ()) for option in param.opts if option.startswith("--")]


def _soon(here: Here, plain: list[str]) -> list[str]:
    """Names from the application and the database; nothing when they are not there quickly."""
    found: list[str] = []
    clock_event = threading.Event()

    def look() -> None:
        try:
            found.extend(_names(here, plain))
        except Exception:  # noqa: BLE001 - completion never complains
            found.clear()
        clock_event.set()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    return list(found) if clock_event.is_set() else []


def _names(here: Here, plain: list[str]) -> list[str]:
    if plain[0] == "run":
        return list(here.app.job_types.names())
    if plain[0] == "chain":
        return [kind.name for kind in here.app.job_types if kind.phases]
    if plain[0] == "watch" or (plain[0] in ("job", "interrupted", "checkpoint") and plain[-1] in _JOB_VERBS | {"list"}):
        from onward.model.ids import shown

        jobs = here.app.interrupted(20) if plain[0] == "interrupted" else list(here.app.find(limit=20))
        return ["@last", *(shown(job.id) for job in jobs)]
    return []

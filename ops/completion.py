"""Completion of `python -m ops` in bash, zsh and fish.

Typer completes programs by their name, and here the program is Python. So the shell's completion of `python` is joined:
a line that begins with `python -m ops` is completed by Typer, any other line as before.
"""

import os
from enum import StrEnum
from pathlib import Path

from ops.errors import OpsError, UsageError

VARIABLE = "_TANDEM_OPS_COMPLETE"
"""Where the shell says that it wants to complete; Typer answers in the place of the command."""

_BASH = f"""\
# Completion of `python -m ops`; written by `python -m ops --install-completion`.
if declare -F _comp_load >/dev/null; then _comp_load python
elif declare -F _completion_loader >/dev/null; then _completion_loader python
fi 2>/dev/null
_tandem_ops() {{
    local other
    COMPREPLY=()
    if [[ $COMP_CWORD -gt 2 && ${{COMP_WORDS[1]}} == -m && ${{COMP_WORDS[2]}} == ops ]]; then
        local IFS=$'\\n'
        COMPREPLY=( $( COMP_WORDS="ops"$'\\n'"${{COMP_WORDS[*]:3}}" COMP_CWORD=$((COMP_CWORD - 2)) \\
            {VARIABLE}=complete_bash "$1" -m ops 2>/dev/null ) )
        return
    fi
    for other in _comp_cmd_python _python; do
        if declare -F $other >/dev/null; then $other "$@"; return; fi
    done
}}
complete -o bashdefault -o default -F _tandem_ops python python3
"""
_ZSH = f"""\
# Completion of `python -m ops`; written by `python -m ops --install-completion`.
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
_tandem_ops() {{
  if [[ $CURRENT -gt 3 && $words[2] == -m && $words[3] == ops ]]; then
    eval $(env _TYPER_COMPLETE_ARGS="ops ${{words[4,$CURRENT]}}" {VARIABLE}=complete_zsh $words[1] -m ops 2>/dev/null)
  else
    _python "$@"
  fi
}}
compdef _tandem_ops python python3
"""
_FISH = f"""\
# Completion of `python -m ops`; written by `python -m ops --install-completion`.
function __tandem_ops
    set -l words (commandline -opc)
    test (count $words) -ge 3; and test "$words[2] $words[3]" = "-m ops"; or return 1
    set -l typed (string replace --regex '^\\S+\\s+-m\\s+' '' -- (commandline -cp))
    env {VARIABLE}=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] _TYPER_COMPLETE_ARGS="$typed" \\
        $words[1] -m ops 2>/dev/null
end
for python in python python3
    complete --command $python --no-files --condition '__tandem_ops is-args' --arguments '(__tandem_ops get-args)'
end
"""


class Shell(StrEnum):
    """The shells that can be taught."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}
_START_FILES = {Shell.BASH: ".bashrc", Shell.ZSH: ".zshrc"}


def script(shell: Shell) -> str:
    """Return what the shell has to read."""
    return _SCRIPTS[shell]


def detect() -> Shell:
    """Return the user's shell.

    Raises:
        UsageError: It is none of those that can be taught.
    """
    name = Path(os.environ.get("SHELL", "")).name
    try:
        return Shell(name)
    except ValueError as error:
        raise UsageError(
            f"SHELL names {name or 'no shell'!r}, completion knows {', '.join(Shell)}: say which one you use, as in "
            "SHELL=zsh python -m ops --install-completion"
        ) from error


def install(shell: Shell, *, home: Path) -> Path:
    """Write the script and let the shell read it when it starts; doing so again changes nothing.

    Raises:
        OpsError: A file cannot be written.
    """
    folder = home / (".config/fish/conf.d" if shell is Shell.FISH else ".local/share/tandem")
    path = folder / f"tandem-ops.{shell}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(script(shell))
        if shell in _START_FILES:
            _source(path, start_file=home / _START_FILES[shell])
    except OSError as error:
        raise OpsError(f"completion cannot be installed: {error}") from error
    return path


def _source(path: Path, *, start_file: Path) -> None:
    line = f"source '{path}'"
    text = start_file.read_text() if start_file.exists() else ""
    if line not in text.splitlines():
        start_file.write_text(f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")

"""`nephoscope completion`: the script by which a shell completes words."""

from __future__ import annotations

import argparse

from nephoscope.cli.call import WELL, Call

HELP = "Print the script by which bash, zsh or fish complete commands, options and names."
EXAMPLES = """\
examples:
  nephoscope completion bash > ~/.local/share/bash-completion/completions/nephoscope
  nephoscope completion zsh > ~/.zfunc/_nephoscope
  nephoscope completion fish > ~/.config/fish/completions/nephoscope.fish

A new shell then completes commands, options, metrics, time zones, and the rules,
channels, machines and alerts that nephoscope.yaml and the SQLite memory here know; no
cloud and no table is asked. zsh looks into ~/.zfunc where ~/.zshrc says
`fpath+=(~/.zfunc)` before `compinit`. For one session: eval "$(nephoscope completion bash)"."""

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def run(call: Call) -> int:
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - only here

    print(shellcode(["nephoscope"], shell=call.args.shell).strip())
    return WELL

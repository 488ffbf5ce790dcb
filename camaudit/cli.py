"""The command line: `camaudit COMMAND`. Each command's module is loaded when it is called, not before.

Exit codes are pytest's: 0 all checks pass, 1 a check failed, 2 a spec is wrong, 4 the command line is
wrong, 5 there was nothing to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from camaudit import __version__, registry
from camaudit.errors import CamauditError, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED, BAD_SPEC, USAGE, NOTHING, INTERRUPTED = 1, 2, 4, 5, 130

COMMANDS = {
    "init": ("camaudit.commands.init:init", "Write a first audit for a folder of images."),
    "check": (
        "camaudit.commands.run:check",
        "Look at everything a run would need, without walking over the data.",
    ),
    "plan": (
        "camaudit.commands.run:plan",
        "Print what a run would compute: passes, maps, numbers, forwards per image.",
    ),
    "run": ("camaudit.commands.run:run", "Run audits and write their reports."),
    "show": (
        "camaudit.commands.report:show",
        "Draw one sample as a picture: the input, and its map at every layer.",
    ),
    "report": (
        "camaudit.commands.report:report",
        "Render reports again from their result.json and evidence; no network is needed.",
    ),
    "index": (
        "camaudit.commands.index:index",
        "Write a page over several audits and over runs in time; no network is needed.",
    ),
    "verify": (
        "camaudit.commands.verify:verify",
        "Check a report: its files, its verdicts, and random samples, measured anew.",
    ),
    "summary": (
        "camaudit.commands.summary:summary",
        "Print what runs found, from their result.json; no network is needed.",
    ),
    "diff": (
        "camaudit.commands.diff:diff",
        "Compare two runs, or a baseline with what the last run measured, image by image.",
    ),
    "accept": (
        "camaudit.commands.baselines:accept",
        "Make what the last run measured the baseline, and write down who and why.",
    ),
    "prune": (
        "camaudit.commands.baselines:prune",
        "Delete baselines that no check names, after a complete run without a failure.",
    ),
    "list": (
        "camaudit.commands.listing:list_members",
        "List what a spec may name: maps, metrics, checks, data sources, attacks, corruptions.",
    ),
    "schema": ("camaudit.commands.schema:schema", "Print the JSON schema of audit files, for editors."),
}
"""Name → where the command is, and its help in one line (the first of its docstring: a test holds that)."""


class Commands(click.Group):
    """The commands of the table; `--help` reads the table only."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command. Fails with a suggestion where there is none of that name."""
        if cmd_name not in COMMANDS:
            near = registry.did_you_mean(cmd_name, COMMANDS)
            ctx.fail(f"there is no command {cmd_name!r}{near or ';'} the commands are: {', '.join(COMMANDS)}")
        command: click.Command = registry.load(COMMANDS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="camaudit")
def cli() -> None:
    """Audit image classifiers: does the network look at, and depend on, the right thing?

    \b
      camaudit init photos/ --model torchvision:resnet50   write a first audit
      camaudit check audits                                look at it without running it
      camaudit run audits                                  run it; reports land in reports/
      pytest audits                                        the same, as tests

    Exit codes: 0 all checks pass, 1 a check failed, 2 a spec is wrong, 4 this command line is wrong,
    5 there was nothing to run.
    """  # noqa: D301 - click reads the backspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (`sys.argv` if left out) and give its exit code."""
    try:
        code = cli.main(
            args=None if arguments is None else list(arguments), prog_name="camaudit", standalone_mode=False
        )
    except CamauditError as error:
        click.echo(str(error), err=True)
        return BAD_SPEC if isinstance(error, SpecError) else FAILED
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OSError as error:  # a file that cannot be written: whatever is read has its own message
        click.echo(f"{error.filename or 'camaudit'}: {error.strerror or error}", err=True)
        return FAILED
    except click.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else 0

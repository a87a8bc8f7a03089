"""`kaon`: the one command. Subcommands are imported when they are called."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Kaon: OpenStack Networking made small, fast and honest.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(help="Make the CURVE keys of servers and hosts.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

ConfigFiles = Annotated[list[Path] | None, typer.Option("--config-file", help="Read this file; may be given again.")]
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command()
def server(
    config_file: ConfigFiles = None,
    part: Annotated[str, typer.Option(hidden=True)] = "",
    socket: Annotated[int, typer.Option(hidden=True)] = -1,
) -> None:
    """Serve the API and the hosts."""
    from kaon.cmd import server as command  # noqa: PLC0415  # only what is called is imported

    raise typer.Exit(command.run(config_file or [], part=part, socket_fd=socket))


@app.command()
def agent(config_file: ConfigFiles = None) -> None:
    """Make this host's kernel agree with the server (root)."""
    from kaon.cmd import agent as command  # noqa: PLC0415  # only what is called is imported

    raise typer.Exit(command.run(config_file or []))


@app.command(context_settings=_PASS_ON)
def lab(context: typer.Context) -> None:
    """Run a cloud network on emulated hosts (root)."""
    from kaon.cmd import lab as command  # noqa: PLC0415  # only what is called is imported

    command.app(args=context.args, prog_name="kaon lab")


@keys_app.command("server")
def keys_server(directory: Path) -> None:
    """Give a server its keys; those that are there stay."""
    from kaon.bus import keys  # noqa: PLC0415  # only what is called is imported

    keys.make_server_keys(directory)


@keys_app.command("host")
def keys_host(server_directory: Path, host: str, host_directory: Path) -> None:
    """Give a host new keys and let it connect; carry HOST_DIRECTORY to the host."""
    from kaon.bus import keys  # noqa: PLC0415  # only what is called is imported

    try:
        keys.make_host_keys(server_directory, host, host_directory)
    except (ValueError, OSError) as error:
        typer.echo(f"kaon: {error}", err=True)
        raise typer.Exit(2) from error


def main() -> None:
    """Run the command line."""
    app(prog_name="kaon")


if __name__ == "__main__":
    main()

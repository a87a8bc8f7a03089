"""`kaon`: the one command. What a subcommand needs is imported when it is called, and nothing else: daemons stay small."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

EXIT_WRONG_USE = 2

_SERVER = """\
Answer the Neutron v2.0 API and serve the hosts. With SQLite and one API worker this is one process; otherwise a supervisor,
api_workers processes for the API and one for the hosts. SIGTERM ends all of it."""
_AGENT = """\
Make this host's kernel agree with the server. Run it as root, once on each host. Ending it, even with SIGKILL, leaves
everything on the host as it is; the next one adopts it."""
_FILES = """\
Without --config-file those of /etc/kaon/kaon.conf and /etc/kaon/{0}.conf that exist are read, in this order; a later file
wins. Exit status: 0 ended as asked, 1 cannot go on, 2 the configuration cannot be used; the reason is on standard error."""


def parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command line, but for what follows `kaon lab`."""
    top = argparse.ArgumentParser(prog="kaon", description="OpenStack Networking made small, fast and honest.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _daemon(commands, "server", "serve the API and the hosts", _SERVER)
    _daemon(commands, "agent", "make this host's kernel agree with the server (root)", _AGENT)
    keys = commands.add_parser("keys", help="make the CURVE keys of servers and hosts").add_subparsers(
        dest="keys_of", metavar="OF", required=True
    )
    one = keys.add_parser("server", help="give a server its keys; those that are there stay")
    one.add_argument("directory", type=Path, help="the server's directory of keys")
    one = keys.add_parser("host", help="give a host new keys and let it connect")
    one.add_argument("server_directory", type=Path, help="the server's directory of keys")
    one.add_argument("host", help="the host's name")
    one.add_argument("host_directory", type=Path, help="where to write what is then carried to the host's directory of keys")
    policy = commands.add_parser("policy", help="show the rules of policy").add_subparsers(
        dest="policy_of", metavar="WHAT", required=True
    )
    policy.add_parser("sample", help="print every default rule as a policy.yaml, commented out")
    # Its options are its own: `main` hands them on before this parser would refuse them. Here it stands for --help.
    commands.add_parser("lab", help="run a cloud network on emulated hosts (root)", add_help=False)
    return top


def run(words: Sequence[str]) -> int:
    """Do what a command line says; give the exit status."""
    if words[:1] == ["lab"]:
        from kaon.cmd import lab  # noqa: PLC0415  # only what is called is imported

        lab.app(args=list(words[1:]), prog_name="kaon lab")
        return 0
    asked = parser().parse_args(words)
    match asked.command:
        case "server":
            from kaon.cmd import server  # noqa: PLC0415  # as above

            return server.run(asked.config_file)
        case "agent":
            from kaon.cmd import agent  # noqa: PLC0415  # as above

            return agent.run(asked.config_file)
        case "policy":
            from kaon.cmd import policy  # noqa: PLC0415  # as above

            sys.stdout.write(policy.sample())
            return 0
        case _:
            return _keys(asked)


def main() -> None:
    """Run the command line, and exit."""
    sys.exit(run(sys.argv[1:]))


def _daemon(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=summary, description=description, epilog=_FILES.format(name))
    made.add_argument(
        "--config-file", type=Path, action="append", default=[], metavar="FILE", help="read this file; may be given again"
    )
    return made


def _keys(asked: argparse.Namespace) -> int:
    from kaon.bus import keys  # noqa: PLC0415  # only what is called is imported

    try:
        if asked.keys_of == "server":
            keys.make_server_keys(asked.directory)
        else:
            keys.make_host_keys(asked.server_directory, asked.host, asked.host_directory)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"kaon keys: {error}\n")
        return EXIT_WRONG_USE
    return 0


if __name__ == "__main__":
    main()

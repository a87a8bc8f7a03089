"""Front doors: the `kaon` command. They wire everything and decide nothing.

Here      subcommands, options in files and on the command line, logs, which processes there are.
Not here  what a process does once it is wired.
Process   each its own.
"""

"""Carry TCP connections from the machine's loopback to a host of the lab.

    python -m kaon.lab.forwarder RECORD ADDRESS PORT NODE LISTEN

    client ── 127.0.0.1:LISTEN ── forwarder ──(a socket made in the node's network namespace)── ADDRESS:PORT in the node

No link joins the two: a socket belongs for ever to the namespace in which it was made, so the forwarder steps into the node's
namespace for as long as socket(2) takes and steps back. It is one thread, so nothing else runs meanwhile.

RECORD  file that the port listened on is written to (the kernel chooses it when LISTEN is 0)
NODE    the node's record; read for each connection, so that a host switched on again is found
"""

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path

from kaon.lab import processes
from kaon.lab.namespaces import CLONE_NEWNET, set_ns

MAX_CONNECTIONS = 128
_CHUNK = 65536


def socket_in(pid: int) -> socket.socket:
    """A TCP socket of the network namespace of a process."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            set_ns(there, CLONE_NEWNET)
            try:
                return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            finally:
                set_ns(home, CLONE_NEWNET)
        finally:
            os.close(there)
    finally:
        os.close(home)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError):
        writer.write_eof()


async def _dial(node: Path, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect inside the node. OSError when it is off or nobody listens."""
    found = processes.load(node)
    if found is None or not processes.is_alive(found):
        raise ConnectionRefusedError(f"{node} is off")
    raw = socket_in(found.pid)
    raw.setblocking(False)  # noqa: FBT003  # its only, and obvious, parameter
    try:
        await asyncio.get_running_loop().sock_connect(raw, (address, port))
    except OSError:
        raw.close()
        raise
    return await asyncio.open_connection(sock=raw)


async def serve(record: Path, address: str, port: int, node: Path, listen_port: int) -> None:
    """Listen and carry until ended. A client beyond the bound waits in the kernel's queue."""
    places = asyncio.Semaphore(MAX_CONNECTIONS)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with places:
            try:
                with contextlib.suppress(OSError):  # the client sees its connection closed, as with a server that is down
                    far_reader, far_writer = await _dial(node, address, port)
                    try:
                        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
                    finally:
                        far_writer.close()
            finally:
                writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", listen_port)
    draft = record.with_suffix(".draft")
    draft.write_text(f"{server.sockets[0].getsockname()[1]}\n")
    draft.replace(record)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5])))

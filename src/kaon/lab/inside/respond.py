"""Answer on TCP and UDP ports: `respond.py PORT...`. Prints "ready" once all listen; ends with its node or at a signal.

TCP: one line "I am HOSTNAME, you are ADDRESS" first, so that an asker knows who answered, though others have the same address,
and by which address it is seen; after that an echo (RFC 862). UDP: the same line, then what came, in one datagram.
"""

import asyncio
import socket
import sys

MAX_CONNECTIONS = 256


def greeting(peer: str) -> bytes:
    """Who answers, and who asked (IPv4 addresses come mapped into IPv6 on a socket of both)."""
    return f"I am {socket.gethostname()}, you are {peer.removeprefix('::ffff:')}\n".encode()


class Datagrams(asyncio.DatagramProtocol):
    """The UDP side."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        assert isinstance(self.transport, asyncio.DatagramTransport)  # noqa: S101  # what asyncio promises
        self.transport.sendto(greeting(addr[0]) + data, addr)


async def serve(ports: list[int]) -> None:
    """Listen on every port, for IPv4 and IPv6, until cancelled."""
    places = asyncio.Semaphore(MAX_CONNECTIONS)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with places:
            try:
                writer.write(greeting(writer.get_extra_info("peername")[0]))
                await writer.drain()
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass
            finally:
                writer.close()

    loop = asyncio.get_running_loop()
    servers = []
    for port in ports:
        # UDP first: who sees the TCP port may ask on both. One UDP socket for both families, as "::" takes 0.0.0.0 as well.
        await loop.create_datagram_endpoint(Datagrams, local_addr=("::", port))
        servers.extend([await asyncio.start_server(answer, host, port) for host in ("::", "0.0.0.0")])  # noqa: S104  # in a lab
    print("ready", flush=True)  # noqa: T201  # the word its starter waits for
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(serve([int(text) for text in sys.argv[1:]]))

"""The bus: how what server and host say to each other is carried, and the server's end of the talk.

Here      carriers (memory, ZeroMQ) behind one Protocol, keys of hosts and servers, `server_end`: a state machine with time as
          an argument.
Not here  what is said (`wire`), the host's end of the talk (`host.agent.session`), where state is kept (`server.store`).
Process   both. Only the carriers and `keys` reach the world.
"""

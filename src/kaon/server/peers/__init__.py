"""What Kaon says to other services over HTTP: Nova, Placement, Designate.

Here      their words, one file a service; the courier that carries the outbox to them; how a session with them is made.
Not here  what is told and when (`control`), how it waits (`store.outbox`).
Process   the server's bus process, in threads of their own; of several servers one at a time.
"""

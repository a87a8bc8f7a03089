"""HTTP words: what a request says and how an answer looks.

Here      routes, bodies, list queries, rendering, faults, authentication.
Not here  decisions about resources (`server.control`), what attributes exist (`model`).
Process   server, API worker: asynchronous at the edge, one worker-thread hop per request into the synchronous core.
"""

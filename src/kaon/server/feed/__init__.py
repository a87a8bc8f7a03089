"""The front door for hosts: what they say goes to `control`, what changed goes out to them.

Here      the driver of the bus' server end, its reads and writes, the journal's tail, pokes from the API's processes.
Not here  the talk itself (`bus.server_end`), what follows from a report (`control`).
Process   the server's bus process; with SQLite and one worker a thread of the only process.
"""

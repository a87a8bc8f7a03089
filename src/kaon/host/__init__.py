"""The host's tower: the agent that makes one kernel agree with the server.

Here      everything that runs on a host, as root.
Not here  SQL, HTTP, API words; how messages are carried (`bus`).
Process   `kaon agent`, one a host.
Purity    `compile`, `plan` and `state` are pure; `kernel` holds the only doors; `agent` drives them.
"""

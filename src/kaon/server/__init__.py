"""The server's tower: keeps what tenants want, and tells hosts and users.

Here      the two front doors (`api`, `feed`), the verbs, the store, the back ends.
Not here  netlink, processes, anything that needs root.
Process   `kaon server`.
Purity    `intent` is pure.
"""

"""The bridge: what server and host say to each other.

Here      scopes and their entries, messages, their bytes.
Not here  how they are carried (`bus`), what they mean for tables (`server`) or kernels (`host`).
Process   both. Pure.
"""

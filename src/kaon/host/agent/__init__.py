"""One process a host: it listens to the server, and makes the kernel agree with what it hears.

    carrier <-> session          thread 1, `driver`: what the server says, what it is told; never waits for the kernel
                   |  view                 ^
                   v                       | realised
                 loop -> work -> report    thread 2, `hands`: when to work, the work, what came of it
                           |
                         doors -> kernel

Here      session, loop and report (no I/O, time as an argument); work, hands and driver (which carry them out); cache.
Not here  what the kernel shall have (`compile`), in which order (`plan`), how it is told (`kernel`).
Process   the agent. session, loop, report and outbox are pure.
Law       nothing is written before a complete picture is held; what is reported is true on the host.
"""

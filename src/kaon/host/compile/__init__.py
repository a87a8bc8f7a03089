"""From the scopes that a host holds to the state its kernel should have. One noun, one file.

Here      view of the scopes; networks, ports, routers, security groups, floating IPs, DHCP; all of them as one host.
Not here  what the kernel has (`kernel`), what differs (`plan`).
Process   `kaon agent`. Pure: what it must know of the host comes in as facts and allocations.
Law       the same view, facts and allocations give the same state; what cannot be known yet is named as waiting, never guessed.
"""

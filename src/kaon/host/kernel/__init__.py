"""The only doors to the world of a host: netlink, namespaces, nftables, conntrack, dnsmasq. A fake stands beside each.

Here      looking (`observe`) and doing (`apply`); what failed comes back as troubles with their owners.
Not here  deciding what to do.
Process   `kaon agent`, as root. Not pure; each fake is, and has the kernel's teeth.
Law       nothing is altered or removed that does not carry our mark (docs/adr/0005).
"""

"""The leaf kit: addresses, back-off, clock, identities.

Here      small functions over values that know none of our nouns.
Not here  anything that names a network, a port or a host.
Process   all. Pure but for `clock`, and for the randomness that `ids` takes.
"""

"""What differs between desired and actual, in a safe order.

Here      one plan a slice (links, filters, flows, DHCP), and the order across slices in one place.
Not here  carrying it out (`kernel`).
Process   `kaon agent`. Pure.
Law       equal states give an empty plan; planning again after a clean apply is empty; a foreign thing is never named.
"""

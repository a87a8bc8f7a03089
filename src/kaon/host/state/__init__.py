"""The kernel's nouns: links, addresses, routes, filters, DHCP servers. Frozen values; desired and actual are of the same types.

Here      the nouns, their names on the host, and the words for what failed or must wait.
Not here  where they come from or go to.
Process   `kaon agent`. Pure.
"""

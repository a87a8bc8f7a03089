"""Programs that run inside VMs and hosts of the lab: each a file that is run by path, with the standard library only.

Here     ping with exact loss, TCP checks and flows, an echo responder, raw frames out and in, the DHCP client's script.
Not here who runs them and what is expected (`kaon.lab.probes`).
Process  one each, in the namespaces of a node; bounded in time; told to stop by the end of its standard input.
Purity   none. They import nothing of Kaon, so that starting one takes 15 ms.
"""

"""The lab: several emulated hosts and VMs on one machine, on the real kernel, in packets.

Here     hosts (a pid-1 process in namespaces of its own), the underlay between them, VMs with a real DHCP client, an outside
         world beyond the external network, the server and the agents started in them, probes, the demo.
Not here what server and agent do: the lab starts them as an operator would and reaches them by their front doors only.
Process  the caller's, plus what it starts: every process is recorded with its start time, so `down` ends ours and no other.
Purity   none; but it touches nothing of the machine except its own directory (/run/kaon-lab/<name>), processes it recorded, and
         one loopback port. The machine's network namespace gets no link, no address and no rule.
"""

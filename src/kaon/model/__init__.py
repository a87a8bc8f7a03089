"""Neutron's nouns: what a resource is called, what it holds, who may read and write it, how it is refused.

Here      attributes (declared once, everything else derived), validators, errors, the extension list, queries.
Not here  HTTP (`server.api`), verbs and policy (`server.control`), tables (`server.store`).
Process   server. Pure.
"""

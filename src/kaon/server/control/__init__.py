"""The verbs: create, show, index, update and delete of every resource, and what follows from them.

Here      rules of the field, visibility, addresses, quota, binding, scheduling, status. One file a resource.
Not here  HTTP (`api`), SQL (`store`), what a back end can do (`backends`).
Process   API workers and the bus process of the server. Synchronous; each verb is one transaction.
"""

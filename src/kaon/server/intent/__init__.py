"""From rows to what hosts are told: one noun, one file.

Here      functions from rows of the tables (mappings by column name) to entries of scopes.
Not here  how rows are found (`store`), who follows which scope (`store.followers`), when a scope is read (`control`).
Process   the server. Pure: the same rows give the same entries, in the same order.
Law       what is told depends on the rows of one scope alone; a delta applied to an older snapshot gives the newer one.
"""

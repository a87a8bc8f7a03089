"""SQL words: the tables, the unit of work, rows in and out. One noun one file.

Here      statements, and the shape that rows get on the way in and out. Nothing outside this room writes SQL.
Not here  what is allowed, what follows from a change (`control`), what hosts are told (`intent`).
Process   every process of the server.
"""

"""Ways to make networks real, behind one protocol.

Here      the `Backend` protocol, its typed capabilities, one file a back end.
Not here  rules that hold for every back end (`control`).
Process   the server.
"""

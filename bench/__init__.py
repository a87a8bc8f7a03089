"""Measurements on a lab: what they measure, and the limits that issues state. `python -m bench` prints and judges them."""

"""Kaon: OpenStack Networking made small, fast and honest."""

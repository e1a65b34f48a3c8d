"""Connections with a name: what a profile holds, where profiles and their passwords are kept, and Fleet's own."""

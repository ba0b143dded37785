"""The key, roles and their policies, and the network."""

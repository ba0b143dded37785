"""Queues, topics, the event bus, and the rules that move events to them."""

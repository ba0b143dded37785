"""Alarms, dashboard, saved log queries and the budget."""

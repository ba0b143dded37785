"""A real Trino server behind the emulator's Athena: `ATHENA=trino`."""

"""The public components as a plugin of Pulumi's, for programs in every language."""

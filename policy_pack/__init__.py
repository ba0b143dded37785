"""The rules of `policies`, as a policy pack of Pulumi's."""

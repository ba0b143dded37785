"""What an account needs before the pipeline can be deployed to it: a Pulumi program of its own."""

"""What the pipeline costs on AWS: unit prices, what a run did, what a program declares."""

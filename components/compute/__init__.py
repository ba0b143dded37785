"""What runs code: the functions, the Glue job, their archives, and what each role may do."""

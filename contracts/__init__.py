"""The data contracts, a file for each dataset, and the compiler that checks and compiles them."""

"""The Data Catalog and Athena: database, workgroup, named queries, crawlers, and the tables of the pipeline itself."""

"""Rules that hold for every resource of every stack: plain data and pure functions, no pulumi, no boto.

`policies.model` says what a rule sees and answers, `policies.rules` lists all of them. Exceptions are waivers, which
stand in code next to the resource that they are about (`WAIVERS` in the modules of `components/`).
"""

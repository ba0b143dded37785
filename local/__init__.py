"""The embedded runtime: the pipeline on a laptop, against an AWS emulator that runs inside this repository's process.

Nothing of the product imports this package.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "lambdas" / "layers"))

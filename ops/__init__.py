"""The operator's command line. Its modules import the functions' shared package, which is not installed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "lambdas" / "layers"))

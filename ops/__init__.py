"""The operator's command line, previews and generated pages.

Its modules import the functions' shared package, which is not installed in a clone.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "lambdas" / "layers"))

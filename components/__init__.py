"""What the stack is made of: components, and the plain data beside each."""

import sys
from pathlib import Path

# Names of objects in S3 are said once, in pipeline_core.layout, for the functions and for what may read them.
sys.path.append(str(Path(__file__).resolve().parent.parent / "lambdas" / "layers"))

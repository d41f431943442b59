"""Settings and data that all tests share."""

import os

# Without it scikit-learn leaves out its checks of the array API. scipy reads it when imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

"""Print the OpenAPI document: ``python -m controller.web.openapi``."""

import sys

from controller.web.openapi.document import text

if __name__ == "__main__":
    sys.stdout.write(text())

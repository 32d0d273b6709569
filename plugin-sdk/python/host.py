"""Runs a Python plugin: python3 -I -S -B -X utf8 host.py <plugin's folder> <contract as JSON>.

The contract comes from the hub, so that its names are written down once: capabilities, and error codes with
whether they may be retried.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hub_host.host import Host  # noqa: E402

if __name__ == "__main__":
    Host(sys.argv[1], json.loads(sys.argv[2])).run()

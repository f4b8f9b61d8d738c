"""Signs a hook with PyPI's standardwebhooks: a JSON object {secret, id, timestamp, body} comes in, the signature goes out."""

import json
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook

hook = json.load(sys.stdin)
at = datetime.fromtimestamp(hook["timestamp"], tz=timezone.utc)
print(Webhook(hook["secret"]).sign(hook["id"], at, hook["body"]))

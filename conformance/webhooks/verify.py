"""Checks deliveries with PyPI's standardwebhooks: a JSON array of {secret, headers, body} comes in, of true or false goes out."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verified(delivery):
    try:
        Webhook(delivery["secret"]).verify(delivery["body"], delivery["headers"])
        return True
    except WebhookVerificationError:
        return False


json.dump([verified(delivery) for delivery in json.load(sys.stdin)], sys.stdout)

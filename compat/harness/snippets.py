"""The snippets of the portal's page Topics → Broker settings, filled as that page fills them."""

import json
import re
from pathlib import Path

from harness.api import Api

ROOT = Path(__file__).resolve().parents[2] / "portal" / "snippets"
LIST = {snippet["id"]: snippet for snippet in json.loads((ROOT / "snippets.json").read_text())}


def fill(text, values):
    """As `fill` in portal/src/pages/broker-settings/snippets.ts."""

    def section(found):
        return found[2] if values.get(found[1]) else ""

    text = re.sub(r"^\{\{#(\w+)\}\}\n(.*?)^\{\{/\1\}\}\n", section, text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]].rstrip(), text)


def values(workspace, topic, slot="current"):
    """What the page asks the API for."""
    connection = workspace.admin.get(f"/workspaces/{workspace.id}/broker/librdkafka?slot={slot}")
    return {
        "token": workspace.token(slot),
        "portalApi": workspace.admin.url,
        "workspaceId": workspace.id,
        "topic": topic,
        "broker": connection["bootstrap.servers"],
        "protocol": connection["security.protocol"],
        "mechanism": connection["sasl.mechanism"],
        "username": connection["sasl.username"],
        "password": connection["sasl.password"],
        "ca": certificate(workspace.admin, workspace.id),
    }


def certificate(api: Api, workspace_id):
    """The CA's certificate, as the page finds it in the archive."""
    archive = api.read(f"/workspaces/{workspace_id}/certificates").decode("latin-1")
    return re.search(r"-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----", archive, re.DOTALL)[0] + "\n"


def snippet(name, workspace, topic="hello", slot="current"):
    """The text that the page copies."""
    return fill((ROOT / LIST[name]["file"]).read_text(), values(workspace, topic, slot))

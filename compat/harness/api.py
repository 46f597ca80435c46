"""The HTTP API, as a test uses it."""

import base64
import json
import urllib.error
import urllib.request


class Refused(Exception):
    """An answer other than 2xx."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Api:
    """The API at `url` with one token."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, body)

    def read(self, path):
        """The bytes of an answer that is not JSON."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            raise Refused(error.code, json.loads(text) if text.startswith("{") else text) from None


class Workspace:
    """A workspace with its two tokens, made for one test."""

    def __init__(self, admin, workspace_id):
        self.admin, self.id = admin, workspace_id
        admin.post("/workspaces", {"workspaceId": workspace_id})

    def token(self, slot="current"):
        """The value of Token 1 (`current`) or Token 2 (`next`)."""
        return self.admin.post(f"/workspaces/{self.id}/tokens/{slot}/reveal", {})["value"]

    def quix(self, token=None, workspace_id=True):
        """The variables of a Quix client: token and API, and with `workspace_id` the workspace too."""
        variables = {"Quix__Sdk__Token": token or self.token(), "Quix__Portal__Api": self.admin.url}
        if workspace_id:
            variables["Quix__Workspace__Id"] = self.id
        return variables

    def kafka(self, token=None, mechanism=None):
        """The variables for a plain Kafka client: what the API answers to a token, and the workspace's prefix."""
        settings = Api(self.admin.url, token or self.token()).get(f"/workspaces/{self.id}/broker/librdkafka")
        settings["ssl.ca.pem"] = base64.b64decode(settings.pop("ssl.ca.cert")).decode()
        if mechanism:
            settings["sasl.mechanism"] = mechanism
        return {"KAFKA": json.dumps(settings), "PREFIX": f"{self.id}-"}

    def create_topic(self, name, partitions=1):
        """Creates a topic and returns its id, which is its name on the broker."""
        body = {"name": name, "configuration": {"partitions": partitions}}
        return self.admin.post(f"/{self.id}/topics", body)["id"]

    def topics(self):
        """All topics by name."""
        return {topic["name"]: topic for topic in self.admin.get(f"/{self.id}/topics")}

    def rotate(self):
        """Rotates, whatever the generation is."""
        generation = self.admin.get(f"/workspaces/{self.id}/tokens")["generation"]
        body = {"expectedGeneration": generation, "force": True, "reason": "compat"}
        return self.admin.post(f"/workspaces/{self.id}/tokens/rotate", body)

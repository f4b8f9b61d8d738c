"""A desk of its own: its commands, tokens and API, and a certificate for the mail servers that it talks to."""

import atexit, json, signal, socket, subprocess, sys, time, urllib.request

BINARY = sys.argv[1]


def free():
    """A port that nobody has: servers here cannot be asked for any."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def certificate(folder, name="cert", host="localhost"):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-addext", "basicConstraints=critical,CA:FALSE"],
        cwd=folder, check=True, capture_output=True,
    )


def command(folder, *arguments):
    return [BINARY, "--config", f"{folder}/settings.toml", *arguments]


def token(folder, role, subject, *more):
    output = subprocess.run(
        command(folder, "token", "--role", role, "--subject", subject, *more), capture_output=True, text=True, check=True
    )
    return output.stdout.strip()


class Desk:
    def __init__(self, folder, http):
        self.folder, self.url = folder, f"http://127.0.0.1:{http}/graphql"
        self.tokens = {role: token(folder, role, role.lower() + "-1") for role in ("ANALYST", "ADMIN")}

    def start(self):
        with open(f"{self.folder}/log", "a") as log:
            self.process = subprocess.Popen(command(self.folder, "serve"), stderr=log, cwd=self.folder)
        # Whatever becomes of the judge, nothing of it goes on.
        atexit.register(self.process.kill)
        ready = self.url.replace("/graphql", "/readyz")
        for _ in range(600):
            try:
                urllib.request.urlopen(ready, timeout=1).read()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("it does not get ready: " + open(f"{self.folder}/log").read())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def answer(self, role, document, **variables):
        body = json.dumps({"query": document, "variables": variables}).encode()
        headers = {"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"}
        return json.load(urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=30))

    def ask(self, role, document, **variables):
        answer = self.answer(role, document, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def change(self, role, mutation, fields, **given):
        kind = mutation[0].upper() + mutation[1:]
        document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ message }} }} }}"
        payload = self.ask(role, document, input=given)[mutation]
        assert payload["userErrors"] == [], payload
        return payload

"""A real mail server (pymap: IMAP, STARTTLS, a password) has a mailbox that the real binary reads while it is killed again
and again. At the end each mail is recorded exactly once, and what was recorded is moved away; `vulndesk intake mail`
finds the same mails known. Once with a folder for what is done, once with marks alone."""

import imaplib, json, os, random, signal, socket, ssl, subprocess, sys, tempfile, time, urllib.request

from database import database, kind
from desk import certificate, free

BINARY = sys.argv[1]
ROUNDS = 8
PASSWORD = "a password"


class Server:
    def __init__(self, folder):
        self.folder, self.port = folder, free()
        command = [
            os.path.join(os.path.dirname(sys.executable), "pymap"), "--host", "localhost", "--port", str(self.port),
            "--cert", f"{folder}/cert.pem", "--key", f"{folder}/cert.key",
            "dict", "--demo-user", "psirt", "--demo-password", PASSWORD,
        ]
        with open(f"{folder}/server.log", "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(200):
            try:
                socket.create_connection(("localhost", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("no mail server: " + open(f"{folder}/server.log").read())

    def client(self):
        client = imaplib.IMAP4("localhost", self.port)
        client.starttls(ssl.create_default_context(cafile=f"{self.folder}/cert.pem"))
        client.login("psirt", PASSWORD)
        return client

    def count(self, folder, what):
        client = self.client()
        client.select(folder, readonly=True)
        found = client.uid("search", None, what)[1][0].split()
        client.logout()
        return len(found)


def mail(number, headers=""):
    thread = f"In-Reply-To: <{number - 1}@example.org>\r\n" if number % 3 == 2 else ""
    return (
        f"From: Hat <hat@example.org>\r\nSubject: Hole {number}\r\nMessage-ID: <{number}@example.org>\r\n{thread}{headers}"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n步骤 {number}\r\n"
        f"--b\r\nContent-Disposition: attachment; filename=poc.txt\r\n\r\nfile {number}\r\n--b--\r\n"
    ).encode()


def settings(folder, server, http, done):
    with open(f"{folder}/settings.toml", "w") as file:
        file.write(f"""
database_url = "{database(folder)}"
[http]
listen = "127.0.0.1:{http}"
[auth]
hs256_secret_file = "{folder}/secret"
[intake.mail.imap]
host = "localhost"
port = {server.port}
tls = "starttls"
user = "psirt"
password_file = "{folder}/password"
ca_file = "{folder}/cert.pem"
channel = "mail"
poll_seconds = 1
timeout_seconds = 5
{f'done_folder = "{done}"' if done else ""}
""")


class Desk:
    def __init__(self, folder, http):
        self.folder, self.url = folder, f"http://127.0.0.1:{http}/graphql"

    def run(self, *arguments):
        return subprocess.run(
            [BINARY, "--config", f"{self.folder}/settings.toml", *arguments], capture_output=True, text=True
        )

    def start(self):
        with open(f"{self.folder}/log", "a") as log:
            command = [BINARY, "--config", f"{self.folder}/settings.toml", "serve"]
            self.process = subprocess.Popen(command, stderr=log, cwd=self.folder)
        for _ in range(600):
            try:
                urllib.request.urlopen(self.url.replace("/graphql", "/readyz"), timeout=1).read()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("it does not get ready: " + open(f"{self.folder}/log").read())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, role, document, **variables):
        token = self.run("token", "--role", role, "--subject", role.lower() + "-1").stdout.strip()
        body = json.dumps({"query": document, "variables": variables}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = json.load(urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=30))
        assert "errors" not in answer, answer
        return answer["data"]


def round_trip(done):
    folder = tempfile.mkdtemp(prefix="vulndesk-inbound-")
    certificate(folder)
    for name, text in (("secret", "a secret for tests that is long enough"), ("password", PASSWORD + "\n")):
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    server, http = Server(folder), free()
    settings(folder, server, http, done)
    client = server.client()
    if done:
        client.create(done)
    desk = Desk(folder, http)
    desk.start()
    create = "mutation($input: CreateChannel!) { createChannel(input: $input) { userErrors { message } } }"
    channel = {"key": "mail", "name": "Mail", "kind": "CUSTOMER", "jurisdiction": "CN", "abroad": False, "replyRequired": True}
    assert desk.ask("ADMIN", create, input=channel)["createChannel"]["userErrors"] == []
    sent = []
    for number in range(ROUNDS * 6):
        sent.append(mail(number))
        client.append("INBOX", None, None, sent[-1])
        if number % 6 == 5:
            time.sleep(random.uniform(0.2, 1.5))
            desk.kill()
            desk.start()
    client.append("INBOX", None, None, mail(9_000, "Auto-Submitted: auto-replied\r\n"))
    waits = "ALL" if done else "UNSEEN"
    for _ in range(300):
        if server.count("INBOX", waits) == 0:
            break
        time.sleep(0.2)
    assert server.count("INBOX", waits) == 0, "mails wait for ever: " + open(f"{folder}/log").read()
    if done:
        assert server.count(done, "ALL") == len(sent) + 1
    fields = """{ reports(first: 100) { nodes { title mails(first: 10) { nodes { subject attachments { kind size } } }
        messages(first: 10) { nodes { body } } } } }"""
    reports = desk.ask("ANALYST", fields)["reports"]["nodes"]
    mails = [one["subject"] for report in reports for one in report["mails"]["nodes"]]
    assert sorted(mails) == sorted(f"Hole {number}" for number in range(len(sent))), sorted(mails)
    for report in reports:
        for one in report["mails"]["nodes"]:
            assert sorted(file["kind"] for file in one["attachments"]) == ["FILE", "ORIGINAL_MAIL"], one
    joined = sum(len(report["messages"]["nodes"]) for report in reports)
    assert joined == len(sent) // 3 and len(reports) == len(sent) - joined, (joined, len(reports))
    # Beside the running server, the same mails from files.
    for name in ("new", "cur", "tmp"):
        os.makedirs(f"{folder}/maildir/{name}")
    for number, content in enumerate(sent):
        with open(f"{folder}/maildir/new/{number}.a.host", "wb") as file:
            file.write(content)
    known = desk.run("intake", "mail", f"{folder}/maildir", "--channel", "mail")
    expected = f"0 received, 0 joined, {len(sent)} already known, 0 bounces, 0 automatic, 0 refused"
    assert known.returncode == 0 and expected in known.stdout, known.stdout + known.stderr
    desk.kill()
    server.process.terminate()
    server.process.wait()
    verified = desk.run("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    print(f"{kind()}: {len(sent)} mails, {ROUNDS} kills, each recorded once ({'moved' if done else 'marked'})")


random.seed(7)
round_trip("Recorded")
round_trip(None)

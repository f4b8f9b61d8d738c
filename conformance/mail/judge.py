"""A real mail server (aiosmtpd, STARTTLS, a password) takes replies from the real binary, which is killed again and
again around the sending. At the end no approval has left twice, what is SENT arrived, and what arrived is SENT or
UNCERTAIN: nothing says that it failed. The same holds for the daily e-mails of people, of which each has at most one."""

import collections, email, email.policy, logging, random, ssl, subprocess, tempfile, time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from database import database, kind
from desk import Desk, certificate, command, free, token

# It warns of its own past at every login.
logging.disable(logging.WARNING)
ROUNDS = 10
PEOPLE = 6
PASSWORD = b"a password"
got = []


class Handler:
    async def handle_DATA(self, server, session, envelope):
        if session.ssl is None:
            return "530 secure the connection first"
        got.append(envelope.content)
        return "250 queued"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"psirt" and data.password == PASSWORD)


def settings(folder, port, http):
    with open(f"{folder}/settings.toml", "w") as file:
        file.write(f"""
database_url = "{database(folder)}"
[http]
listen = "127.0.0.1:{http}"
[auth]
hs256_secret_file = "{folder}/secret"
[replies]
company = "Example Networks"
[replies.smtp]
host = "localhost"
port = {port}
user = "psirt"
password_file = "{folder}/password"
from = "psirt@example.com"
ca_file = "{folder}/cert.pem"
timeout_seconds = 1
[notices]
digest_hour = 0
time_zone = "UTC"
""")


def digests(desk, folder):
    """Gives people work that is due, has them call, and kills the process around the sending; answers their events."""
    desk.change(
        "ADMIN", "createChannel", "channel { id }", key="bounty", name="Bounty", kind="SRC_PLATFORM", jurisdiction="CN",
        abroad=False, replyRequired=True,
    )
    numbers = {}
    for number in range(PEOPLE):
        person = f"analyst-{number + 10}"
        desk.tokens[person] = token(folder, "ANALYST", person, "--email", f"{person}@example.com")
        event = desk.change(
            "ANALYST", "receiveReport", "report { event { id number version } }", channel="bounty",
            number=f"D-{number}", title="A secret title", text="Steps",
        )["report"]["event"]
        desk.change(
            "ANALYST", "assign", "event { id }", event=event["id"], expectedVersion=event["version"],
            function="SECURITY", subject=person,
        )
        numbers[person] = event["number"]
    # A person is known once they have called: half of them before, half of them between the kills.
    for number, person in enumerate(numbers):
        desk.ask(person, "{ viewer { subject } }")
        desk.kill()
        desk.start()
        time.sleep(random.uniform(0, 0.12))
        desk.kill()
        desk.start()
    return numbers


def main():
    folder = tempfile.mkdtemp(prefix="vulndesk-mail-")
    certificate(folder)
    with open(f"{folder}/secret", "w") as file:
        file.write("a secret for tests that is long enough")
    with open(f"{folder}/password", "wb") as file:
        file.write(PASSWORD + b"\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/cert.key")
    random.seed(7)
    server = Controller(
        Handler(), hostname="localhost", port=0, tls_context=context, require_starttls=True,
        authenticator=authenticate, auth_required=True,
    )
    server.port = free()
    server.start()
    http = free()
    settings(folder, server.port, http)
    desk = Desk(folder, http)
    desk.start()
    channel = desk.change(
        "ADMIN", "createChannel", "channel { id version }", key="bank", name="Bank", kind="CUSTOMER", jurisdiction="CN",
        abroad=False, replyRequired=False,
    )["channel"]
    desk.change(
        "ADMIN", "setReplyRoute", "secret", channel=channel["id"], expectedVersion=channel["version"],
        email="desk@example.org",
    )
    replies = []
    for round in range(ROUNDS):
        for number in range(4):
            report = desk.change(
                "ANALYST", "receiveReport", "report { event { id version } }", channel="bank",
                number=f"B-{round}-{number}", title="A hole", text="Steps",
            )["report"]
            reply = desk.change(
                "ANALYST", "draftReply", "reply { id version }", event=report["event"]["id"],
                expectedVersion=report["event"]["version"], channel=channel["id"], kind="ACKNOWLEDGEMENT",
                fromTemplate={"key": "acknowledgement-zh"},
            )["reply"]
            replies.append(reply["id"])
            desk.change(
                "ANALYST", "sendReply", "reply { state }", reply=reply["id"], expectedVersion=reply["version"],
                via="EMAIL", formats=["TEXT", "HTML"],
            )
        time.sleep(random.uniform(0, 0.25))
        desk.kill()
        desk.start()
    numbers = digests(desk, folder)
    fields = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Reply { id state dispatches { messageId state } } } }"
    for _ in range(600):
        rows = desk.ask("ANALYST", fields, ids=replies)["nodes"]
        if all(row["state"] != "SENDING" for row in rows):
            break
        time.sleep(0.1)
    # Settled too: what was claimed, or going out when its process ended, within its lease and the next look.
    for _ in range(1800):
        last = {person: desk.ask(person, "{ noticeDigest { lastState } }")["noticeDigest"] for person in numbers}
        if all(row["lastState"] not in (None, "CLAIMED", "HANDING") for row in last.values()):
            break
        time.sleep(0.1)
    desk.kill()
    server.stop()
    verified = subprocess.run(command(folder, "audit", "verify"), capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr

    mails = [email.message_from_bytes(content, policy=email.policy.default) for content in got]
    daily = [mail for mail in mails if mail["Subject"].startswith("vulndesk:")]
    mails = [mail for mail in mails if mail not in daily]
    got_by = collections.Counter(mail["To"] for mail in daily)
    for person, number in numbers.items():
        state, count = last[person]["lastState"], got_by[f"{person}@example.com"]
        assert state in ("SENT", "UNCERTAIN"), (person, state)
        assert count == 1 or (count == 0 and state == "UNCERTAIN"), (person, state, count)
        for mail in daily:
            if mail["To"] == f"{person}@example.com":
                text = mail.get_body(("plain",)).get_content()
                assert number in text and "secret" not in text, text
    ends = collections.Counter(row["lastState"] for row in last.values())
    assert ends["SENT"] >= 1, ends
    print(f"{kind()}: {PEOPLE} people, {len(daily)} daily e-mails, nobody two: {dict(ends)}")
    arrived = collections.Counter(mail["Message-ID"] for mail in mails)
    states = collections.Counter(row["state"] for row in rows)
    twice = [message for message, count in arrived.items() if count > 1]
    assert not twice, f"left twice: {twice}"
    for row in rows:
        count = arrived[row["dispatches"][0]["messageId"]]
        assert len(row["dispatches"]) == 1, row
        assert row["state"] in ("SENT", "UNCERTAIN"), row
        assert row["state"] != "SENT" or count == 1, f"SENT and did not arrive: {row}"
    assert sum(arrived.values()) <= len(replies)
    assert states["SENT"] >= 1, states
    first = mails[0]
    assert first["Subject"].startswith("已收到您的报告"), first["Subject"]
    assert "您的报告已收到" in first.get_body(("plain",)).get_content()
    assert first.get_body(("html",)).get_content().count("<script") == 0
    print(f"{kind()}: {len(replies)} replies, {ROUNDS} kills, {len(mails)} e-mails arrived, none twice: {dict(states)}")


main()

"""A real mail server (aiosmtpd) that refuses, is busy, falls silent or goes away at each step, cannot be reached or cannot be
trusted: what was surely not taken is FAILED or tried again, what nobody knows is UNCERTAIN, and nothing arrives twice. And
what is entered to break out of an address, a header or the content."""

import asyncio, atexit, collections, email, email.policy, logging, shutil, ssl, subprocess, tempfile, time, warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from database import database, kind
from desk import Desk, certificate, command, free, token

# It warns of its own past at every login.
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
PASSWORD = b"a password"
# Certificates and passwords of all.
KEYS = tempfile.mkdtemp(prefix="vulndesk-failures-")
atexit.register(shutil.rmtree, KEYS, ignore_errors=True)
CONTACTS = ("fine", "refused", "busy", "unwanted", "later", "silent", "vanish", "babble", "waiting", "untold", "unsecured", "untrusted",
            "implicit", "outside", "stranger")
# What the server gets whole, with the recipients of each; and where somebody said a password.
got, logins = [], []
failed = 0


def check(what, holds, seen=None):
    global failed
    failed += not holds
    print(("ok    " if holds else "FAIL  ") + f"{kind()}: {what}" + ("" if holds or seen is None else f": {seen!r}"))


class Handler:
    """Does with each recipient what their name says; what is said once is `once`."""

    def __init__(self):
        self.seen = collections.Counter()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        self.seen[name] += 1
        if name == "refused":
            return "550 5.1.1 no such user"
        if name == "busy" and self.seen[name] == 1:
            return "451 4.3.0 try later"
        if name == "waiting" and self.seen[name] == 1:
            await asyncio.sleep(4)
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        (address,) = envelope.rcpt_tos
        name = address.split("@")[0]
        got.append((envelope.rcpt_tos, envelope.content))
        if name == "unwanted":
            return "554 5.7.1 not wanted"
        if name == "later" and self.seen[name] == 1:
            return "451 4.3.0 out of space"
        if name == "silent":
            await asyncio.sleep(4)
        if name == "vanish":
            server.transport.abort()
        if name == "babble":
            return "it may be so"
        return "250 queued"


def authenticate(server, session, envelope, mechanism, data):
    logins.append((server.transport.get_extra_info("sslcontext") is not None, data.login))
    return AuthResult(success=data.login == b"psirt" and data.password == PASSWORD)


class Place(Desk):
    """A desk with a database of its own, whose mail server may become another."""

    def __init__(self, port, **more):
        self.folder, self.http = tempfile.mkdtemp(prefix="vulndesk-failures-"), free()
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.database = database(self.folder)
        with open(f"{self.folder}/secret", "w") as file:
            file.write("a secret for tests that is long enough")
        self.settings(port, **more)
        super().__init__(self.folder, self.http)
        self.start()
        self.replies = Replies(self)

    def settings(self, port, **more):
        smtp = {"host": "localhost", "port": port, "user": "psirt", "password_file": f"{KEYS}/password",
                "from": "psirt@example.com", "ca_file": f"{KEYS}/cert.pem", "timeout_seconds": 1, **more}
        # What TOML and Python write alike.
        smtp = "\n".join(f"{name} = {value}" if isinstance(value, int) else f'{name} = "{value}"' for name, value in smtp.items())
        with open(f"{self.folder}/settings.toml", "w") as file:
            file.write(f"""
database_url = "{self.database}"
[http]
listen = "127.0.0.1:{self.http}"
[auth]
hs256_secret_file = "{self.folder}/secret"
[replies]
company = "Example Networks"
[replies.smtp]
{smtp}
""")


class Replies:
    """Replies of a channel to its contacts."""

    fields = "state version dispatches { state attempts answer messageId }"

    def __init__(self, desk):
        self.desk, self.count, self.ids = desk, 0, {}
        self.channel = desk.change(
            "ADMIN", "createChannel", "channel { id version }", key="bank", name="Bank", kind="CUSTOMER", jurisdiction="CN",
            abroad=False, replyRequired=False, contacts=[f"{name}@example.org" for name in CONTACTS],
        )["channel"]["id"]

    def draft(self, **more):
        self.count += 1
        event = self.desk.change(
            "ANALYST", "receiveReport", "report { event { id version } }", channel="bank", number=f"B-{self.count}",
            title="A hole", text="Steps",
        )["report"]["event"]
        return self.desk.change(
            "ANALYST", "draftReply", "reply { id version subject body }", event=event["id"], expectedVersion=event["version"],
            channel=self.channel, kind="THANKS", **{"subject": "Thanks", "body": "We thank you.", **more},
        )["reply"]

    def send(self, name, **more):
        reply = self.draft(via="EMAIL", to=f"{name}@example.org", **more)
        self.ids[name] = reply["id"]
        self.again(name, reply["version"])

    def again(self, name, version):
        self.desk.change(
            "ANALYST", "sendReply", "reply { state }", reply=self.ids[name], expectedVersion=version, via="EMAIL",
            to=f"{name}@example.org", formats=["TEXT"],
        )

    def look(self, name):
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on Reply {{ {self.fields} }} }} }}"
        return self.desk.ask("ANALYST", document, id=self.ids[name])["node"]

    def until(self, name, holds, seconds=20):
        for _ in range(seconds * 10):
            reply = self.look(name)
            if holds(reply):
                break
            time.sleep(0.1)
        return reply

    def settled(self, name, seconds=20):
        return self.until(name, lambda reply: reply["state"] != "SENDING", seconds)

    def tried(self, name):
        return self.until(name, lambda reply: reply["dispatches"][-1]["answer"] is not None)


def arrived(name):
    """How often the content to somebody got to a server."""
    return sum(f"{name}@example.org" in recipients for recipients, _ in got)


def fails_by_recipient(replies):
    names = ("fine", "refused", "busy", "unwanted", "later", "silent", "vanish", "babble", "waiting")
    for name in names:
        replies.send(name)
    # What is the server's last word, or nobody's.
    for name, state, count, words in (
        ("fine", "SENT", 1, "250 queued"), ("refused", "FAILED", 0, "no such user"), ("unwanted", "FAILED", 1, "not wanted"),
        ("silent", "UNCERTAIN", 1, "no answer within 1 s"), ("vanish", "UNCERTAIN", 1, ""), ("babble", "UNCERTAIN", 1, ""),
    ):
        reply = replies.settled(name)
        (dispatch,) = reply["dispatches"]
        check(f"{name}: {state}", reply["state"] == state, reply)
        check(f"{name}: after one attempt, with what was said", dispatch["attempts"] == 1 and words in dispatch["answer"], dispatch)
        check(f"{name}: the server got it {count} times", arrived(name) == count, arrived(name))
    # What may pass is tried again; half a minute later the server takes it.
    for name, words in (("busy", "try later"), ("later", "out of space"), ("waiting", "no answer within 1 s")):
        reply = replies.tried(name)
        (dispatch,) = reply["dispatches"]
        check(f"{name}: waits to be tried again, with what was said", (reply["state"], dispatch["state"]) == ("SENDING", "WAITING")
              and words in dispatch["answer"], reply)


def is_told(desk):
    replies = desk.replies
    notices = desk.ask("ANALYST", "{ notices(first: 100) { nodes { kind about } } }")["notices"]["nodes"]
    told = {(notice["kind"], notice["about"]) for notice in notices}
    for name, notice in (("refused", "REPLY_FAILED"), ("unwanted", "REPLY_FAILED"), ("silent", "REPLY_UNCERTAIN"),
                         ("vanish", "REPLY_UNCERTAIN"), ("babble", "REPLY_UNCERTAIN")):
        check(f"{name}: its author is told", (notice, replies.ids[name]) in told, sorted(told))


def refuses(desk):
    """What is entered to break out of its place is refused, and changes nothing."""
    replies = desk.replies

    def refused(role, mutation, **given):
        kind = mutation[0].upper() + mutation[1:]
        document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ userErrors {{ message }} }} }}"
        answer = desk.answer(role, document, input=given)
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        errors = ((answer.get("data") or {}).get(mutation) or {}).get("userErrors", [])
        return codes == ["BAD_USER_INPUT"] or (codes == [] and len(errors) > 0), answer

    fields = "query($id: ID!) { node(id: $id) { ... on Channel { version contacts replyRoute { email fromEmail } } } }"
    before = desk.ask("ADMIN", fields, id=replies.channel)["node"]
    for address in (
        "a@example.org\r\nBcc: b@example.org", "a@example.org\nBcc: b@example.org", "a@example.org\r\nDATA",
        "a@example.org, b@example.org", "a@example.org> RCPT TO:<b@example.org", "A <a@example.org>", "a", "@", "a@b@example.org",
        "a@example.org\0", "a@example.org\u2028b",
    ):
        for field in ("email", "fromEmail"):
            holds, answer = refused("ADMIN", "setReplyRoute", channel=replies.channel, expectedVersion=before["version"], **{field: address})
            check(f"{field} {address!r} is refused", holds, answer)
    for address in ("fine@example.org\r\nBcc: b@example.org", "fine@example.org\nRCPT TO:<b@example.org>", "fine@example.org,b@example.org"):
        reply = replies.draft()
        holds, answer = refused("ANALYST", "sendReply", reply=reply["id"], expectedVersion=reply["version"], via="EMAIL", to=address, formats=["TEXT"])
        check(f"a recipient {address!r} is refused", holds, answer)
    check("nothing of it was kept", desk.ask("ADMIN", fields, id=replies.channel)["node"] == before)


def breaks_out(desk):
    """A subject and a body that would be commands or headers elsewhere arrive as what they are."""
    replies = desk.replies
    body = "Dear desk,\n.\n..\n.\r\n.\nQUIT\nMAIL FROM: x@example.com\nRCPT TO: b@example.org\nFrom here on\n" + "long " * 400 + "line\nthe end"
    document = "mutation($input: DraftReply!) { draftReply(input: $input) { reply { id version } userErrors { message } } }"
    event = desk.change("ANALYST", "receiveReport", "report { event { id version } }", channel="bank", number="B-X", title="A hole",
                        text="Steps")["report"]["event"]
    given = {"event": event["id"], "channel": replies.channel, "kind": "THANKS", "body": body, "via": "EMAIL", "to": "stranger@example.org"}
    with_break = desk.answer("ANALYST", document, input={**given, "expectedVersion": event["version"], "subject": "Thanks\r\nBcc: b@example.org"})
    reply = ((with_break.get("data") or {}).get("draftReply") or {}).get("reply")
    if reply is None:
        # Refused: the same with a subject on one line.
        check("a subject of two lines is refused by name", "subject" in str(with_break), with_break)
        reply = desk.answer("ANALYST", document, input={**given, "expectedVersion": event["version"], "subject": "Thanks"})["data"]["draftReply"]["reply"]
    replies.ids["stranger"] = reply["id"]
    replies.again("stranger", reply["version"])
    replies.settled("stranger")
    taken = [(recipients, content) for recipients, content in got if "stranger@example.org" in recipients]
    check("one e-mail arrives, to one recipient", len(taken) == 1 and taken[0][0] == ["stranger@example.org"], taken)
    content = taken[0][1]
    check("its lines end as lines of mail do", content.replace(b"\r\n", b"").count(b"\n") == 0 and content.replace(b"\r\n", b"").count(b"\r") == 0)
    check("none of them is too long", max(map(len, content.split(b"\r\n"))) <= 998)
    mail = email.message_from_bytes(content, policy=email.policy.default)
    check("nobody else is named in it", mail["Bcc"] is None and mail["Cc"] is None and mail["To"] == "stranger@example.org", mail.items())
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n")
    check("its text is the whole text", text == body.replace("\r\n", "\n"), text)


def tls(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{KEYS}/{name}.pem", f"{KEYS}/{name}.key")
    return context


def main():
    certificate(KEYS)
    certificate(KEYS, "other", "other.example.org")
    for name, password in (("password", PASSWORD), ("wrong", b"another password")):
        with open(f"{KEYS}/{name}", "wb") as file:
            file.write(password + b"\n")
    handler, servers = Handler(), []

    def server(**more):
        made = Controller(handler, hostname="localhost", port=free(), authenticator=authenticate, auth_required=True, **more)
        made.start()
        servers.append(made)
        return made.port

    good = server(tls_context=tls("cert"), require_starttls=True)
    desk = Place(good)
    fails_by_recipient(desk.replies)
    # Servers that are not there, not secured, or somebody else: nothing is said to them, and it is tried again.
    others = {}
    for name, port in (
        ("untold", free()), ("unsecured", server(auth_require_tls=False)),
        ("untrusted", server(tls_context=tls("other"), require_starttls=True)),
    ):
        others[name] = Place(port)
        before = len(logins)
        others[name].replies.send(name)
        reply = others[name].replies.tried(name)
        check(f"{name}: waits to be tried again", (reply["state"], reply["dispatches"][0]["state"]) == ("SENDING", "WAITING"), reply)
        check(f"{name}: no password and no content was said", len(logins) == before and arrived(name) == 0, logins[before:])
        # In time the server is what it should be.
        others[name].kill()
        others[name].settings(good)
        others[name].start()
    is_told(desk)
    refuses(desk)
    breaks_out(desk)
    outside = Place(good, password_file=f"{KEYS}/wrong")
    outside.replies.send("outside")
    reply = outside.replies.tried("outside")
    check("who is not let in sends nothing", reply["state"] != "SENT" and arrived("outside") == 0, reply)
    outside.kill()
    implicit = Place(server(ssl_context=tls("cert"), auth_require_tls=False), tls="implicit")
    implicit.replies.send("implicit")
    reply = implicit.replies.settled("implicit")
    check("a server that is secured from the first byte takes it", reply["state"] == "SENT" and arrived("implicit") == 1, reply)
    implicit.kill()
    for name in ("busy", "later", "waiting", *others):
        reply = others.get(name, desk).replies.settled(name, 60)
        (dispatch,) = reply["dispatches"]
        check(f"{name}: SENT by the second attempt", reply["state"] == "SENT" and dispatch["attempts"] == 2, reply)
    check("all passwords were said in secret", all(secured for secured, _ in logins))
    # What nobody knows and what was refused is not sent again by itself, neither by a start nor by time.
    desk.kill()
    desk.start()
    time.sleep(2)
    for name in ("silent", "vanish", "babble", "unwanted", "refused"):
        reply = desk.replies.look(name)
        check(f"{name}: stays as it was", reply["dispatches"][0]["attempts"] == 1 and arrived(name) <= 1, reply)
    # What the server said no to came to it twice; what it took came once.
    counts = collections.Counter(email.message_from_bytes(content)["Message-ID"] for _, content in got)
    twice = [recipients for recipients, content in got if counts[email.message_from_bytes(content)["Message-ID"]] > 1]
    check("nothing that was taken came twice", twice == [["later@example.org"]] * 2, twice)
    desk.kill()
    for other in others.values():
        other.kill()
    for one in servers:
        one.stop()
    for place in (desk, outside, implicit, *others.values()):
        verified = subprocess.run(command(place.folder, "audit", "verify"), capture_output=True, text=True)
        check("the audit trail holds", verified.returncode == 0, verified.stdout + verified.stderr)
    if failed:
        raise SystemExit(f"{failed} failed")


main()

"""A calendar feed of the real binary, read by PyPI's icalendar: python judge.py BINARY"""
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from icalendar import Calendar

binary = sys.argv[1]
failed = 0


def check(what, holds, seen=None):
    global failed
    failed += not holds
    print(("ok   " if holds else "FAIL ") + what + ("" if holds or seen is None else f": {seen!r}"))


with tempfile.TemporaryDirectory(prefix="vulndesk-feeds-") as folder:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    secret = os.path.join(folder, "token.secret")
    with open(secret, "w") as file:
        file.write("s" * 40)
    config = os.path.join(folder, "vulndesk.toml")
    with open(config, "w") as file:
        file.write(
            f'database_url = "sqlite://{folder}/vulndesk.sqlite"\n[http]\nlisten = "127.0.0.1:{port}"\n'
            f'[auth]\nhs256_secret_file = "{secret}"\n'
        )
    address = f"http://127.0.0.1:{port}"

    def token(role):
        command = [binary, "token", "--config", config, "--role", role, "--subject", f"{role.lower()}-1"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def call(who, mutation, kind, fields, /, **given):
        query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ message }} }} }}"
        body = json.dumps({"query": query, "variables": {"input": given}}).encode()
        headers = {"authorization": f"Bearer {who}", "content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{address}/graphql", body, headers)) as answer:
            answer = json.load(answer)
        payload = (answer.get("data") or {}).get(mutation)
        if not payload or payload["userErrors"]:
            raise SystemExit(f"{mutation}: {answer}")
        return payload

    server = subprocess.Popen([binary, "serve", "--config", config], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/healthz").close()
                break
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > end:
                    raise SystemExit("the server did not answer within 60 s")
                time.sleep(0.05)
        admin, analyst = token("ADMIN"), token("ANALYST")
        call(admin, "createChannel", "CreateChannel", "channel { id }", key="cnvd", name="CNVD",
             kind="NATIONAL_DATABASE", jurisdiction="CN", abroad=False, replyRequired=True)
        event = call(analyst, "receiveReport", "ReceiveReport", "report { event { id number version } }",
                     channel="cnvd", title="A secret title", text="Steps")["report"]["event"]
        call(analyst, "assign", "Assign", "event { id }", event=event["id"], expectedVersion=event["version"],
             function="SECURITY", subject="analyst-1", dueAt="2030-03-05T09:30:00Z")
        name = "到期, due; " + "很长的名字" * 20
        made = call(analyst, "createCalendarFeed", "CreateCalendarFeed", "path feed { id version }", name=name)

        def read(**headers):
            return urllib.request.urlopen(urllib.request.Request(address + made["path"], headers=headers))

        with read() as answer:
            check("it is a calendar", answer.headers["content-type"] == "text/calendar; charset=utf-8")
            check("only its reader keeps it", "private" in answer.headers["cache-control"])
            tag, text = answer.headers["etag"], answer.read()
        check("lines end with CRLF and have 75 octets at most",
              all(len(line) <= 75 and b"\n" not in line for line in text.split(b"\r\n")), text)
        calendar = Calendar.from_ical(text)
        check("nothing in it is ill-formed", not calendar.errors and not any(part.errors for part in calendar.walk()))
        check("nothing that it has to have is missing", "prodid" in calendar and calendar["version"] == "2.0")
        check("it is nobody's invitation", "method" not in calendar)
        check("its name is read as it was given", str(calendar["name"]) == name, calendar["name"])
        events = calendar.walk("VEVENT")
        clocks = [event for event in events if "deadline" in str(event["summary"])]
        check("it has one event for the work and one for each clock that has an end", len(events) == 1 + len(clocks))
        (due,) = [event for event in events if event not in clocks]
        check("the database publishes 45 days after its notice", len(clocks) == 1, [str(one["summary"]) for one in clocks])
        (published,) = clocks
        zone = datetime.timezone(datetime.timedelta(hours=8))
        today = datetime.datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        check("until the end of the last day", published.decoded("dtstart") == today + datetime.timedelta(days=46),
              published.decoded("dtstart"))
        check("its clock has number and kind", str(published["summary"]) == f"{event['number']} PUBLICATION 时限 deadline",
              published["summary"])
        instant = datetime.datetime(2030, 3, 5, 9, 30, tzinfo=datetime.UTC)
        check("at the instant that it is due", due.decoded("dtstart") == instant, due.decoded("dtstart"))
        check("with number and kind", str(due["summary"]) == f"{event['number']} SECURITY 任务 assignment", due["summary"])
        check("with what an event has to have",
              all(key in one for one in events for key in ("uid", "dtstamp", "dtstart")))
        check("without the title", b"secret" not in text)
        with read() as answer:
            again = Calendar.from_ical(answer.read()).walk("VEVENT")
        check("they are the same events every time", {one["uid"] for one in again} == {one["uid"] for one in events})
        try:
            read(**{"if-none-match": tag})
            check("who has it is not sent it again", False)
        except urllib.error.HTTPError as error:
            check("who has it is not sent it again", error.code == 304)
        call(analyst, "revokeCalendarFeed", "RevokeCalendarFeed", "feed { revoked }", feed=made["feed"]["id"],
             expectedVersion=made["feed"]["version"])
        try:
            read()
            check("an ended link answers nobody", False)
        except urllib.error.HTTPError as error:
            check("an ended link answers nobody", error.code == 404)
    finally:
        server.terminate()
        server.wait(60)
print(f"{failed} failed")
sys.exit(failed != 0)

"""People are told once each of a clock at 75 % of its time and at its end: by two replicas over one PostgreSQL database, of
which one is killed about that instant, and by processes that are started anew."""

import atexit, collections, datetime, shutil, sys, tempfile, time

from database import database, kind
from desk import Desk, free, token

# Clocks of each kind; people on each event; seconds until a share of them is over, and after which every sweep was made.
COUNT, PEOPLE, AHEAD, SWEPT = 8, ("analyst-1", "analyst-2"), 20, 70
REPLICAS = 1 if len(sys.argv) < 3 else 2


def replicas():
    shared = None
    for _ in range(REPLICAS):
        folder, http = tempfile.mkdtemp(prefix="vulndesk-clocks-"), free()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        if shared is None:
            shared = (folder, database(folder))
            with open(f"{folder}/secret", "w") as file:
                file.write("a secret for tests that is long enough")
        with open(f"{folder}/settings.toml", "w") as file:
            file.write(f"""
database_url = "{shared[1]}"
[http]
listen = "127.0.0.1:{http}"
[auth]
hs256_secret_file = "{shared[0]}/secret"
""")
        desk = Desk(folder, http)
        desk.start()
        yield desk


def told(desk, person):
    """How often a person was told of each clock and share of its time."""
    document = """query($after: String) { notices(first: 100, after: $after) {
        nodes { kind about percent } pageInfo { hasNextPage endCursor } } }"""
    counts, after = collections.Counter(), None
    while True:
        page = desk.ask(person, document, after=after)["notices"]
        counts.update((one["kind"], one["percent"], one["about"]) for one in page["nodes"] if one["percent"])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return counts


desks = list(replicas())
desk = desks[0]
desk.change(
    "ADMIN", "createChannel", "channel { id }", key="inside", name="Inside", kind="INTERNAL", jurisdiction="CN", abroad=False,
    replyRequired=True,
)
rule = {"key": "verdict", "regime": "SRC_PROMISE", "trigger": "REPORT_RECEIVED", "kind": "REPLY", "reply": "VERDICT",
        "channelKinds": ["INTERNAL"], "anchor": "RECEIVED", "unit": "HOURS", "amount": 1}
desk.change("ADMIN", "createDeadlinePolicy", "deadlinePolicy { number }", rules=[rule])
for person in PEOPLE:
    desk.tokens[person] = token(desk.folder, "ANALYST", person)
    desk.ask(person, "{ viewer { subject } }")
begun = datetime.datetime.now(datetime.timezone.utc)
for minutes in (45, 60):
    received = begun + datetime.timedelta(seconds=AHEAD) - datetime.timedelta(minutes=minutes)
    for number in range(COUNT):
        event = desk.change(
            "ANALYST", "receiveReport", "report { event { id version } }", channel="inside", number=f"{minutes}-{number}",
            title="A hole", text="Steps", receivedAt=received.isoformat(),
        )["report"]["event"]
        for seen, person in enumerate(PEOPLE):
            desk.change("ANALYST", "assign", "event { id }", event=event["id"], expectedVersion=event["version"] + seen,
                        function="SECURITY", subject=person)
time.sleep(max(0, AHEAD - (datetime.datetime.now(datetime.timezone.utc) - begun).total_seconds()))
desk.kill()
desk.start()
time.sleep(SWEPT)
first = [told(desk, person) for person in PEOPLE]
for counts in first:
    by_share = collections.Counter((notice, percent) for notice, percent, _ in counts)
    # What a sweep finds over is told as that, and its 75 % no more.
    assert by_share["BREACHED", 100] == COUNT and by_share["DUE_SOON", 75] >= COUNT, by_share
    assert set(counts.values()) == {1}, f"told twice: {counts}"
for one in desks:
    one.kill()
    one.start()
time.sleep(SWEPT)
assert [told(desk, person) for person in PEOPLE] == first, "told again after a restart"
print(f"{kind()}: {REPLICAS} processes, {2 * COUNT} clocks, {len(PEOPLE)} people told once each, and not again after a restart")

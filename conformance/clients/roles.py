"""Documents that nobody wrote, made by Schemathesis of each query and mutation and asked as each role, with ids of what is there.

Whatever is asked by whomever: the answer is one of GraphQL, each error has a code that the API knows, and none is the server's own.
Beside a demo: scripts/with-demo BINARY python roles.py
"""
import collections
import http.client
import json
import os
import sys
import time
import urllib.parse
from dataclasses import replace

import schemathesis
from graphql import (
    REMOVE, ArgumentNode, GraphQLObjectType, IntValueNode, StringValueNode, TypeInfo, TypeInfoVisitor, Visitor, get_named_type,
    is_required_argument, parse, print_ast, visit,
)
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis.graphql import nodes

# Documents of each operation; each is asked as every role.
EXAMPLES = 5
# Of fewer operations that somebody got something done with, too little would be asked.
REACHED = 70
# What a caller can be told; INTERNAL and TIMEOUT would be the server's own.
CODES = {
    "FORBIDDEN", "NOT_FOUND", "CONFLICT", "INVALID_ID", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED",
    "QUERY_TOO_COMPLEX",
}
# Names of inputs whose text is the key or number of something.
NAMED = {"number": "number", "key": "key", "channel": "key", "product": "key", "calendar": "key", "currency": "currency"}

for name, form in {
    "DateTime": strategies.datetimes().map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)),
    "NaiveDate": strategies.dates().map(lambda day: day.isoformat()),
    "Decimal": strategies.decimals(-1, 11, allow_nan=False, places=1).map(str),
}.items():
    schemathesis.graphql.scalar(name, form.map(nodes.String))


class Desk:
    """The API, over one connection."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.connection, self.path = http.client.HTTPConnection(parts.netloc, timeout=60), parts.path

    def ask(self, token, document):
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self.connection.request("POST", self.path, json.dumps({"query": document}), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


class Known:
    """What is there: ids by their kind, and other texts by their name."""

    def __init__(self, desk, token_of, schema):
        self.ids, self.texts, self.versions = collections.defaultdict(set), collections.defaultdict(set), {}
        for role in ("ADMIN", "LEADER", "FINANCE"):
            for name, field in schema.query_type.fields.items():
                kind = get_named_type(field.type)
                if kind.name.endswith("Connection") and not any(map(is_required_argument, field.args.values())):
                    selection = self.selection(get_named_type(kind.fields["nodes"].type), 2)
                    _, text = desk.ask(token_of[role], f"{{ {name}(first: 30) {{ nodes {selection} }} }}")
                    self.keep(json.loads(text).get("data"))
        self.ids, self.texts = ({name: sorted(found) for name, found in of.items()} for of in (self.ids, self.texts))

    def selection(self, kind, depth):
        fields = ["__typename"]
        for name, field in kind.fields.items():
            inner = get_named_type(field.type)
            if any(map(is_required_argument, field.args.values())):
                continue
            if name in ("id", "version") or name in NAMED.values() and inner.name == "String":
                fields.append(name)
            elif depth > 1 and isinstance(inner, GraphQLObjectType) and "id" in inner.fields:
                fields.append(f"{name} {self.selection(inner, depth - 1)}")
        return "{ " + " ".join(fields) + " }"

    def keep(self, value):
        if isinstance(value, list):
            for item in value:
                self.keep(item)
        elif isinstance(value, dict):
            for name, item in value.items():
                if name == "id":
                    self.ids[value["__typename"]].add(item)
                    self.versions[item] = value.get("version")
                elif isinstance(item, str) and name != "__typename":
                    self.texts[name].add(item)
                else:
                    self.keep(item)

    def id(self, chance, name):
        """Mostly one of the kind that the input's name tells."""
        name = name.lower().removesuffix("s")
        fitting = [ids for kind, ids in self.ids.items() if kind.lower().endswith(name) or name.endswith(kind.lower())]
        return chance.choice(chance.choice(fitting if fitting and chance.random() < 0.9 else list(self.ids.values())))


class Filled(Visitor):
    """A document that gets further, nine times of ten: with ids, keys and numbers of what is there, texts that say something, and
    pages in one direction."""

    def __init__(self, types, known, chance):
        super().__init__()
        self.types, self.known, self.chance = types, known, chance

    def enter(self, node, key, parent, path, ancestors):
        if isinstance(node, ArgumentNode) and node.name.value in ("last", "before") and self.chance.random() < 0.9:
            return REMOVE
        if not isinstance(node, (StringValueNode, IntValueNode)) or self.chance.random() > 0.9:
            return None
        kind = getattr(get_named_type(self.types.get_input_type()), "name", None)
        named = next((of.name.value for of in (parent, *reversed(ancestors)) if hasattr(of, "name")), "")
        if kind == "ID":
            return StringValueNode(value=self.known.id(self.chance, named))
        if kind == "String" and self.known.texts.get(NAMED.get(named)):
            return StringValueNode(value=self.chance.choice(self.known.texts[NAMED[named]]))
        if kind == "String" and isinstance(node, StringValueNode) and not node.value.strip():
            return StringValueNode(value="Said by nobody")
        return None

    def leave_object_value(self, node, *_):
        """What is changed had this version when it was read first."""
        ids = [field.value.value for field in node.fields if isinstance(field.value, StringValueNode)]
        version = next((self.known.versions[id] for id in ids if self.known.versions.get(id)), None)
        if not version:
            return None
        seen = IntValueNode(value=str(version + self.chance.choice((0, 0, 1, 2))))
        fields = (replace(field, value=seen) if field.name.value == "expectedVersion" else field for field in node.fields)
        return replace(node, fields=tuple(fields))


def fault(status, text):
    """What is wrong with an answer, if anything; besides, how it was answered."""
    try:
        answer = json.loads(text)
    except ValueError:
        return f"no JSON: {text[:200]!r}", None
    codes = [(error.get("extensions") or {}).get("code") for error in answer.get("errors", [])]
    strange = [code for code in codes if code not in CODES]
    if status != 200 or strange or "data" not in answer and not codes:
        return f"HTTP {status}: {text[:400].decode()}", None
    refused = any(payload.get("userErrors") for payload in (answer.get("data") or {}).values() if isinstance(payload, dict))
    return None, codes[0] if codes else "refused by a rule" if refused else "answered"


def main():
    with open(os.environ["TOKENS"]) as file:
        token_of = json.load(file)
    desk, began = Desk(os.environ["API"]), time.monotonic()
    schema = schemathesis.graphql.from_path("../../schema.graphql")
    types = schema.client_schema
    known = Known(desk, token_of, types)
    print(f"{sum(map(len, known.ids.values()))} ids of {len(known.ids)} kinds are there")
    outcomes, faults, operations, reached = collections.defaultdict(collections.Counter), {}, 0, set()
    for operation in (result.ok() for result in schema.get_all_operations()):
        operations += 1

        @seed(1)
        @settings(max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(), strategies.randoms(use_true_random=False))
        def ask(case, chance):
            info = TypeInfo(types)
            document = print_ast(visit(parse(case.body), TypeInfoVisitor(info, Filled(info, known, chance))))
            for role, token in token_of.items():
                found, outcome = fault(*desk.ask(token, document))
                if found:
                    faults.setdefault((operation.label, role), (found, document))
                else:
                    outcomes[role][outcome] += 1
                    if outcome in ("answered", "refused by a rule"):
                        reached.add(operation.label)

        ask()
    for role, counts in outcomes.items():
        print(f"{role}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    for (label, role), (found, document) in faults.items():
        print(f"FAIL  {label} as {role}: {found}\n{document}")
    asked = sum(sum(counts.values()) for counts in outcomes.values())
    took = time.monotonic() - began
    print(f"{asked} answers of {operations} operations to {len(token_of)} roles in {took:.0f} s; {len(reached)} operations did something")
    sys.exit(bool(faults) or len(outcomes) != len(token_of) or len(reached) < REACHED)


main()

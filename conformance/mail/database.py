"""The database of one run: a file, or one of its own on the PostgreSQL server that the second argument names."""

import random, subprocess, sys


def database(folder):
    if len(sys.argv) < 3:
        return f"sqlite://{folder}/desk.sqlite"
    server, name = sys.argv[2], f"mail_{random.SystemRandom().getrandbits(64):x}"
    create = ["psql", "--quiet", "--no-psqlrc", f"{server}/postgres", "--command", f"CREATE DATABASE {name}"]
    subprocess.run(create, check=True)
    return f"{server}/{name}"


def kind():
    return "SQLite" if len(sys.argv) < 3 else "PostgreSQL"

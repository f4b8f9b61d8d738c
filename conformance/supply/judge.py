"""Judges what comes from others: the dependency tree by deny.toml, and the list of what is inside the binary (SBOM)."""

import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(sys.executable).parent

failed = False


def judge(what, error):
    global failed
    failed |= bool(error)
    print(f"FAIL  {what}: {error}" if error else f"ok    {what}")


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def complaint(done):
    """What a command says that failed."""
    return (done.stdout + done.stderr).strip() if done.returncode else None


def inside():
    """Packages that cargo builds the binary from on this platform, without those that run at build time alone."""
    tree = run("cargo", "tree", "--locked", "--package", "vulndesk", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}")
    tree.check_returncode()
    words = [line.split() for line in tree.stdout.splitlines() if line]
    return {(name, version.removeprefix("v")) for name, version, *_ in words} - {("vulndesk", version())}


def version():
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def bill_of_materials(folder):
    first, second = folder / "first.json", folder / "second.json"
    made = [run("scripts/sbom", str(file)) for file in (first, second)]
    judge("scripts/sbom lists what is inside", "\n".join(filter(None, map(complaint, made))))
    if failed:
        return
    text = first.read_text()
    judge("it is CycloneDX 1.5, by the library of CycloneDX", JsonStrictValidator(SchemaVersion.V1_5).validate_str(text))
    judge("it is the same, made twice", None if second.read_text() == text else "other bytes")
    listed = {(one["name"], one["version"]) for one in json.loads(text)["components"]}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    locked = {(one["name"], one["version"]) for one in lock["package"]}
    judge(f"its {len(listed)} components are those of Cargo.lock", sorted(listed - locked))
    needed = inside()
    judge(f"the {len(needed)} packages that cargo links are in it", sorted(needed - listed))


judge("cargo-deny: licences, bans and sources", complaint(run(TOOLS / "cargo-deny", "check", "licenses", "bans", "sources")))
with tempfile.TemporaryDirectory() as folder:
    bill_of_materials(pathlib.Path(folder))
sys.exit(failed)

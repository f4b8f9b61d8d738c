"""Judges deploy/: the image's recipe, the scripts that build it, the unit, and that the binary runs as the unit lets it."""

import ctypes
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

BINARY = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(sys.executable).parent
# systemd's exposure of the unit in tenths: it was 12 when it was written.
EXPOSURE = 12
# Of <linux/prctl.h>: what MemoryDenyWriteExecute= does on such a kernel.
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1

failed = False


def judge(what, error):
    global failed
    failed |= error is not None
    print(f"ok    {what}" if error is None else f"FAIL  {what}: {error}")


def left_out(what, why):
    print(f"!!!! NOT RUN: {what}: {why}")


def run(*command):
    """What a command complains about, if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()


def unit(folder):
    """The unit with this binary in place of an installed one."""
    text = (ROOT / "deploy/vulndesk.service").read_text()
    assert "/usr/local/bin/vulndesk" in text
    path = folder / "vulndesk.service"
    path.write_text(text.replace("/usr/local/bin/vulndesk", BINARY))
    return path


def environment(text, folder):
    """What the unit sets, with `folder` for the places that systemd would make."""
    places = {"%S": str(folder / "state"), "%E": str(folder / "etc"), "%d": str(folder / "credentials")}
    found = {}
    for line in re.findall(r"^Environment=(.*)$", text, re.M):
        name, value = line.split("=", 1)
        for specifier, place in places.items():
            value = value.replace(specifier, place)
        found[name] = value
    return found


def no_code_from_data():
    os.umask(0o077)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def started(folder):
    """Starts the binary with the unit's environment and without memory that is written and executed, asks it, and ends it."""
    state, etc, credentials = folder / "state/vulndesk", folder / "etc/vulndesk", folder / "credentials"
    for place in (state, etc, credentials):
        place.mkdir(parents=True)
    for name in ("secrets.key", "hs256"):
        (credentials / name).write_text(secrets.token_hex(32))
        (credentials / name).chmod(0o400)
    port = 20_000 + os.getpid() % 20_000
    (etc / "vulndesk.toml").write_text(
        f'[http]\nlisten = "127.0.0.1:{port}"\n[auth]\nhs256_secret_file = "{credentials}/hs256"\n'
    )
    settings = environment((ROOT / "deploy/vulndesk.service").read_text(), folder)
    log = open(folder / "log", "w+")
    process = subprocess.Popen([BINARY, "serve"], cwd=state, env=settings, stderr=log, preexec_fn=no_code_from_data)
    try:
        for _ in range(600):
            if process.poll() is not None:
                log.seek(0)
                return f"it ended by itself: {log.read()[-2000:]}"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
                break
            except OSError:
                time.sleep(0.1)
        token = subprocess.check_output(
            [BINARY, "token", "--role", "ANALYST", "--subject", "analyst-1"], env=settings, text=True
        ).strip()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql",
            json.dumps({"query": "{ events { nodes { number } } viewer { subject } }"}).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {token}"},
        )
        answer = json.load(urllib.request.urlopen(request, timeout=30))
        if answer != {"data": {"events": {"nodes": []}, "viewer": {"subject": "analyst-1"}}}:
            return f"it answered {answer}"
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        if code != 0:
            return f"SIGTERM ended it with {code}"
        loose = [str(path) for path in state.rglob("*") if path.stat().st_mode & 0o077]
        return f"others may read {loose}" if loose or not any(state.iterdir()) else None
    finally:
        process.kill()
        process.wait()


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    judge("the image's recipe, by hadolint", run(TOOLS / "hadolint", ROOT / "deploy/Containerfile"))
    scripts = [ROOT / "scripts" / script for script in ("release", "profile", "sbom")]
    judge("the scripts that build a release, by shellcheck", run(TOOLS / "shellcheck", *scripts))
    if shutil.which("systemd-analyze"):
        path = unit(folder)
        said = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
        # It complains of other units too, and takes a key that it does not know for a mere remark.
        ours = [line for line in said.stderr.splitlines() if str(path) in line or path.name in line]
        judge("the unit, by systemd", "; ".join(ours) or (said.stderr if said.returncode else None))
        threshold = f"--threshold={EXPOSURE}"
        judge("its exposure", run("systemd-analyze", "security", "--offline=yes", "--no-pager", threshold, path))
    else:
        left_out("the unit, by systemd", "there is no systemd-analyze")
    release = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    if release >= (6, 3):
        judge("the binary, started as the unit does", started(folder))
    else:
        left_out("the binary, started as the unit does", f"the kernel is {os.uname().release}")
sys.exit(failed)

// What every judge needs: a free port, the real binary as a child, bounded polling, and a count at the end.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

/** The vulndesk binary under test. */
export const BINARY = process.argv[2];
if (!BINARY) {
  console.error(`name the vulndesk binary: node ${process.argv[1]} BINARY`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
const ends = [];

/** Counts a finding; a failed one is told with what was seen. */
export function check(what, holds, seen) {
  if (holds) {
    passed += 1;
    console.log(`ok    ${what}`);
  } else {
    failed += 1;
    console.log(`FAIL  ${what}${seen === undefined ? '' : `: ${JSON.stringify(seen)}`}`);
  }
}

/** Asks again every 50 ms until `probe` answers something; fails by name after `seconds`. */
export async function until(what, probe, seconds = 60) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await pause(50);
  }
}

/** Runs `body`, ends whatever was started, prints the count, and sets the exit code. */
export async function judge(body) {
  try {
    await body();
  } catch (error) {
    check('the judge ran to its end', false, error.stack ?? String(error));
  }
  for (const end of ends.reverse()) await end();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

/** Remembers what has to be ended when the judge is over. */
export function atEnd(end) {
  ends.push(end);
}

/** A folder of its own, removed at the end. */
export async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'vulndesk-conformance-'));
  atEnd(() => rm(path, { recursive: true, force: true }));
  return path;
}

/**
 * Starts `BINARY COMMAND`, or another program, with this environment, and waits until it says `message`; answers the fields of that line, the log so
 * far, its process id, its exit code once it has one, and how to end it by a signal.
 */
export async function start(command, environment, message, program = BINARY) {
  const child = spawn(program, [command], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const end = async (signal = 'SIGTERM') => {
    child.kill(signal);
    // Longer than any judge lets it drain, on a machine that has others to serve too.
    const stubborn = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await gone;
    clearTimeout(stubborn);
  };
  atEnd(end);
  const log = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const fields = await until(`${command} says: ${message}`, () => {
    if (child.exitCode !== null) throw new Error(`${command} ended:\n${log.join('\n')}`);
    return lines(log).find((line) => line.fields?.message === message)?.fields;
  });
  return { fields, pid: child.pid, log: () => lines(log), code: () => child.exitCode, end };
}

/**
 * Starts `BINARY serve` on a free port and waits until it listens. `settings` ({auth__issuer: ...}) come from the
 * environment, `file` is the text of a settings file.
 */
export async function serve(settings, file = '') {
  const data = await folder();
  await writeFile(join(data, 'settings.toml'), file);
  const environment = { PATH: process.env.PATH, VULNDESK_LOG_FORMAT: 'json', VULNDESK_LISTEN: '127.0.0.1:0' };
  environment.VULNDESK_CONFIG = join(data, 'settings.toml');
  environment.VULNDESK_DATABASE_URL = `sqlite://${join(data, 'desk.sqlite')}`;
  for (const [name, value] of Object.entries(settings)) environment[`VULNDESK_${name.toUpperCase()}`] = String(value);
  const { fields, log } = await start('serve', environment, 'serving');
  return { url: `http://${fields.address}`, log };
}

function lines(log) {
  return log.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

/** Asks who the caller is; answers the HTTP status and, where it was executed, the viewer. */
export async function viewer(desk, token) {
  const response = await fetch(`${desk.url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
    },
    body: JSON.stringify({ query: '{ viewer { subject roles products } }' }),
  });
  const text = await response.text();
  return { status: response.status, viewer: JSON.parse(text).data?.viewer, challenge: response.headers.get('www-authenticate'), text };
}

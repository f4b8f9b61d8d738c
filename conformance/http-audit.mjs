// GraphQL over HTTP, judged by the audits of npm graphql-http. The audits send queries that any schema answers.
import { writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { auditServer } from 'graphql-http';
import { BINARY, check, folder, judge, serve } from './judge.mjs';

// As many audits as this version of the suite has: fewer would mean that some were silently left out.
const AUDITS = 61;

await judge(async () => {
  const secret = join(await folder(), 'secret');
  await writeFile(secret, randomBytes(32).toString('hex'), { mode: 0o600 });
  const desk = await serve({ auth__hs256_secret_file: secret });
  const token = execFileSync(BINARY, ['token', '--role', 'ANALYST', '--subject', 'analyst-1'], {
    env: { PATH: process.env.PATH, VULNDESK_AUTH__HS256_SECRET_FILE: secret },
    encoding: 'utf8',
  }).trim();
  const results = await auditServer({
    url: `${desk.url}/graphql`,
    fetchFn: (url, init = {}) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
  });
  for (const result of results) check(`${result.id} ${result.name}`, result.status === 'ok', result.reason);
  if (results.length !== AUDITS) throw new Error(`the suite ran ${results.length} of its ${AUDITS} audits`);
});

// HAProxy in front of replicas. Needs Debian's haproxy.
import { spawn } from 'node:child_process';
import { HOST } from '../desk.mjs';
import { atEnd, until } from '../judge.mjs';
import { freePort } from './cluster.mjs';
import { ready } from './scene.mjs';

/** HAProxy in front of replicas at these ports, as docs/OPERATIONS.md sets it up. */
export async function proxy(desk, ports) {
  const port = await freePort();
  const servers = ports.map((at, name) => `    server replica-${name} ${HOST}:${at}`).join('\n');
  const file = await desk.file('haproxy.cfg', `
global
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    timeout check 5s
    option redispatch
    retries 3
frontend desk
    bind ${HOST}:${port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 300ms fall 2 rise 1
${servers}
`);
  const child = spawn('/usr/sbin/haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = [];
  child.stderr.on('data', (text) => said.push(String(text)));
  atEnd(() => new Promise((gone) => {
    if (child.exitCode !== null) gone();
    child.once('exit', gone);
    child.kill('SIGTERM');
  }));
  const url = `http://${HOST}:${port}`;
  await until(`HAProxy answers: ${said}`, async () => (await ready(url)).status === 200, 60);
  return url;
}

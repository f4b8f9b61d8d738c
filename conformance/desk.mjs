// A desk of its own: its settings, tokens, processes and commands, and its API called as the API describes itself.
import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { BINARY, atEnd, folder, start, until } from './judge.mjs';

/** The host that all receivers of the judges listen on. */
export const HOST = '127.0.0.1';

/** An HTTP server on a free port; `answer` gets request, response and the whole body. */
export async function receiver(answer) {
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => answer(request, response, Buffer.concat(parts).toString()));
  });
  await new Promise((listening) => server.listen(0, HOST, listening));
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return { port: server.address().port, server };
}

/** Settings by which receivers at these ports may be asked: over http at `hosts`, and inside in `networks`. */
export function outbound(ports, hosts = [HOST], networks = [`${HOST}/32`]) {
  const list = JSON.stringify;
  return `[outbound]\nhttp_hosts = ${list(hosts)}\nnetworks = ${list(networks)}\nports = ${list(ports)}\n`;
}

/** The input of a score that gives each factor this value. */
export function scored(value) {
  const factors = ['productImportance', 'productReach', 'publicOpinion', 'exploitConditions', 'actualImpact'];
  const all = (text) => Object.fromEntries(factors.map((factor) => [factor, text]));
  return { factors: all(value), evidence: all('shown in the lab') };
}

export class Desk {
  #environment;
  #tokens = new Map();
  #mutations;

  /** A desk whose settings file has these sections besides, `{folder}` being its folder; on SQLite unless `database` names another. */
  static async make(settings = '', database) {
    const desk = new Desk();
    desk.folder = await folder();
    await desk.file('token.secret', 's'.repeat(40));
    await desk.file('seal.key', '0a'.repeat(32));
    const own = `[auth]\nhs256_secret_file = "${desk.path('token.secret')}"\n[secrets]\nkeys = ["${desk.path('seal.key')}"]\n`;
    await desk.file('settings.toml', own + settings.replaceAll('{folder}', desk.folder));
    desk.#environment = {
      PATH: process.env.PATH,
      VULNDESK_CONFIG: desk.path('settings.toml'),
      VULNDESK_DATABASE_URL: database ?? `sqlite://${desk.path('desk.sqlite')}`,
      VULNDESK_LISTEN: `${HOST}:0`,
      VULNDESK_LOG_FORMAT: 'json',
    };
    return desk;
  }

  path(name) {
    return join(this.folder, name);
  }

  /** Writes a file into the desk's folder and answers its path. */
  async file(name, text) {
    await writeFile(this.path(name), text);
    return this.path(name);
  }

  /** Starts `serve`; `more` are further environment variables, `program` what to start instead of the binary. From then on its API is the one that is called. */
  async serve(more = {}, program) {
    const process = await start('serve', { ...this.#environment, ...more }, 'serving', program);
    this.url = `http://${process.fields.address}`;
    return process;
  }

  /** Loads the demo's data, and ends again. */
  async demo() {
    const demo = spawn(BINARY, ['demo', '--tokens-file', this.path('tokens.json')], { env: this.#environment, stdio: 'ignore' });
    const gone = new Promise((resolve) => demo.once('exit', resolve));
    // It has tokens when all is loaded.
    await until('the demo is loaded', () => demo.exitCode !== null || readFile(this.path('tokens.json')).catch(() => {}), 120);
    if (demo.exitCode !== null) throw new Error(`demo ended with ${demo.exitCode}`);
    demo.kill('SIGTERM');
    await gone;
  }

  /** Starts `worker`. */
  worker() {
    return start('worker', this.#environment, 'delivering');
  }

  /** Runs a command to its end. */
  run(...command) {
    return new Promise((resolve) => {
      const environment = { ...this.#environment, RUST_LOG: 'error', VULNDESK_LOG_FORMAT: 'text' };
      const options = { env: environment, cwd: this.folder, maxBuffer: 64 << 20 };
      execFile(BINARY, command, options, (error, out, err) => resolve({ code: error ? (error.code ?? error.signal) : 0, out, err }));
    });
  }

  /** The token of a role, for its first person unless another is named; `more` are further flags. */
  async token(role, subject = `${role.toLowerCase()}-1`, ...more) {
    const key = JSON.stringify([role, subject, more]);
    if (!this.#tokens.has(key)) {
      const life = more.includes('--hours') ? [] : ['--hours', '1000'];
      const { code, out, err } = await this.run('token', '--role', role, '--subject', subject, ...life, ...more);
      if (code !== 0) throw new Error(`no token for ${subject}: ${err}`);
      this.#tokens.set(key, out.trim());
    }
    return this.#tokens.get(key);
  }

  /** What the API answers a document. */
  async ask(token, query, variables = {}) {
    const answer = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return answer.json();
  }

  /** The data of a document that has to be answered. */
  async read(token, query, variables) {
    const { data, errors } = await this.ask(token, query, variables);
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** The thing that `mutation` made or changed, with what was refused: `{thing, refused: [{code, message}]}`. */
  async attempt(token, mutation, input, fields = 'id') {
    this.#mutations ??= await this.#describe();
    const { type, thing } = this.#mutations.get(mutation);
    const selection = thing ? `${thing[0]} ${thing[1] ? `{ ${fields} }` : ''}` : fields;
    const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { ${selection} userErrors { code field message } } }`;
    const { data, errors } = await this.ask(token, query, { input });
    const payload = data?.[mutation];
    const of = ({ message, extensions }) => ({ code: extensions?.code, field: extensions?.field, message });
    return { thing: thing ? payload?.[thing[0]] : payload, refused: errors?.map(of) ?? payload.userErrors };
  }

  /** The same for what has to be done: the thing alone. `fields` of a payload with several things name them themselves. */
  async made(token, mutation, input, fields) {
    const { thing, refused } = await this.attempt(token, mutation, input, fields);
    if (refused.length) throw new Error(`${mutation} ${JSON.stringify(input)}: ${JSON.stringify(refused)}`);
    return thing;
  }

  /** Reads one node. */
  async node(token, id, type, fields) {
    return (await this.read(token, `query($id: ID!) { node(id: $id) { ... on ${type} { ${fields} } } }`, { id })).node;
  }

  async #describe() {
    const document = `{ __type(name: "Mutation") { fields { name args { type { ofType { name } } }
      type { ofType { fields { name type { kind ofType { kind } } } } } } } }`;
    const { __type } = await this.read(await this.token('ADMIN'), document);
    return new Map(__type.fields.map(({ name, args, type }) => {
      const things = type.ofType.fields.filter((field) => field.name !== 'userErrors');
      const kind = (field) => field.type.ofType?.kind ?? field.type.kind;
      const only = things.length === 1 ? [things[0].name, kind(things[0]) === 'OBJECT'] : undefined;
      return [name, { type: args[0].type.ofType.name, thing: only }];
    }));
  }
}

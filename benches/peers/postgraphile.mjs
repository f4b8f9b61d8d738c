// PostGraphile over the database: node postgraphile.mjs URL. Prints its port.
import { createServer } from 'node:http';
import { grafserv } from 'postgraphile/grafserv/node';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';

const pgService = makePgService({ connectionString: process.argv[2], schemas: ['public', 'peers'], poolSize: 16 });
const preset = { extends: [PostGraphileAmberPreset], pgServices: [pgService], grafserv: { watch: false, graphiql: false }, grafast: { explain: false } };
const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// graphql-yoga with Knex and DataLoaders, as such a server is mostly written: node yoga.mjs URL. Prints its port.
import { createServer } from 'node:http';
import DataLoader from 'dataloader';
import { createSchema, createYoga } from 'graphql-yoga';
import knex from 'knex';

const db = knex({ client: 'pg', connection: process.argv[2], pool: { min: 16, max: 16 } });

const typeDefs = `
  type Query { events(first: Int!): [Event!]! event(number: String!): Event }
  type Mutation { startTriage(id: ID!): String }
  type Event { id: ID! number: String! title: String! status: String! level: String! affectedProducts: [AffectedProduct!]!
    currentScore: Score assignments: [Assignment!]! replies: [Reply!]! }
  type AffectedProduct { state: String! product: Product! }
  type Product { name: String! }
  type Score { rounded: Int! }
  type Assignment { function: String! subject: String state: String! }
  type Reply { kind: String! state: String! }`;

/** Rows of a table by a column, for all that ask in one turn. */
const rows = (table, by, order, only = (query) => query) => new DataLoader(async (ids) => {
  const found = await only(db(table).whereIn(by, ids)).orderBy(order);
  const of = new Map(ids.map((id) => [id, []]));
  for (const row of found) of.get(row[by]).push(row);
  return ids.map((id) => of.get(id));
});

const context = () => ({
  affected: rows('affected_product', 'event_id', 'id'),
  products: rows('product', 'id', 'id'),
  scores: rows('score', 'event_id', 'scored_at', (query) => query.whereNull('superseded_at')),
  assignments: rows('assignment', 'event_id', 'assigned_at'),
  replies: rows('reply', 'event_id', 'created_at'),
});

const resolvers = {
  Query: {
    events: (_, { first }) => db('event').orderBy([{ column: 'level_rank', order: 'desc' }, { column: 'id', order: 'desc' }]).limit(first),
    event: (_, { number }) => db('event').where({ number }).first(),
  },
  Mutation: { startTriage: async (_, { id }) => (await db.raw('SELECT peers.start_triage(?)::text AS revision', [id])).rows[0].revision },
  Event: {
    affectedProducts: ({ id }, _, { affected }) => affected.load(id),
    currentScore: async ({ id }, _, { scores }) => (await scores.load(id))[0],
    assignments: ({ id }, _, { assignments }) => assignments.load(id),
    replies: ({ id }, _, { replies }) => replies.load(id),
  },
  AffectedProduct: { product: async ({ product_id: id }, _, { products }) => (await products.load(id))[0] },
};

const server = createServer(createYoga({ schema: createSchema({ typeDefs, resolvers }), context, logging: false, graphiql: false }));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// Writes a Relay fragment for each list that grows and each type that `node` answers into relay/every.ts, so that the Relay
// compiler finds fault with the first one that does not fit its conventions.
import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, getNamedType, isNonNullType, isObjectType } from 'graphql';

const schema = buildSchema(readFileSync('../../schema.graphql', 'utf8'));
const query = schema.getQueryType();
const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'));
const isNode = (type) => type.getInterfaces().some(({ name }) => name === 'Node');

const connections = [];
for (const type of objects) {
  for (const field of Object.values(type.getFields())) {
    if (!getNamedType(field.type).name.endsWith('Connection')) continue;
    const required = field.args.filter((argument) => isNonNullType(argument.type) && argument.defaultValue === undefined);
    const given = required.map(({ name }) => `, ${name}: $${name}`).join('');
    const declared = required.map(({ name, type }) => `, ${name}: { type: "${type}" }`).join('');
    const name = `${type.name}${field.name[0].toUpperCase()}${field.name.slice(1)}`;
    connections.push(`
  fragment every${name} on ${type.name}
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }${declared})
  @refetchable(queryName: "every${name}Query") {
    ${field.name}(first: $count, after: $cursor${given}) @connection(key: "every_${field.name}") { edges { node { __typename } } }
  }`);
  }
}
const nodes = objects.filter(isNode).map(({ name }) => `
  fragment every${name}Node on ${name} @refetchable(queryName: "every${name}NodeQuery") { id }`);
if (!query || connections.length === 0 || nodes.length === 0) throw new Error('the schema has neither lists nor nodes');
const tagged = [...connections, ...nodes].map((text) => `graphql\`${text}\n\`;\n`);
writeFileSync('relay/every.ts', `import { graphql } from 'relay-runtime';\n\n${tagged.join('\n')}`);
console.log(`ok    ${connections.length} lists and ${nodes.length} kinds of nodes are written for the Relay compiler`);

// What clients may rely on is kept in promised.graphql: the schema of the last version, without its texts. What breaks them has to
// be listed in promised.breaks.json with its reason. `node promised.mjs` compares; `node promised.mjs --renew` is for a new version.
import { readFileSync, writeFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema, parse, print, visit } from 'graphql';

/** The changes from one schema to the other that break clients, each as its kind and its place. */
export async function breaking(before, after) {
  const changes = await diff(buildSchema(before), buildSchema(after));
  return changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking).map(({ type, path }) => `${type} ${path}`);
}

/** A schema without its texts. */
export function bare(schema) {
  return `${print(visit(parse(schema), { enter: (node) => (node.description ? { ...node, description: undefined } : undefined) }))}\n`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const at = (name) => new URL(name, import.meta.url);
  const read = (name) => readFileSync(at(name), 'utf8');
  const schema = read('../../schema.graphql');
  if (process.argv[2] === '--renew') {
    writeFileSync(at('promised.graphql'), bare(schema));
    writeFileSync(at('promised.breaks.json'), '{}\n');
  } else {
    const reasons = JSON.parse(read('promised.breaks.json'));
    const breaks = await breaking(read('promised.graphql'), schema);
    const unlisted = breaks.filter((change) => !reasons[change]);
    const idle = Object.keys(reasons).filter((change) => !breaks.includes(change));
    unlisted.forEach((change) => console.error(`this breaks clients, and promised.breaks.json gives no reason: ${change}`));
    idle.forEach((change) => console.error(`promised.breaks.json names what is not so: ${change}`));
    if (unlisted.length + idle.length > 0) process.exit(1);
    console.log(`the schema keeps what was promised, but for ${breaks.length} changes with their reasons`);
  }
}

// Documents that were listed before anybody asks: the digests that graphql-codegen and the Relay compiler wrote.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import relay from '../generated/relay/DeskQuery.graphql';
import { headers, type Task } from './desk';
import { EVENTS } from './documents';

async function ask(task: Task, documentId: string | undefined, variables: unknown) {
  const response = await fetch(`${task.url}/graphql`, {
    method: 'POST',
    headers: { ...headers(task), 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, variables }),
  });
  return response.json();
}

/** The name that graphql-codegen wrote into a document: its digest, with the kind of the digest in front. */
function digest<Data, Variables>(document: TypedDocumentNode<Data, Variables>) {
  return (document as { __meta__?: { hash?: string } }).__meta__?.hash;
}

export const run = async (task: Task) => ({
  'graphql-codegen': await ask(task, digest(EVENTS), { first: 1 }),
  'the Relay compiler': await ask(task, `sha256:${relay.params.id}`, {}),
});

// What the clients ask. graphql-codegen writes the types of each into generated/gql.
import { graphql } from '../generated/gql';

export const EVENTS = graphql(`
  query Events($first: Int!, $after: String, $filter: EventFilter) {
    events(first: $first, after: $after, filter: $filter) {
      edges {
        cursor
        node { id number title status level total version receivedAt }
      }
      pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
    }
  }
`);

export const EVENT = graphql(`
  query Event($id: ID!) {
    node(id: $id) {
      id
      ... on Event {
        number
        allowedMoves { to mutation missing viewerCan }
        comments(first: 100) {
          nodes { id body }
        }
      }
    }
  }
`);

export const COMMENT = graphql(`
  mutation Comment($input: CommentOnEvent!) {
    comment(input: $input) {
      comment { id body }
      userErrors { code field message }
    }
  }
`);

export const CHANGED = graphql(`
  subscription Changed {
    eventChanged { type event { id number version } }
  }
`);

// What Relay's runtime asks. The Relay compiler writes each into generated/relay, and src/relay.ts runs what it wrote: this
// file itself never runs.
import { graphql } from 'relay-runtime';

graphql`
  query DeskQuery {
    ...Desk_events
  }
`;

graphql`
  fragment Desk_events on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }, filter: { type: "EventFilter" })
  @refetchable(queryName: "DeskPageQuery") {
    events(first: $count, after: $cursor, filter: $filter) @connection(key: "Desk_events", filters: ["filter"]) {
      edges {
        node {
          number
          ...Desk_event
        }
      }
    }
  }
`;

graphql`
  fragment Desk_event on Event
  @argumentDefinitions(count: { type: "Int", defaultValue: 100 }, cursor: { type: "String" })
  @refetchable(queryName: "DeskEventQuery") {
    id
    number
    status
    level
    total
    comments(first: $count, after: $cursor) @connection(key: "Desk_comments") {
      __id
      edges {
        node {
          body
        }
      }
    }
  }
`;

graphql`
  mutation DeskCommentMutation($input: CommentOnEvent!, $connections: [ID!]!) {
    comment(input: $input) {
      comment @appendNode(connections: $connections, edgeTypeName: "CommentEdge") {
        id
        body
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;

graphql`
  subscription DeskChangedSubscription {
    eventChanged {
      type
      event {
        number
        ...Desk_event
      }
    }
  }
`;

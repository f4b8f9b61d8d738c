// The example queries of the page: one per role. The page offers them in this order.

export interface Example {
  /** Whose work the example shows; the name of the role in the schema. */
  role: string;
  /** The role in English and Chinese, as the menu shows it. */
  label: string;
  /** What the editor receives; a name for the operation becomes the title of the tab. */
  query: string;
  /** JSON for the variables editor, when the query takes any. */
  variables?: string;
}

const assigned = (role: string) => `# The events you are on.
query ${role} {
  viewer { subject roles }
  events(first: 10) {
    nodes { number title status level replies { kind state subject } decisions { kind question outcome } }
  }
}
`;

const noEvents = (role: string) => `# What your roles allow.
query ${role} {
  viewer { subject roles channel actions }
}
`;

export const examples: Example[] = [
  {
    role: "ADMIN",
    label: "Admin / 管理员",
    query: `# What is configured.
query ADMIN {
  channels(first: 20) { totalCount nodes { key name kind replyRequired } }
  products(first: 20) { nodes { key name line lifecycle } }
  ratingPolicies(first: 1) { nodes { number bands { level from to } } }
}
`,
  },
  {
    role: "ANALYST",
    label: "Analyst / 分析师",
    query: `# What waits for you, the highest level first.
query ANALYST {
  events(first: 10, order: { field: LEVEL, direction: DESC }, filter: { status: [RECEIVED, TRIAGING, RATING, REPLYING] }) {
    totalCount
    nodes {
      number title status level total
      affectedProducts { state product { name } }
      allowedMoves { to mutation viewerCan missing }
    }
  }
  search(query: "注入", first: 5) { nodes { kind item { id } fragments { field parts { text matched } } } }
}
`,
  },
  {
    role: "LEADER",
    label: "Leader / 负责人",
    query: `# The gravest events and what is asked of you.
query LEADER {
  events(first: 10, filter: { level: [RED, ORANGE] }) {
    totalCount
    nodes { number title tlp status total decisions { kind question dueAt outcome } }
  }
}
`,
  },
  {
    role: "ENGINEER",
    label: "Engineer / 研发工程师",
    query: `# What your products need.
query ENGINEER {
  events(first: 10, filter: { status: [REMEDIATING, VERIFYING] }) {
    nodes { number title remediations { line state fixPlan version } verifications { passed bypassEvidence } }
  }
}
`,
  },
  { role: "SUPPORT", label: "Support / 技术支持", query: assigned("SUPPORT") },
  { role: "ACCOUNT_MANAGER", label: "Account manager / 客户经理", query: assigned("ACCOUNT_MANAGER") },
  { role: "LEGAL", label: "Legal / 法务", query: assigned("LEGAL") },
  { role: "PUBLIC_RELATIONS", label: "Public relations / 公关", query: assigned("PUBLIC_RELATIONS") },
  {
    role: "FINANCE",
    label: "Finance / 财务",
    query: `# What is to be paid, and what is left of the budgets.
query FINANCE {
  payouts(first: 20) {
    nodes { number kind state amount currency eventNumber eventLevel payeeAccount allowedMoves { to mutation viewerCan missing } }
  }
  budgets(first: 10) { nodes { period currency granted reserved spent available } }
}
`,
  },
  {
    role: "AUDITOR",
    label: "Auditor / 审计员",
    query: `# Who changed what, the newest first.
query AUDITOR {
  audit(first: 20) { nodes { at actor action reason aggregateKind revision digest } }
}
`,
  },
  {
    role: "REPORTER",
    label: "Reporter / 报告人",
    query: `# Your own reports.
query REPORTER {
  reports(first: 10) { totalCount nodes { channelNumber receivedAt publicStatus } }
  payouts(first: 10) { nodes { number kind state amount currency answerBy } }
}
`,
  },
  { role: "TICKETING", label: "Ticketing / 工单系统", query: noEvents("TICKETING") },
  {
    role: "SRC",
    label: "SRC platform / SRC 平台",
    query: `# The reports of your channel.
query SRC {
  viewer { channel }
  reports(first: 10) { totalCount nodes { channelNumber receivedAt publicStatus } }
  payoutChanges { changes { position kind toState payout { number amount currency } } nextPosition hasMore }
}
`,
  },
];

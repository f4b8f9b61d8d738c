// The example queries of the page: at least one per role. The page offers them in this order.

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

const placeholder = (role: string) => `# What a ${role} starts with.
query ${role} {
  viewer {
    subject
    roles
  }
  events(first: 5) {
    nodes {
      id
      number
      title
      status
      level
    }
  }
}
`;

export const examples: Example[] = [
  { role: "ADMIN", label: "Admin / 管理员", query: placeholder("ADMIN") },
  { role: "ANALYST", label: "Analyst / 分析师", query: placeholder("ANALYST") },
  { role: "LEADER", label: "Leader / 负责人", query: placeholder("LEADER") },
  { role: "ENGINEER", label: "Engineer / 研发工程师", query: placeholder("ENGINEER") },
  { role: "SUPPORT", label: "Support / 技术支持", query: placeholder("SUPPORT") },
  { role: "ACCOUNT_MANAGER", label: "Account manager / 客户经理", query: placeholder("ACCOUNT_MANAGER") },
  { role: "LEGAL", label: "Legal / 法务", query: placeholder("LEGAL") },
  { role: "PUBLIC_RELATIONS", label: "Public relations / 公关", query: placeholder("PUBLIC_RELATIONS") },
  { role: "FINANCE", label: "Finance / 财务", query: placeholder("FINANCE") },
  { role: "AUDITOR", label: "Auditor / 审计员", query: placeholder("AUDITOR") },
  { role: "REPORTER", label: "Reporter / 报告者", query: placeholder("REPORTER") },
  { role: "TICKETING", label: "Ticketing system / 工单系统", query: placeholder("TICKETING") },
  { role: "SRC", label: "SRC platform / SRC 平台", query: placeholder("SRC") },
];

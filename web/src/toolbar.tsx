import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useState, type FormEvent } from "react";
import { examples, type Example } from "./examples";
import { cleanToken } from "./fetcher";

interface Props {
  hasToken: boolean;
  onToken: (token: string) => void;
}

/** The line above GraphiQL: the token, and the example queries. */
export function Toolbar({ hasToken, onToken }: Props) {
  return (
    <header className="toolbar">
      <h1>vulndesk</h1>
      <TokenField hasToken={hasToken} onToken={onToken} />
      <ExampleMenu />
    </header>
  );
}

function TokenField({ hasToken, onToken }: Props) {
  const [draft, setDraft] = useState("");
  const [refused, setRefused] = useState(false);

  function submit(event: FormEvent) {
    event.preventDefault();
    const token = cleanToken(draft);
    setRefused(!token);
    if (token) {
      onToken(token);
      setDraft("");
    }
  }

  if (hasToken) {
    return (
      <div className="token">
        <output>● Token in use / 已使用令牌</output>
        <button type="button" onClick={() => onToken("")}>
          Forget / 清除
        </button>
      </div>
    );
  }
  // The input has no name: were the form ever sent, the token would not be part of it.
  return (
    <form className="token" autoComplete="off" onSubmit={submit}>
      <label htmlFor="token">Token / 令牌</label>
      <input
        id="token"
        type="password"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        placeholder="Bearer token"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        aria-invalid={refused}
      />
      <button type="submit">Use / 使用</button>
      {refused && <output role="alert">Not a bearer token / 不是有效的令牌</output>}
    </form>
  );
}

function ExampleMenu() {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));

  function open({ query, variables }: Example) {
    // What the user wrote stays in its own tab.
    if (queryEditor?.getValue()) {
      addTab();
    }
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables ?? "");
    queryEditor?.focus();
  }

  return (
    <div className="examples">
      <label htmlFor="example">Example / 示例</label>
      <select
        id="example"
        value=""
        disabled={!queryEditor}
        onChange={(event) => open(examples[Number(event.target.value)])}
      >
        <option value="" disabled>
          By role / 按角色…
        </option>
        {examples.map(({ role, label }, index) => (
          <option key={index} value={index} data-role={role}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

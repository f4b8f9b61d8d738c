import "./workers";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "graphiql/graphiql.css";
import "./page.css";
import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from "@graphiql/plugin-doc-explorer";
import { GraphiQLProvider } from "@graphiql/react";
import { GraphiQL, GraphiQLInterface } from "graphiql";
import { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { fetcherFor } from "./fetcher";
import { memoryStorage } from "./memory";
import { Toolbar } from "./toolbar";

const plugins = [DOC_EXPLORER_PLUGIN];
const storage = memoryStorage();

function Page() {
  // The token lives in this variable only: not in the address, not in any storage.
  const [token, setToken] = useState("");
  const fetcher = useMemo(() => fetcherFor(token), [token]);

  return (
    <GraphiQLProvider
      fetcher={fetcher}
      // null keeps GraphiQL from asking for the schema; undefined makes it ask.
      schema={token === "" ? null : undefined}
      schemaDescription
      inputValueDeprecation
      storage={storage}
      defaultQuery=""
      plugins={plugins}
      referencePlugin={DOC_EXPLORER_PLUGIN}
    >
      <DocExplorerStore>
        <Toolbar hasToken={token !== ""} onToken={setToken} />
        <GraphiQLInterface isHeadersEditorEnabled={false} showPersistHeadersSettings={false}>
          <GraphiQL.Logo>
            <></>
          </GraphiQL.Logo>
        </GraphiQLInterface>
      </DocExplorerStore>
    </GraphiQLProvider>
  );
}

const element = document.getElementById("page");
if (element) {
  createRoot(element).render(<Page />);
}

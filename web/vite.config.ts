import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { licenses } from "./licenses.ts";

const { collect, emit } = licenses();
const source = (file: string) => fileURLToPath(new URL(`./src/${file}`, import.meta.url));

export default defineConfig({
  // The binary serves index.html at / and everything beside it under /page/.
  base: "/page/",
  plugins: [collect(), emit()],
  worker: { format: "es", plugins: () => [collect()] },
  resolve: {
    alias: {
      "monaco-editor/esm/vs/editor/edcore.main.js": source("monaco.ts"),
      "prettier/plugins/estree": source("prettier-json.ts"),
      "prettier/parser-babel": source("prettier-json.ts"),
      // The same parser twice, once as CommonJS.
      "prettier/parser-graphql": "prettier/plugins/graphql",
    },
  },
  build: {
    target: "es2022",
    emptyOutDir: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096,
    // Fonts and images as files: the content security policy allows no data: fonts.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    // React's "use client" means nothing in a bundle.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});

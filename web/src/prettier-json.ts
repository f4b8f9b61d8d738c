// Stands in for prettier's JavaScript parser and printer (half a megabyte), which GraphiQL
// loads only to indent the JSON of the variables editor.
import { applyEdits, format } from "jsonc-parser";

interface Text {
  text: string;
}

export const parsers = {
  jsonc: {
    parse: (text: string): Text => ({ text }),
    astFormat: "text",
    locStart: () => 0,
    locEnd: ({ text }: Text) => text.length,
  },
};

export const printers = {
  text: {
    print({ node: { text } }: { node: Text }) {
      const edits = format(text, undefined, { tabSize: 2, insertSpaces: true });
      return applyEdits(text, edits);
    },
  },
};

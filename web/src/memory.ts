import type { Storage } from "@graphiql/toolkit";

/**
 * What GraphiQL would keep in localStorage, kept until the page closes: queries and variables
 * can hold embargoed text, which must not stay in the browser's profile.
 */
export function memoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
    clear: () => values.clear(),
    get length() {
      return values.size;
    },
  };
}

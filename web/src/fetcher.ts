import type { Fetcher } from "@graphiql/toolkit";

const ENDPOINT = "/graphql";

/** Sends operations with the token in the Authorization header, and there only. */
export function fetcherFor(token: string): Fetcher {
  return async (operation) => {
    if (token === "") {
      return { errors: [{ message: "Enter a token first. / 请先输入令牌。" }] };
    }
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        Accept: "application/graphql-response+json, application/json",
      },
      body: JSON.stringify(operation),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
    });
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      // A proxy answered, or the server refused before GraphQL: show what it said.
      return { errors: [{ message: `HTTP ${response.status}: ${text.slice(0, 500)}` }] };
    }
  };
}

/** A bearer token as pasted, without the scheme and white space around it; null when it cannot be one. */
export function cleanToken(pasted: string): string | null {
  const token = pasted.trim().replace(/^bearer\s+/i, "");
  // The characters of RFC 6750's b64token; anything else cannot stand in the header.
  return /^[A-Za-z0-9._~+/-]*=*$/.test(token) ? token : null;
}

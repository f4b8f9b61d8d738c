// Drives the query page of a running server in Chromium, as an analyst would.
//
//   node page.mjs URL TOKENS_FILE [SCREENSHOT]
//
// TOKENS_FILE is JSON, a token for each role: {"ANALYST": "..."}. SCREENSHOT is a path for a PNG.
// Exit code 0 says that every check passed. CHROMIUM names another browser than Debian's.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { chromium } from "playwright-core";

const ROLE = "ANALYST";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const [url, tokensFile, screenshot] = process.argv.slice(2);
if (!url || !tokensFile) {
  console.error("usage: node page.mjs URL TOKENS_FILE [SCREENSHOT]");
  process.exit(2);
}
const origin = new URL(url).origin;
const token = JSON.parse(await readFile(tokensFile, "utf8"))[ROLE];
assert.ok(token, `${tokensFile} holds no token for ${ROLE}`);

const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const requests = [];
  const complaints = [];
  // The context sees the requests of workers too.
  context.on("request", (request) => requests.push(request));
  context.on("console", (message) => {
    assert.ok(!message.text().includes(token), "the console shows the token");
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
    );
  });

  const page = await context.newPage();
  await page.goto(url, { waitUntil: "networkidle" });
  await page.locator(".graphiql-query-editor .view-lines").waitFor();

  // Without a token the page only loads itself; running a query sends nothing either.
  await page.locator(".graphiql-execute-button").click();
  await page.locator(".graphiql-response").getByText("Enter a token first").waitFor();
  const early = requests.filter((request) => !isStatic(request));
  assert.deepEqual(early.map(describe), [], "sent before a token was entered");

  // With the token it asks for the schema, with the token in the header and nowhere else.
  const [introspection] = await Promise.all([
    page.waitForResponse((response) => isGraphQL(response.request())),
    enterToken(page),
  ]);
  assert.equal(introspection.status(), 200, "introspection");
  const { data } = await introspection.json();
  assert.ok(data?.__schema, "the answer to the introspection holds no schema");

  // The example query of the role runs, and its answer shows.
  const example = page.locator(`#example option[data-role=${ROLE}]`).first();
  await page.locator("#example").selectOption(await example.getAttribute("value"));
  const [answer] = await Promise.all([
    page.waitForResponse((response) => isGraphQL(response.request())),
    page.locator(".graphiql-execute-button").click(),
  ]);
  const body = await answer.json();
  assert.equal(body.errors, undefined, `the example answered ${JSON.stringify(body.errors)}`);
  const firstField = Object.keys(body.data)[0];
  await page.locator(".graphiql-response .view-lines").getByText(`"${firstField}"`).first().waitFor();
  // Time for the workers to check the query against the schema.
  await page.waitForTimeout(2000);
  assert.equal(await page.locator(".graphiql-query-editor .squiggly-error").count(), 0, "the editor marks errors");

  const sent = requests.filter((request) => !isStatic(request));
  for (const request of sent) {
    assert.ok(isGraphQL(request), `unexpected ${describe(request)}`);
    assert.equal((await request.allHeaders()).authorization, `Bearer ${token}`);
  }
  for (const request of requests) {
    assert.ok(request.url().startsWith(`${origin}/`) || isLocal(request), `left the origin: ${describe(request)}`);
    assert.ok(!request.url().includes(token), "a URL holds the token");
  }
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.equal(stored, '[{},{},""]', "the page stores something");
  assert.deepEqual(complaints, [], "violations and errors");

  if (screenshot) await page.screenshot({ path: screenshot });
  console.log(`passed: ${requests.length} requests, ${sent.length} of them to /graphql`);
} finally {
  await browser.close();
}

async function enterToken(page) {
  await page.locator("#token").fill(token);
  await page.locator("#token").press("Enter");
}

function describe(request) {
  return `${request.method()} ${request.url().slice(0, 200)}`;
}

/** data: and blob: never reach a network. */
function isLocal(request) {
  return /^(data|blob):/.test(request.url());
}

function isStatic(request) {
  const { pathname } = new URL(request.url());
  return isLocal(request) || (request.method() === "GET" && (pathname === "/" || pathname.startsWith("/page/")));
}

function isGraphQL(request) {
  return request.method() === "POST" && request.url() === `${origin}/graphql`;
}

// Access tokens of a real OpenID Connect provider: algorithms, claim paths, key rotation, and the provider's absence.
import { check, judge, serve, until, viewer } from './judge.mjs';
import { IdentityProvider, signingKey } from './provider.mjs';

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
const [CACHE, PAUSE, STALE] = [3, 2, 8];

const ready = async (desk) => (await fetch(`${desk.url}/readyz`)).status === 200;
const fetchFailed = (desk, reason) =>
  desk.log().some(({ fields }) => fields.message === "the issuer's keys could not be fetched" && fields.reason === reason);

await judge(async () => {
  const first = await Promise.all(ALGORITHMS.map((algorithm) => signingKey(algorithm, `first-${algorithm}`)));
  const provider = await IdentityProvider.start(first);
  const common = { auth__issuer: provider.issuer, auth__require_nbf: false };
  const desk = await serve({
    ...common,
    auth__jwks_cache_seconds: CACHE,
    auth__jwks_min_refresh_seconds: PAUSE,
    auth__jwks_max_stale_seconds: STALE,
  });

  check('nothing is fetched before it is needed', provider.fetches.keys === 0, provider.fetches);
  check('ready once the provider answers', await until('ready', () => ready(desk)));
  for (const algorithm of ALGORITHMS) {
    const analyst = await viewer(desk, await provider.token('analyst-1', algorithm));
    check(`${algorithm}: the roles of the token`, analyst.viewer?.roles.join() === 'ANALYST', analyst);
    check(`${algorithm}: the subject of the token`, analyst.viewer?.subject === 'analyst-1', analyst);
  }
  const engineer = await viewer(desk, await provider.token('engineer-1', 'ES256'));
  check('products of the token', engineer.viewer?.products.join() === 'core-router', engineer);
  const nobody = await viewer(desk, await provider.token('nobody-1', 'RS256'));
  check('a token without a known role is refused', nobody.status === 401, nobody);
  const foreign = await viewer(desk, await provider.token('analyst-1', 'RS256', 'another'));
  check("another service's token is refused", foreign.status === 401, foreign);

  await claimPaths(provider, common);
  const keys = await rotation(provider, desk, first);
  await absence(provider, desk, keys);
});

/** Roles where Keycloak puts them, in the issuer's own names. */
async function claimPaths(provider, common) {
  const names = '[auth.role_names]\n"psirt-audit" = "AUDITOR"\n';
  const keycloak = await serve({ ...common, auth__roles_claim: 'realm_access.roles' }, names);
  const analyst = await viewer(keycloak, await provider.token('analyst-1', 'EdDSA'));
  check('realm_access.roles is read', analyst.viewer?.roles.join() === 'ANALYST', analyst);
  const auditor = await viewer(keycloak, await provider.token('realm-auditor-1', 'RS256'));
  check("the issuer's own names of roles are read", auditor.viewer?.roles.join() === 'AUDITOR', auditor);
  const elsewhere = await viewer(keycloak, await provider.token('engineer-1', 'RS256'));
  check('roles at another place do not count', elsewhere.status === 401, elsewhere);

  const strict = await serve({ ...common, auth__require_nbf: true });
  const without = await viewer(strict, await provider.token('analyst-1', 'RS256'));
  check('a token without nbf is refused unless configured', without.status === 401, without);
}

/** New keys are found by their kid, at most one fetch a pause; a withdrawn key ends with the cache's life. */
async function rotation(provider, desk, first) {
  const old = await provider.token('analyst-1', 'ES256');
  const second = await signingKey('ES256', 'second-ES256');
  provider.publish([second, ...first]);
  const renewed = await provider.token('analyst-1', 'ES256');
  const picked = await viewer(desk, renewed);
  check('a new key is picked up by the first token that names it', picked.status === 200, picked);
  check("the old key's token still works", (await viewer(desk, old)).status === 200);

  // Whoever invents kids must not make us ask the provider each time.
  const [before, started] = [provider.fetches.keys, performance.now()];
  let refused = 0;
  const tries = 40;
  for (let count = 0; count < tries; count += 1) {
    const [, payload, signature] = renewed.split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: `invented-${count}` }));
    refused += Number((await viewer(desk, `${header.toString('base64url')}.${payload}.${signature}`)).status === 401);
  }
  const fetches = provider.fetches.keys - before;
  // One for each pause that began meanwhile, and one for the cache's life.
  const allowed = 2 + Math.ceil((performance.now() - started) / 1000 / PAUSE);
  check('tokens with invented kids are refused', refused === tries, refused);
  check('and cause few fetches', fetches <= allowed && allowed < tries, { fetches, allowed });

  const rest = [second, ...first.filter((key) => key.alg !== 'ES256')];
  provider.publish(rest);
  await until("the withdrawn key's token is refused", async () => (await viewer(desk, old)).status === 401, CACHE + 10);
  check("a withdrawn key stops within the cache's life", true);
  check('the present key works on', (await viewer(desk, renewed)).status === 200);
  return rest;
}

/** While the provider is away, kept keys serve up to their stale limit; then nobody is let in until it is back. */
async function absence(provider, desk, keys) {
  const token = await provider.token('analyst-1', 'ES256');
  await viewer(desk, token);
  await provider.stop();
  const answers = [];
  await until('the cache expires and the provider is missed', async () => {
    answers.push((await viewer(desk, token)).status);
    return fetchFailed(desk, 'CacheExpired');
  });
  answers.push((await viewer(desk, token)).status);
  check('kept keys work on while the provider is away', answers.every((status) => status === 200), answers);

  const late = await until('the stale limit ends them', async () => {
    const answer = await viewer(desk, token);
    return answer.status !== 200 && answer;
  }, STALE + 10);
  check('past the stale limit the answer is 503, without a challenge', late.status === 503 && !late.challenge, late);
  check('and the server is not ready', !(await ready(desk)));

  provider.publish(keys);
  await provider.comeBack();
  check('ready again when the provider is back', await until('ready again', () => ready(desk)));
  check('the same token is accepted again', (await viewer(desk, token)).status === 200);
}

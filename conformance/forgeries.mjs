// Tokens that the trusted issuer (npm oauth2-mock-server) signs although they are wrong, and tokens that it never signed.
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { OAuth2Server } from 'oauth2-mock-server';
import { atEnd, check, judge, serve, viewer } from './judge.mjs';

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const payloadOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

await judge(async () => {
  const server = new OAuth2Server();
  const rsa = await server.issuer.keys.generate('RS256');
  const pss = await server.issuer.keys.generate('PS256');
  const rs512 = await server.issuer.keys.generate('RS512');
  await server.start(0, '127.0.0.1');
  atEnd(() => server.stop());
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.issuer.url = issuer;
  const desk = await serve({ auth__issuer: issuer });
  const now = Math.floor(Date.now() / 1000);

  /** A token that the issuer signs, good but for what `change` does to it. */
  const signed = (change = () => {}, kid = rsa.kid) =>
    server.issuer.buildToken({
      kid,
      scopesOrTransform: (header, payload) => {
        Object.assign(payload, { aud: 'vulndesk', sub: 'analyst-1', roles: ['ANALYST'] });
        change(payload, header);
      },
    });

  const good = await viewer(desk, await signed());
  check('the token that all others are made from is accepted', good.status === 200, good);

  const wrong = {
    'for another audience': (p) => (p.aud = 'payroll'),
    'for other audiences': (p) => (p.aud = ['payroll', 'wiki']),
    'for an audience that only begins like ours': (p) => (p.aud = 'vulndesk-staging'),
    'an audience that is no text': (p) => (p.aud = { vulndesk: true }),
    'of another issuer': (p) => (p.iss = 'https://login.example'),
    'of our issuer with a slash more': (p) => (p.iss = `${issuer}/`),
    'of several issuers': (p) => (p.iss = [issuer]),
    'expired': (p) => (p.exp = now - 120),
    'expired long ago': (p) => (p.exp = 1),
    'expiry as text': (p) => (p.exp = String(now + 600)),
    'not valid yet': (p) => (p.nbf = now + 600),
    'without aud': (p) => delete p.aud,
    'without iss': (p) => delete p.iss,
    'without exp': (p) => delete p.exp,
    'without nbf': (p) => delete p.nbf,
    'without sub': (p) => delete p.sub,
    'with an empty sub': (p) => (p.sub = ''),
    'with a sub that is a number': (p) => (p.sub = 1),
    'without roles': (p) => delete p.roles,
    'with no role': (p) => (p.roles = []),
    'with unknown roles only': (p) => (p.roles = ['superuser', 'analyst ']),
    'with roles as an object': (p) => (p.roles = { ANALYST: true }),
    "with a person's and a service's role": (p) => (p.roles = ['ANALYST', 'SRC']),
    'of another kind': (_, h) => (h.typ = 'logout+jwt'),
    'longer than 8 kB': (p) => (p.padding = 'x'.repeat(9000)),
  };
  for (const [what, change] of Object.entries(wrong)) {
    const answer = await viewer(desk, await signed(change));
    check(`signed, but ${what}`, answer.status === 401 && /invalid_token/.test(answer.challenge), answer);
  }
  for (const key of [pss, rs512]) {
    const answer = await viewer(desk, await signed(undefined, key.kid));
    check(`signed with ${key.alg}, which is not accepted`, answer.status === 401, answer);
  }

  const token = await signed();
  const [header, payload, signature] = token.split('.');
  const claims = payloadOf(token);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const byStranger = (head) => {
    const message = `${part(head)}.${payload}`;
    return `${message}.${sign('sha256', Buffer.from(message), stranger.privateKey).toString('base64url')}`;
  };
  const publicPem = createPublicKey({ key: { kty: 'RSA', n: rsa.n, e: rsa.e }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const confused = `${part({ alg: 'HS256', typ: 'JWT', kid: rsa.kid })}.${payload}`;
  const critical = await signedWithHeader(rsa, { crit: ['exp'] }, claims);
  const unencoded = await signedWithHeader(rsa, { b64: false }, claims);
  const forged = {
    'no signature at all (alg none)': `${part({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    'alg none under our kid': `${part({ alg: 'None', typ: 'JWT', kid: rsa.kid })}.${payload}.${signature}`,
    'a changed payload under the old signature': `${header}.${part({ ...claims, roles: ['ADMIN'] })}.${signature}`,
    'a cut signature': `${header}.${payload}.${signature.slice(0, -4)}`,
    'an empty signature': `${header}.${payload}.`,
    "HS256 with the issuer's public key as the secret": `${confused}.${createHmac('sha256', publicPem).update(confused).digest('base64url')}`,
    "a stranger's key under the issuer's kid": byStranger({ alg: 'RS256', typ: 'JWT', kid: rsa.kid }),
    "a stranger's key in the token's own header": byStranger({ alg: 'RS256', typ: 'JWT', jwk: stranger.publicKey.export({ format: 'jwk' }) }),
    "a stranger's key at a URL that the token names": byStranger({ alg: 'RS256', typ: 'JWT', kid: 'x', jku: `${issuer}/jwks` }),
    'a kid that is a path': byStranger({ alg: 'RS256', typ: 'JWT', kid: '../../../dev/null' }),
    'a critical extension': critical,
    'an unencoded payload': unencoded,
    'a claim named twice': await signedRaw(rsa, `{"roles":["ADMIN"],${JSON.stringify(claims).slice(1)}`),
    'four parts': `${token}.${signature}`,
    'no token': 'x',
  };
  for (const [what, forgery] of Object.entries(forged)) {
    const answer = await viewer(desk, forgery);
    check(`forged: ${what}`, answer.status === 401 && answer.viewer === undefined, answer);
  }

  // A good role is let in, and still may not do what is another's: 200 with FORBIDDEN, nothing carried out.
  const reporter = await signed((p) => (p.roles = ['REPORTER']));
  const response = await fetch(`${desk.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${reporter}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ ratingPolicies(first: 1) { nodes { id } } }' }),
  });
  const { errors } = await response.json();
  check('a good token with the wrong role is FORBIDDEN', errors?.[0].extensions.code === 'FORBIDDEN', errors);
  check('and the good token still is accepted', (await viewer(desk, token)).status === 200);
});

/** A token with a good signature of `key` over any payload text. */
function signedRaw(key, payload, extra = {}) {
  const message = `${part({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...extra })}.${part(payload)}`;
  const { n, e, d, p, q, dp, dq, qi } = key;
  return `${message}.${sign('sha256', Buffer.from(message), { key: { kty: 'RSA', n, e, d, p, q, dp, dq, qi }, format: 'jwk' }).toString('base64url')}`;
}

function signedWithHeader(key, extra, claims) {
  return signedRaw(key, JSON.stringify(claims), extra);
}

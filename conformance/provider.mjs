// A real OpenID Connect provider (npm oidc-provider) on the loopback: it can rotate its keys, go away and come back.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { atEnd } from './judge.mjs';

/** A private signing key as the provider keeps it. */
export async function signingKey(algorithm, kid) {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: algorithm, kid, use: 'sig' };
}

/** Clients, each with the roles that its tokens carry: as a claim of its own, and where Keycloak puts them. */
const CLIENTS = {
  'analyst-1': { roles: ['ANALYST', 'offline_access'], realm_access: { roles: ['ANALYST', 'offline_access'] } },
  'engineer-1': { roles: ['ENGINEER'], products: ['core-router'] },
  'realm-auditor-1': { realm_access: { roles: ['psirt-audit', 'uma_authorization'] } },
  'nobody-1': { roles: ['offline_access'], realm_access: { roles: ['offline_access'] } },
};
const secretOf = (client) => `${client}-of-the-conformance-run`;

export class IdentityProvider {
  /** How often the discovery document and the keys were asked for. */
  fetches = { discovery: 0, keys: 0 };

  static async start(keys) {
    const provider = new IdentityProvider();
    await provider.#listen(0);
    provider.port = provider.server.address().port;
    provider.issuer = `http://127.0.0.1:${provider.port}`;
    provider.publish(keys);
    atEnd(() => provider.stop());
    return provider;
  }

  /** From now on these are the provider's keys; the first of an algorithm signs. */
  publish(keys) {
    const clients = Object.keys(CLIENTS).map((id) => ({
      client_id: id,
      client_secret: secretOf(id),
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }));
    const provider = new Provider(this.issuer, {
      jwks: { keys },
      clients,
      ttl: { ClientCredentials: 600 },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          // urn:AUDIENCE:ALGORITHM says whom a token is for and how it is signed.
          getResourceServerInfo: (_, resource) => {
            const [, audience, algorithm] = resource.split(':');
            return { scope: '', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: algorithm } } };
          },
        },
      },
      extraTokenClaims: (_, token) => CLIENTS[token.clientId],
    });
    this.answer = provider.callback();
  }

  /** An access token that the provider issues to `client`. */
  async token(client, algorithm, audience = 'vulndesk') {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client}:${secretOf(client)}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: `urn:${audience}:${algorithm}` }),
    });
    const body = await response.json();
    if (!body.access_token) throw new Error(`the provider gave no token: ${JSON.stringify(body)}`);
    return body.access_token;
  }

  async stop() {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  async comeBack() {
    await this.#listen(this.port);
  }

  async #listen(port) {
    this.server = createServer((request, response) => {
      if (request.url === '/.well-known/openid-configuration') this.fetches.discovery += 1;
      if (request.url === '/jwks') this.fetches.keys += 1;
      this.answer(request, response);
    });
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve));
  }
}

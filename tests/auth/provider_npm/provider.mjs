// An OpenID provider on loopback for the tests: `oidc-provider` with accounts, clients and keys of theirs.
//
// Standard input, line by line: first its configuration as JSON
//   { algorithm, audience, redirects, logoutRedirects, people: { login: claims }, machines: { id: claims } }
// then commands that rotate its signing keys, each answered with one line of JSON. The end of input ends it.
//   announce   publish a new key behind the one that signs
//   sign       let the newest key sign
//   retire     publish the signing key alone
//   replace    all of that at once, as a provider in an emergency would
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const SCOPE = 'concord';
const SECRET = 'a secret of the tests, which guards nothing';
const TOKEN_SECONDS = 1800; // longer than a round takes on a busy machine

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const settings = JSON.parse((await lines.next()).value);

async function newKey() {
  const { privateKey } = await generateKeyPair(settings.algorithm, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: settings.algorithm, use: 'sig' };
}

function machine(id) {
  return {
    client_id: id,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
}

function browserClient(id, extra) {
  return {
    client_id: id,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: settings.redirects,
    post_logout_redirect_uris: settings.logoutRedirects,
    id_token_signed_response_alg: settings.algorithm,
    ...extra,
  };
}

const claimsOf = (token) => settings.people[token.accountId] ?? settings.machines[token.clientId] ?? {};

function configuration(keys) {
  return {
    clients: [
      ...Object.keys(settings.machines).map(machine),
      browserClient('concord-web', { client_secret: SECRET }),
      browserClient('desk', { token_endpoint_auth_method: 'none' }),
    ],
    clientDefaults: { id_token_signed_response_alg: settings.algorithm },
    cookies: { keys: [SECRET] },
    enabledJWA: { idTokenSigningAlgValues: [settings.algorithm] },
    extraTokenClaims: (_, token) => claimsOf(token),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_, __, several) => several,
        getResourceServerInfo: (_, resource) => ({
          audience: resource,
          scope: SCOPE,
          accessTokenTTL: TOKEN_SECONDS,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: settings.algorithm } },
        }),
        useGrantedResource: () => true,
      },
    },
    findAccount: (_, id) => settings.people[id] && { accountId: id, claims: () => ({ sub: id }) },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    jwks: { keys },
    pkce: { required: () => true },
    ttl: { AccessToken: TOKEN_SECONDS, ClientCredentials: TOKEN_SECONDS },
  };
}

// A provider reads its keys when it starts. Rotation starts a new one over the same store of sessions and
// grants (the package keeps one in memory for all of a process), as a restart with a new configuration does.
const server = createServer((request, response) => current(request, response));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
let current;
let keys = [];

function publish(list) {
  keys = list;
  current = new Provider(issuer, configuration(keys)).callback();
}

const commands = {
  announce: async () => publish([...keys, await newKey()]),
  sign: async () => publish([keys.at(-1), ...keys.slice(0, -1)]),
  retire: async () => publish(keys.slice(0, 1)),
  replace: async () => publish([await newKey()]),
};

await commands.replace();
say({ issuer, secret: SECRET, kid: keys[0].kid });
for await (const line of lines) {
  await commands[line]();
  say({ published: keys.map((key) => key.kid) });
}
server.closeAllConnections();
server.close();

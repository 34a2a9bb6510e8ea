// oauth4webapi and openid-client get tokens that are bound to their keys (RFC 9449), and use them at an API.
// Usage: node dpop-client.mjs '{"issuer": …, "client_id": …, "secret": …, "scope": …, "resource": …, "url": …}'.
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

const given = JSON.parse(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };
const parameters = { scope: given.scope, resource: given.resource };
const url = new URL(given.url);

async function withOauth4webapi() {
  const issuer = new URL(given.issuer);
  const found = await oauth.discoveryRequest(issuer, { algorithm: given.algorithm ?? "oidc", ...insecure });
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const me = { client_id: given.client_id };
  const DPoP = oauth.DPoP(me, await oauth.generateKeyPair(given.alg ?? "ES256"));
  const authentication = oauth.ClientSecretBasic(given.secret);
  const ask = async () =>
    oauth.processClientCredentialsResponse(
      as,
      me,
      await oauth.clientCredentialsGrantRequest(as, me, authentication, parameters, { DPoP, ...insecure }),
    );
  const tokens = await ask().catch((error) => {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return ask();
  });
  const use = (options) =>
    oauth.protectedResourceRequest(tokens.access_token, "GET", url, undefined, undefined, { ...options, ...insecure });
  return { tokens, use, DPoP, other: oauth.DPoP(me, await oauth.generateKeyPair("ES256")) };
}

async function withOpenidClient() {
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(given.issuer), given.client_id, given.secret, undefined, options);
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(given.alg ?? "ES256"));
  const tokens = await client.clientCredentialsGrant(config, parameters, { DPoP });
  const use = (proof) =>
    client.fetchProtectedResource(config, tokens.access_token, url, "GET", undefined, undefined, proof);
  return { tokens, use, DPoP, other: client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) };
}

// The status of a request, or of the challenge that the library throws.
async function status(request) {
  try {
    return (await request).status;
  } catch (error) {
    if (error.status === undefined) throw error;
    return error.status;
  }
}

// A first answer can be a challenge with a nonce, which the handle then has.
async function twice(use, DPoP) {
  const first = await status(use({ DPoP }));
  return first === 401 ? status(use({ DPoP })) : first;
}

const results = {};
for (const [name, library] of Object.entries({ oauth4webapi: withOauth4webapi, "openid-client": withOpenidClient })) {
  const { tokens, use, DPoP, other } = await library();
  results[name] = {
    token_type: tokens.token_type.toLowerCase(),
    bound: await twice(use, DPoP),
    again: await status(use({ DPoP })),
    as_bearer: await status(use({})),
    by_another_key: await status(use({ DPoP: other })),
  };
}
console.log(JSON.stringify(results));

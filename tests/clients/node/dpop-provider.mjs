// An issuer of another project, oidc-provider, that binds its access tokens to the client's key (RFC 9449).
// Usage: node dpop-provider.mjs '{"issuer": …, "audience": …, "secret": …}'. It prints a line when it is ready.
// With "bound": false it binds no token (make bench).
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const given = JSON.parse(process.argv[2]);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" };

const provider = new Provider(given.issuer, {
  clients: [
    {
      client_id: "robot",
      client_secret: given.secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: "notes:read",
      dpop_bound_access_tokens: given.bound ?? true,
    },
  ],
  scopes: ["notes:read"],
  enabledJWA: { dPoPSigningAlgValues: ["ES256", "Ed25519", "EdDSA"] },
  jwks: { keys: [key] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => given.audience,
      getResourceServerInfo: () => ({
        scope: "notes:read",
        audience: given.audience,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
provider.listen(Number(new URL(given.issuer).port), "127.0.0.1", () => console.log("ready"));

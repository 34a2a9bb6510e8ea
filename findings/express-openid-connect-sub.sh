#!/usr/bin/env bash
# express-openid-connect 3.4.0: a logout token that names one session ends every session of the user.
#
# Behaviour: with `backchannelLogout`, the default hook keeps two entries for a logout token that has `sub` and `sid`: one
# for each. A request is logged out if either entry is there, so the entry of `sub` ends the sessions on all other
# devices, too. OpenID Connect Back-Channel Logout 1.0 section 2.4: all sessions are meant if the token has no `sid`.
# One would guess that a log-out on the laptop leaves the session on the phone.
# Remedy: an issuer that means one session sends `sid` without `sub`; or the application has its own onLogoutToken.
#
# Output seen:
#   sub and sid of the laptop: laptop ended, phone ended
#   sid of the laptop alone: laptop ended, phone kept
#
# Needs node and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --no-save express-openid-connect@3.4.0 >/dev/null

cat >trial.js <<'JAVASCRIPT'
const http = require("http");

const library = "./node_modules/express-openid-connect/lib/";
const { get: configured } = require(library + "config");
const onLogoutToken = require(library + "hooks/backchannelLogout/onLogoutToken");
const isLoggedOut = require(library + "hooks/backchannelLogout/isLoggedOut");

const entries = new Map();
const store = {
  get: (key, done) => done(null, entries.get(key)),
  set: (key, value, done) => done(null, entries.set(key, value)),
  destroy: (key, done) => done(null, entries.delete(key)),
};

const server = http.createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  response.setHeader("Content-Type", "application/json");
  response.end(
    JSON.stringify({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      response_modes_supported: ["query", "form_post"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    }),
  );
});

async function trial() {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const config = configured({
    issuerBaseURL: issuer,
    baseURL: "http://127.0.0.1:3000",
    clientID: "client",
    clientSecret: "a secret of a trial",
    secret: "a cookie secret of a trial, long enough",
    authorizationParams: { response_type: "code" },
    backchannelLogout: { store },
  });
  const state = async (sid) =>
    (await isLoggedOut({ oidc: { idTokenClaims: { iss: issuer, sub: "alice", sid } } }, config)) ? "ended" : "kept";
  const answer = async (claims) => {
    entries.clear();
    await onLogoutToken({ iss: issuer, ...claims }, config);
    return `laptop ${await state("laptop")}, phone ${await state("phone")}`;
  };
  const both = await answer({ sub: "alice", sid: "laptop" });
  const alone = await answer({ sid: "laptop" });
  console.log(`sub and sid of the laptop: ${both}`);
  console.log(`sid of the laptop alone: ${alone}`);
  return both === "laptop ended, phone ended" && alone === "laptop ended, phone kept";
}

server.listen(0, "127.0.0.1", async () => process.exit((await trial()) ? 0 : 1));
JAVASCRIPT
timeout 60 node trial.js

#!/usr/bin/env bash
# express-oauth2-jwt-bearer 1.10.0: an access token is refused if no ID token of the issuer is signed by its algorithm.
#
# Behaviour: with `issuerBaseURL`, the middleware compares the algorithm of each access token with the member
# id_token_signing_alg_values_supported of the discovery document, which OpenID Connect Discovery 1.0 section 3 defines
# for ID tokens alone. If the issuer signs ID tokens by RS256 and the tokens of this API by ES256, with a key of the
# same JWKS, valid tokens get 401. `tokenSigningAlg: "ES256"` changes nothing, because the token has to fit both. The
# README does not name the member.
# One would guess that the list of the ID tokens does not concern an API, or at least that tokenSigningAlg decides.
# Remedy: `issuer`, `jwksUri` and `tokenSigningAlg` instead of `issuerBaseURL`.
#
# Output seen:
#   ID tokens RS256, ES256: 200
#   ID tokens RS256: 401 Unexpected 'alg' value
#   ID tokens RS256, with tokenSigningAlg ES256: 401 Unexpected 'alg' value
#   ID tokens RS256, with the remedy: 200
#
# Needs node 20 and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund express-oauth2-jwt-bearer@1.10.0 express@5.3.0 jose@6.2.18

cat >trial.mjs <<'JS'
import http from 'node:http'
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const AUDIENCE = 'https://api.example/'
const { privateKey, publicKey } = await generateKeyPair('ES256')
const key = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'ES256' }

const listen = (server) => new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(server)))
const addressOf = (server) => `http://127.0.0.1:${server.address().port}`

// Sends a valid token to an API, and returns the status with the description of the error.
async function answer(idTokenAlgorithms, optionsFor) {
  const issuerServer = await listen(
    http.createServer((request, response) => {
      const metadata = {
        issuer,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: idTokenAlgorithms,
      }
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(request.url === '/jwks' ? { keys: [key] } : metadata))
    }),
  )
  const issuer = addressOf(issuerServer)
  const app = express()
  app.use(auth({ audience: AUDIENCE, ...optionsFor(issuer) }))
  app.get('/', (request, response) => response.json({}))
  app.use((error, request, response, next) => response.status(error.status).set(error.headers).end())
  const api = await listen(http.createServer(app))
  const token = await new SignJWT({ client_id: 'client' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setSubject('user')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
  const { status, headers } = await fetch(addressOf(api), { headers: { Authorization: `Bearer ${token}` } })
  for (const server of [api, issuerServer]) {
    server.close()
    server.closeAllConnections()
  }
  const description = headers.get('www-authenticate')?.match(/error_description="([^"]*)"/)[1]
  return [status, description].filter(Boolean).join(' ')
}

const discovered = (issuerBaseURL) => ({ issuerBaseURL })
const named = (issuerBaseURL) => ({ issuerBaseURL, tokenSigningAlg: 'ES256' })
const remedy = (issuer) => ({ issuer, jwksUri: `${issuer}/jwks`, tokenSigningAlg: 'ES256' })
const REFUSED = "401 Unexpected 'alg' value"
const trials = [
  ['ID tokens RS256, ES256', ['RS256', 'ES256'], discovered, '200'],
  ['ID tokens RS256', ['RS256'], discovered, REFUSED],
  ['ID tokens RS256, with tokenSigningAlg ES256', ['RS256'], named, REFUSED],
  ['ID tokens RS256, with the remedy', ['RS256'], remedy, '200'],
]
for (const [label, algorithms, optionsFor, expected] of trials) {
  const seen = await answer(algorithms, optionsFor)
  console.log(`${label}: ${seen}`)
  if (seen !== expected) {
    console.error('The behaviour has changed.')
    process.exitCode = 1
  }
}
JS
timeout 60 node trial.mjs

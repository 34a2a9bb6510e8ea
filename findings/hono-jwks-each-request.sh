#!/usr/bin/env bash
# Hono 4.13.19: the middleware hono/jwk fetches the issuer's JWKS for each request, and keeps no key.
#
# Behaviour: with `jwks_uri`, each request that has a token waits for a GET of the JWKS, regardless of the
# Cache-Control of the issuer. If the issuer does not answer, the next request with a valid token gets 401 with
# error="invalid_token", although the key that verifies it was fetched a moment before. The key in the option `keys`
# beside it does not prevent that. The documentation says that the middleware retrieves the keys, and names no cache.
# One would guess that the keys are kept for some minutes, as by the JWKS clients of other libraries (jwks-rsa, and
# createRemoteJWKSet of jose), and that an issuer that is down does not make tokens invalid.
# Remedy: a function as `keys` that keeps what it fetched, without `jwks_uri`.
#
# Output seen:
#   jwks_uri: 3 requests 200, 200, 200; 3 fetches; issuer stopped 401 invalid_token
#   jwks_uri and keys: 3 requests 200, 200, 200; 3 fetches; issuer stopped 401 invalid_token
#   the remedy: 3 requests 200, 200, 200; 1 fetch; issuer stopped 200
#
# Needs node 20 and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hono@4.13.19

cat >trial.mjs <<'JS'
import http from 'node:http'
import { Hono } from 'hono'
import { jwk } from 'hono/jwk'
import { sign } from 'hono/jwt'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
const names = { kid: 'one', alg: 'ES256' }
const key = { ...(await crypto.subtle.exportKey('jwk', publicKey)), ...names, use: 'sig' }
const signer = { ...(await crypto.subtle.exportKey('jwk', privateKey)), ...names }
const token = await sign({ sub: 'user', exp: Math.floor(Date.now() / 1000) + 300 }, signer, 'ES256')

// Sends a valid token to an API three times, and once more after the issuer has stopped.
async function outcome(optionsFor) {
  let fetches = 0
  const issuer = http.createServer((request, response) => {
    fetches += 1
    response.setHeader('Content-Type', 'application/json').setHeader('Cache-Control', 'public, max-age=3600')
    response.end(JSON.stringify({ keys: [key] }))
  })
  await new Promise((listening) => issuer.listen(0, '127.0.0.1', listening))
  const app = new Hono()
  app.use(jwk({ alg: ['ES256'], ...optionsFor(`http://127.0.0.1:${issuer.address().port}/jwks`) }))
  app.get('/', (context) => context.json({}))
  const answer = async () => {
    const { status, headers } = await app.request('/', { headers: { Authorization: `Bearer ${token}` } })
    return [status, ...(headers.get('www-authenticate')?.match(/(?<=error=")\w+/) ?? [])].join(' ')
  }

  const running = [await answer(), await answer(), await answer()].join(', ')
  const counted = fetches
  await new Promise((closed) => {
    issuer.close(closed)
    issuer.closeAllConnections()
  })
  return `3 requests ${running}; ${counted} fetch${counted === 1 ? '' : 'es'}; issuer stopped ${await answer()}`
}

function remedy(uri) {
  const kept = { keys: [], until: 0 }
  return {
    keys: async () => {
      if (Date.now() > kept.until) {
        kept.keys = (await (await fetch(uri)).json()).keys
        kept.until = Date.now() + 300_000 // milliseconds
      }
      return kept.keys
    },
  }
}

const each = '3 requests 200, 200, 200; 3 fetches; issuer stopped 401 invalid_token'
const once = '3 requests 200, 200, 200; 1 fetch; issuer stopped 200'
const trials = [
  ['jwks_uri', (jwks_uri) => ({ jwks_uri }), each],
  ['jwks_uri and keys', (jwks_uri) => ({ jwks_uri, keys: [key] }), each],
  ['the remedy', remedy, once],
]
for (const [label, optionsFor, expected] of trials) {
  const seen = await outcome(optionsFor)
  console.log(`${label}: ${seen}`)
  if (seen !== expected) {
    console.error('The behaviour has changed.')
    process.exitCode = 1
  }
}
JS
timeout 60 node trial.mjs

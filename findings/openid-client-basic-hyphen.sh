#!/usr/bin/env bash
# openid-client 6.9.0 with @node-oauth/oauth2-server 5.3.0: client_secret_basic fails if the client's ID has a hyphen.
#
# Behaviour: RFC 6749 section 2.3.1 has a client encode its ID and secret as in forms before it sends them by HTTP
# Basic. openid-client 6, by oauth4webapi, writes a hyphen as %2D, and also "_" as %5F and "." as %2E, so it changes
# many IDs and generated secrets, such as UUIDs and base64url. @node-oauth/oauth2-server does not decode them: 401
# invalid_client. openid-client 5 leaves these characters as they are, as URLSearchParams does, and works with the
# same server. Issue 148 of oauth4webapi is about a secret.
# One would guess that letters, digits and hyphens are sent as they are, and that a client that works with version 5
# works with version 6.
# Remedy: ClientSecretPost, which is the default of version 6; or a server that decodes.
#
# Output seen:
#   openid-client 5, basic: the server reads notes-app, token
#   openid-client 6, basic: the server reads notes%2Dapp, refused
#   openid-client 6, post: the server reads notes-app, token
#   openid-client 6, basic, server that decodes: the server reads notes-app, token
#
# Needs node 20 and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openid-client@6.9.0 openid-client-5@npm:openid-client@5.7.1 \
  oauth4webapi@3.8.8 @node-oauth/oauth2-server@5.3.0

cat >trial.mjs <<'JS'
import http from 'node:http'
import OAuth2Server from '@node-oauth/oauth2-server'
import * as six from 'openid-client'
import five from 'openid-client-5'

const ID = 'notes-app'
const SECRET = 'a-secret-of-a-trial'

async function byFive(issuer) {
  const metadata = { client_id: ID, client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic' }
  const { Client } = new five.Issuer({ issuer, token_endpoint: `${issuer}/token` })
  return new Client(metadata).grant({ grant_type: 'client_credentials' })
}

const bySix = (authentication) => async (issuer) => {
  const metadata = { issuer, token_endpoint: `${issuer}/token` }
  const configuration = new six.Configuration(metadata, ID, undefined, authentication(SECRET))
  six.allowInsecureRequests(configuration)
  return six.clientCredentialsGrant(configuration)
}

const asForms = (text) => new URLSearchParams(`_=${text}`).get('_')

// Requests a token of the server, and returns which ID the server reads and what it answers.
async function outcome(request, decode) {
  const ids = []
  const authorizationServer = new OAuth2Server({
    model: {
      getClient(encodedId, encodedSecret) {
        const [id, secret] = [encodedId, encodedSecret].map(decode)
        ids.push(id)
        return id === ID && secret === SECRET ? { id, grants: ['client_credentials'] } : null
      },
      getUserFromClient: () => ({ id: 'user' }),
      saveToken: (token, client, user) => ({ ...token, client, user }),
    },
  })
  const server = http.createServer(async (incoming, outgoing) => {
    const { method, headers } = incoming
    const chunks = await incoming.toArray()
    const body = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
    const response = new OAuth2Server.Response({ headers: {} })
    const received = new OAuth2Server.Request({ method, headers, query: {}, body })
    await authorizationServer.token(received, response).catch(() => {}) // the response has the error, too
    outgoing.writeHead(response.status, { ...response.headers, 'Content-Type': 'application/json' })
    outgoing.end(JSON.stringify(response.body))
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const answer = await request(`http://127.0.0.1:${server.address().port}`).then(
    (tokens) => (tokens.access_token ? 'token' : 'no token'),
    (error) => ((error.cause ?? error).response?.status ?? error.status) === 401 ? 'refused' : error.message,
  )
  server.close()
  server.closeAllConnections()
  return `the server reads ${ids}, ${answer}`
}

const same = (text) => text
const trials = [
  ['openid-client 5, basic', byFive, same, 'the server reads notes-app, token'],
  ['openid-client 6, basic', bySix(six.ClientSecretBasic), same, 'the server reads notes%2Dapp, refused'],
  ['openid-client 6, post', bySix(six.ClientSecretPost), same, 'the server reads notes-app, token'],
  [
    'openid-client 6, basic, server that decodes',
    bySix(six.ClientSecretBasic),
    asForms,
    'the server reads notes-app, token',
  ],
]
for (const [label, request, decode, expected] of trials) {
  const seen = await outcome(request, decode)
  console.log(`${label}: ${seen}`)
  if (seen !== expected) {
    console.error('The behaviour has changed.')
    process.exitCode = 1
  }
}
JS
timeout 60 node trial.mjs

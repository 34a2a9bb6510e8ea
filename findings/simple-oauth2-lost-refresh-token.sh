#!/usr/bin/env bash
# simple-oauth2 5.1.0: if a refresh returns no new refresh token, the next refresh sends an empty one.
#
# Behaviour: an issuer that does not rotate refresh tokens answers a refresh without one, and the client keeps the old
# one (RFC 6749 section 6). The token that refresh() then returns has refresh_token undefined. Its own refresh() raises
# nothing, and sends "refresh_token=" to the issuer. 5.1.0 was released to keep the old token, and reads it from a
# property that does not exist; a comment at the project's pull request 434 says so.
# One would guess that the refresh token survives each refresh, as the release says. The first refresh does not show it.
# Remedy: put the old refresh token into the new token by createToken().
#
# Output seen:
#   refresh 1 sends: given with the code
#   refresh 2 sends: (empty)
#   refresh 2, with the remedy, sends: given with the code
#
# Needs node and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund simple-oauth2@5.1.0

cat >trial.mjs <<'JS'
import http from 'node:http'
import { AuthorizationCode } from 'simple-oauth2'

const sent = []
const issuer = http.createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  const form = new URLSearchParams(body)
  const answer = { access_token: 'opaque', token_type: 'Bearer', expires_in: 300 }
  if (form.get('grant_type') === 'authorization_code') answer.refresh_token = 'given with the code'
  else sent.push(form.get('refresh_token'))
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(answer))
})
await new Promise((listening) => issuer.listen(0, '127.0.0.1', listening))

const client = new AuthorizationCode({
  client: { id: 'client', secret: 'secret' },
  auth: { tokenHost: `http://127.0.0.1:${issuer.address().port}`, tokenPath: '/token' },
})
const token = await client.getToken({ code: 'code', redirect_uri: 'https://app.example/callback' })
const refreshed = await token.refresh()
await refreshed.refresh()
const remedy = client.createToken({ ...refreshed.token, refresh_token: token.token.refresh_token })
await remedy.refresh()
issuer.close()

const labels = ['refresh 1 sends', 'refresh 2 sends', 'refresh 2, with the remedy, sends']
labels.forEach((label, place) => console.log(`${label}: ${sent[place] || '(empty)'}`))
if (JSON.stringify(sent) !== JSON.stringify(['given with the code', '', 'given with the code'])) {
  console.error('The behaviour has changed.')
  process.exitCode = 1
}
JS
timeout 60 node trial.mjs

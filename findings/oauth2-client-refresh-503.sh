#!/usr/bin/env bash
# @badgateway/oauth2-client 3.3.1: one 503 of the token endpoint starts a login, although the refresh token is valid.
#
# Behaviour: OAuth2Fetch refreshes an expired token by itself. If the refresh fails for any reason, it prints "refresh
# token not accepted" and calls getNewToken, by which an application logs the user in. It does so for invalid_grant (RFC
# 6749 section 5.2) and also for a 503 with Retry-After, after which the same refresh token would work. getNewToken does
# not learn the cause, and onError is not called. The README says that getNewToken supplies the initial token.
# One would guess that a temporary failure is reported or tried again, and that only invalid_grant starts a login.
# Remedy: getNewToken refreshes the stored token once more, and logs in only if the error's oauth2Code is invalid_grant.
#
# Output seen:
#   refresh answered 200: fetch 200, refreshes 1, logins 0, errors 0
#   refresh answered 503: fetch 200, refreshes 1, logins 1, errors 0
#   refresh answered 503, with the remedy: fetch 200, refreshes 2, logins 0, errors 0
#   refresh answered invalid_grant, with the remedy: fetch 200, refreshes 2, logins 1, errors 0
#
# Needs node 20 and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @badgateway/oauth2-client@3.3.1

cat >trial.mjs <<'JS'
import http from 'node:http'
import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'

const OK = [200, { access_token: 'opaque', token_type: 'Bearer', expires_in: 300 }]
const BUSY = [503, { error: 'temporarily_unavailable' }]
const REVOKED = [400, { error: 'invalid_grant' }]
console.warn = () => {}

// Calls the API with an expired token, and returns what happened. The last of the answers to a refresh is repeated.
async function outcome(answers, withRemedy) {
  const counts = { refreshes: 0, logins: 0, errors: 0 }
  const server = http.createServer((request, response) => {
    request.resume()
    if (request.url === '/api') return response.end()
    const [status, body] = answers[Math.min(counts.refreshes, answers.length - 1)]
    counts.refreshes += 1
    response.writeHead(status, { 'Content-Type': 'application/json', ...(status === 503 && { 'Retry-After': '1' }) })
    response.end(JSON.stringify(body))
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const address = `http://127.0.0.1:${server.address().port}`

  const client = new OAuth2Client({ tokenEndpoint: `${address}/token`, clientId: 'client', clientSecret: 'secret' })
  const stored = { accessToken: 'expired', refreshToken: 'refresh', expiresAt: Date.now() - 1000 }
  const login = async () => {
    counts.logins += 1
    return { accessToken: 'of a new login', refreshToken: 'another', expiresAt: null }
  }
  const remedy = async () => {
    try {
      return await client.refreshToken(stored)
    } catch (error) {
      if (error.oauth2Code === 'invalid_grant') return login()
      throw error
    }
  }
  const wrapper = new OAuth2Fetch({
    client,
    scheduleRefresh: false,
    getStoredToken: () => stored,
    getNewToken: withRemedy ? remedy : login,
    onError: () => (counts.errors += 1),
  })
  const { status } = await wrapper.fetch(`${address}/api`)
  server.close()
  server.closeAllConnections()
  return `fetch ${status}, refreshes ${counts.refreshes}, logins ${counts.logins}, errors ${counts.errors}`
}

const trials = [
  ['refresh answered 200', [OK], false, 'fetch 200, refreshes 1, logins 0, errors 0'],
  ['refresh answered 503', [BUSY, OK], false, 'fetch 200, refreshes 1, logins 1, errors 0'],
  ['refresh answered 503, with the remedy', [BUSY, OK], true, 'fetch 200, refreshes 2, logins 0, errors 0'],
  ['refresh answered invalid_grant, with the remedy', [REVOKED], true, 'fetch 200, refreshes 2, logins 1, errors 0'],
]
for (const [label, answers, withRemedy, expected] of trials) {
  const seen = await outcome(answers, withRemedy)
  console.log(`${label}: ${seen}`)
  if (seen !== expected) {
    console.error('The behaviour has changed.')
    process.exitCode = 1
  }
}
JS
timeout 60 node trial.mjs

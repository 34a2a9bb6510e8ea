#!/usr/bin/env bash
# passport-openidconnect 0.1.2: with its option responseMode "form_post", a login never completes.
#
# Behaviour: the strategy sends response_mode=form_post, and the issuer answers with a form that the browser posts. The
# strategy reads the answer from the query alone: it finds no code in the posted form, and takes the request for the
# start of a login. It redirects to the issuer again, with a new state. If the issuer has the user's session and
# consent, it answers with the next form, and no page shows an error. The change log names the option and no condition.
# One would guess that a strategy reads the answers of the mode for which it has an option, if the application parses
# bodies.
# Remedy: leave responseMode out. The answer then comes in the query.
#
# Output seen:
#   no responseMode, answer in the query: code redeemed
#   responseMode form_post, answer in the form: redirected to the issuer
#
# Needs node and npm. After the installation, traffic is on loopback. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund \
    passport-openidconnect@0.1.2 passport@0.7.0 express@5.3.0 express-session@1.18.2

cat >trial.mjs <<'JS'
import http from 'node:http'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'

const listen = (server) => new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(server)))
const addressOf = (server) => `http://127.0.0.1:${server.address().port}`

// The issuer refuses each code. It is enough to see that the code arrives.
let redeemed = 0
const issuer = await listen(
  http.createServer((request, response) => {
    redeemed += 1
    request.resume()
    response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error": "invalid_grant"}')
  }),
)

// Starts a login, answers it as the mode says, and returns what the application does.
async function login(options, answer) {
  redeemed = 0
  const strategy = new OpenIDConnectStrategy(
    {
      issuer: addressOf(issuer),
      authorizationURL: `${addressOf(issuer)}/authorize`,
      tokenURL: `${addressOf(issuer)}/token`,
      userInfoURL: `${addressOf(issuer)}/userinfo`,
      clientID: 'client',
      clientSecret: 'secret',
      callbackURL: 'https://app.example/callback',
      ...options,
    },
    (issuer, profile, done) => done(null, profile),
  )
  const app = express()
  app.use(session({ secret: 'a secret of a trial', resave: false, saveUninitialized: false }))
  app.use(express.urlencoded())
  app.all('/callback', passport.authenticate(strategy, { session: false }))
  app.use((error, request, response, next) => response.status(500).end(error.name))
  const server = await listen(http.createServer(app))

  const start = await fetch(`${addressOf(server)}/callback`, { redirect: 'manual' })
  const state = new URL(start.headers.get('location')).searchParams.get('state')
  const cookie = start.headers.get('set-cookie').split(';')[0]
  const form = new URLSearchParams({ code: 'code', state })
  const { path, ...request } = answer(form)
  const end = await fetch(addressOf(server) + path, { ...request, headers: { cookie }, redirect: 'manual' })
  server.close()
  if (redeemed) return 'code redeemed'
  return end.headers.get('location')?.startsWith(`${addressOf(issuer)}/authorize?`)
    ? 'redirected to the issuer'
    : `status ${end.status}`
}

const inQuery = await login({}, (form) => ({ path: `/callback?${form}` }))
const inForm = await login({ responseMode: 'form_post' }, (body) => ({ path: '/callback', method: 'POST', body }))
issuer.close()

console.log(`no responseMode, answer in the query: ${inQuery}`)
console.log(`responseMode form_post, answer in the form: ${inForm}`)
if (inQuery !== 'code redeemed' || inForm !== 'redirected to the issuer') {
  console.error('The behaviour has changed.')
  process.exitCode = 1
}
JS
timeout 60 node --no-deprecation trial.mjs

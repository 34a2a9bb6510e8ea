#!/usr/bin/env bash
# Auth.js for Express (@auth/express) 0.12.3 on Express 5.3.0: mounted with a wildcard, it answers 400 to every action.
#
# Behaviour: the documentation mounts ExpressAuth at "/auth/*". Express 5 refuses that path and asks for a name, as in
# "/auth/*path". Mounted there, each request is logged as UnknownAction and answered 400, because Express 5 puts the whole
# matched path into req.baseUrl, from which the library takes its base path.
# One would guess that the path that Express asks for is the equivalent of the documented one.
# Remedy: app.use("/auth", ExpressAuth(...)), without a wildcard.
#
# Output seen:
#   /auth/*: TypeError
#   /auth/*path: GET /auth/providers is 400
#   /auth: GET /auth/providers is 200
#
# Needs node 20 and npm. Listens on a loopback port of the kernel's choice. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @auth/express@0.12.3 express@5.3.0

cat >trial.mjs <<'JS'
import { ExpressAuth } from '@auth/express'
import express from 'express'

const provider = { id: 'one', name: 'One', type: 'oidc', issuer: 'https://issuer.example', clientId: 'client' }
const config = { providers: [provider], secret: 'a secret of a trial', trustHost: true, logger: { error() {} } }

async function providersAt(path) {
  const app = express()
  try {
    app.use(path, ExpressAuth(config))
  } catch (error) {
    return error instanceof TypeError ? 'TypeError' : error.constructor.name
  }
  const server = app.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const { status } = await fetch(`http://127.0.0.1:${server.address().port}/auth/providers`)
  server.close()
  return `GET /auth/providers is ${status}`
}

const seen = []
for (const path of ['/auth/*', '/auth/*path', '/auth']) {
  seen.push(await providersAt(path))
  console.log(`${path}: ${seen.at(-1)}`)
}
const expected = ['TypeError', 'GET /auth/providers is 400', 'GET /auth/providers is 200']
if (String(seen) !== String(expected)) {
  console.error('The behaviour has changed.')
  process.exitCode = 1
}
JS
node trial.mjs

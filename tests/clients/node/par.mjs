// openid-client pushes its authorization requests (RFC 9126). The user's part is done by the program that runs this: it prints
// {"go": URL}, reads the address of the callback from standard input, and prints what came of it.
import * as client from 'openid-client'
import * as readline from 'node:readline/promises'

const given = JSON.parse(process.argv[2])
const input = readline.createInterface({ input: process.stdin })
const lines = input[Symbol.asyncIterator]()
const insecure = { execute: [client.allowInsecureRequests] } // http, on loopback
const authentication = client.ClientSecretBasic(given.client_secret)
const config = await client.discovery(
  new URL(given.issuer), given.client_id, undefined, authentication, insecure,
)
const verifier = client.randomPKCECodeVerifier()
const nonce = client.randomNonce()
const state = client.randomState()
const parameters = {
  redirect_uri: given.redirect_uri,
  scope: 'openid notes:read',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  nonce,
  state,
}
const refused = (error) => ({ error: error.error, status: error.status })

const evil = { ...parameters, redirect_uri: 'https://evil.example/' }
const foreign = await client.buildAuthorizationUrlWithPAR(config, evil).then(() => 'accepted', refused)
const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
console.log(JSON.stringify({ go: url.href }))
const callback = new URL((await lines.next()).value)
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedNonce: nonce,
  expectedState: state,
  idTokenExpected: true,
})
console.log(
  JSON.stringify({
    carried: [...url.searchParams.keys()].sort(),
    foreign,
    scope: tokens.scope,
    required: config.serverMetadata().require_pushed_authorization_requests,
  }),
)
input.close()

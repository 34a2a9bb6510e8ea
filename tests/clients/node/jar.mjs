// openid-client signs its authorization requests (RFC 9101), authenticates by its key, and pushes one of them (RFC 9126).
// The user's part is done by the program that runs this: it prints {"go": URL}, reads the address of the callback from standard
// input, and prints what came of it.
import * as client from 'openid-client'
import * as jose from 'jose'
import * as readline from 'node:readline/promises'

const given = JSON.parse(process.argv[2])
const input = readline.createInterface({ input: process.stdin })
const lines = input[Symbol.asyncIterator]()
const insecure = { execute: [client.allowInsecureRequests] } // http, on loopback
const key = { key: await jose.importPKCS8(given.key, 'ES256', { extractable: true }), kid: 'one' }
const config = await client.discovery(
  new URL(given.issuer), given.client_id, undefined, client.PrivateKeyJwt(key), insecure,
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
const unsigned = await client.buildAuthorizationUrlWithPAR(config, parameters).then(
  () => 'accepted',
  (error) => error.error,
)
const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, key)
const stranger = await jose.generateKeyPair('ES256')
const forged = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: stranger.privateKey, kid: 'one' })
const push = (url) => client.buildAuthorizationUrlWithPAR(config, url.searchParams)
const refused = await push(forged).then(() => 'accepted', (error) => error.error)
const url = given.push ? await push(signed) : signed
console.log(JSON.stringify({ go: url.href }))
const callback = new URL((await lines.next()).value)
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedNonce: nonce,
  expectedState: state,
  idTokenExpected: true,
})
console.log(JSON.stringify({ carried: [...url.searchParams.keys()].sort(), unsigned, refused, scope: tokens.scope }))
input.close()

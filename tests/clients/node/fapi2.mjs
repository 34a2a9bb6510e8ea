// openid-client keeps to the FAPI 2.0 Security Profile: private_key_jwt, PAR with a DPoP proof, PKCE, and a bound token.
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
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
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
const refused = (error) => error.error ?? error.code
const url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
console.log(JSON.stringify({ go: url.href }))
const callback = new URL((await lines.next()).value)
const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true }
const unbound = await client.authorizationCodeGrant(config, callback, checks).then(() => 'accepted', refused)
const stolen = await client
  .authorizationCodeGrant(config, callback, checks, undefined, { DPoP: other })
  .then(() => 'accepted', refused)
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
const told = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
console.log(
  JSON.stringify({
    carried: [...url.searchParams.keys()].sort(),
    unbound,
    stolen,
    type: tokens.token_type,
    same: told.sub === tokens.claims().sub,
  }),
)
input.close()

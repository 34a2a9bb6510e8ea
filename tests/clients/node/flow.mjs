// openid-client drives the issuer, and jose verifies what it issued. The user's part is done by the program that runs this: it
// prints {"go": URL}, reads the address of the callback from standard input, and prints what came of it.
import * as client from 'openid-client'
import * as jose from 'jose'
import * as readline from 'node:readline/promises'

const given = JSON.parse(process.argv[2])
const input = readline.createInterface({ input: process.stdin })
const lines = input[Symbol.asyncIterator]()
const insecure = { execute: [client.allowInsecureRequests] } // http, on loopback
const issuer = new URL(given.issuer)

const config = await client.discovery(issuer, given.client_id, undefined, client.None(), insecure)
const verifier = client.randomPKCECodeVerifier()
const nonce = client.randomNonce()
const state = client.randomState()
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: given.redirect_uri,
  scope: 'openid notes:read offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  nonce,
  state,
})
console.log(JSON.stringify({ go: url.href }))
const callback = new URL((await lines.next()).value)
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedNonce: nonce,
  expectedState: state,
  idTokenExpected: true,
})

const jwks = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
const access = await jose.jwtVerify(tokens.access_token, jwks, {
  issuer: given.issuer,
  audience: given.audience,
  typ: 'at+jwt',
  algorithms: ['RS256'],
})
const identity = await jose.jwtVerify(tokens.id_token, jwks, { issuer: given.issuer, audience: given.client_id })

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const afterwards = await client.refreshTokenGrant(config, refreshed.refresh_token).then(
  () => 'refreshed',
  (error) => error.error,
)

const service = await client.discovery(
  issuer,
  'service',
  undefined,
  client.ClientSecretBasic(given.service_secret),
  insecure,
)
const own = await client.clientCredentialsGrant(service, { scope: 'notes:read' })
const told = await client.tokenIntrospection(service, own.access_token)

const mixedUp = new URL(callback)
mixedUp.searchParams.set('iss', 'https://evil.example')
const mixUp = await client
  .authorizationCodeGrant(config, mixedUp, { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state })
  .then(() => 'accepted', (error) => error.code)

console.log(
  JSON.stringify({
    sub: access.payload.sub,
    same: identity.payload.sub === access.payload.sub,
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    afterwards,
    introspected: told.active,
    mixUp,
  }),
)
input.close()

// openid-client and oauth4webapi get bound tokens and use them. As in flow.mjs, the caller does the user's part: this
// prints {"go": URL}, reads the address of the callback from standard input, and prints what each step gave.
import * as client from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import * as readline from 'node:readline/promises'

const given = JSON.parse(process.argv[2])
const input = readline.createInterface({ input: process.stdin })
const lines = input[Symbol.asyncIterator]()
const insecure = { execute: [client.allowInsecureRequests] } // http, on loopback
const outcome = (promise) => promise.then(() => 'accepted', (error) => error.error ?? error.code ?? String(error))

const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, client.None(), insecure)
const pair = await client.randomDPoPKeyPair(given.alg)
const DPoP = client.getDPoPHandle(config, pair)
const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair(given.alg))
const verifier = client.randomPKCECodeVerifier()
const thumbprint = await DPoP.calculateThumbprint()
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: given.redirect_uri,
  scope: 'openid email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  dpop_jkt: thumbprint,
})
console.log(JSON.stringify({ go: url.href }))
const callback = new URL((await lines.next()).value)
const checks = { pkceCodeVerifier: verifier, idTokenExpected: true }

// The code is bound to the first key (RFC 9449 section 10).
const byAnotherKey = await outcome(client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP: other }))
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
const claims = jose.decodeJwt(tokens.access_token)
const about = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })
const asBearer = await fetch(config.serverMetadata().userinfo_endpoint, {
  headers: { Authorization: `Bearer ${tokens.access_token}` },
})
const refreshWithout = await outcome(client.refreshTokenGrant(config, tokens.refresh_token))
const refreshByAnother = await outcome(
  client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: other }),
)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })

// oauth4webapi: the same key refreshes once more, and asks userinfo.
const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(given.issuer)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
const app = { client_id: given.client_id }
const low = oauth.DPoP(app, pair)
const request = () =>
  oauth.refreshTokenGrantRequest(as, app, oauth.None(), refreshed.refresh_token, { DPoP: low, ...http })
const process_ = (response) => oauth.processRefreshTokenResponse(as, app, response)
let nonces = 0
const again = await request().then(process_).catch((error) => {
  if (!oauth.isDPoPNonceError(error)) throw error
  nonces += 1
  return request().then(process_)
})
const lowAbout = await oauth.processUserInfoResponse(
  as,
  app,
  claims.sub,
  await oauth.userInfoRequest(as, app, again.access_token, { DPoP: low, ...http }),
)

console.log(
  JSON.stringify({
    byAnotherKey,
    type: tokens.token_type,
    bound: claims.cnf.jkt === thumbprint,
    about: about.sub === claims.sub && about.email,
    asBearer: [asBearer.status, asBearer.headers.get('www-authenticate').includes('invalid_token')],
    refreshWithout,
    refreshByAnother,
    refreshed: refreshed.token_type,
    low: [again.token_type, lowAbout.sub === claims.sub, nonces],
  }),
)
input.close()

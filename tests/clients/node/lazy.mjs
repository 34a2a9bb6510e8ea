// jose as a verifier that keeps its copy of the JWKS and fetches only for a kid that the copy lacks. Each line of
// standard input is a token; the answer is a line, true or false.
import * as jose from 'jose'
import * as readline from 'node:readline'

const given = JSON.parse(process.argv[2])
const keys = jose.createRemoteJWKSet(new URL(given.jwks), { cacheMaxAge: Infinity, cooldownDuration: 1000 })
const checks = { issuer: given.issuer, audience: given.audience, typ: 'at+jwt', algorithms: ['RS256'] }

for await (const token of readline.createInterface({ input: process.stdin })) {
  const accepted = await jose.jwtVerify(token, keys, checks).then(() => true, () => false)
  console.log(accepted)
}

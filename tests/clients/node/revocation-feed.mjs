// A second reader of the revocation feed, written from docs/revocation-feed.md alone, on jose.
//
// node revocation-feed.mjs follow ISSUER   reads an access token from each line of standard input, polls once, and
//                                          prints whether the token is revoked.
// node revocation-feed.mjs cases FILE      answers the tables of tests/revocation_cases.json, one JSON document.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { compactVerify, createLocalJWKSet, createRemoteJWKSet, decodeJwt, decodeProtectedHeader } from 'jose'

const ENTRY = 24
const CLOCK_ERROR = 60
const VERSION = /^(0|[1-9][0-9]{0,18})\.[A-Za-z0-9_-]{11}$/
const isSegment = (one) =>
  Array.isArray(one) && /^[A-Za-z0-9_-]{43}$/.test(one[0]) && Number.isInteger(one[1]) && one[1] > 0 && one[1] <= 16384
const number = (version) => BigInt(version.split('.')[0])

export const key = (kind, identifier) =>
  createHash('sha256').update(`${kind}\0${identifier}`, 'utf8').digest().subarray(0, 16).toString('hex')

// Section 1: the keys of a token.
export function* keysOf(kid, claims) {
  yield ['kid', kid]
  yield ['jti', claims.jti]
  if (claims.grant_id !== undefined) yield ['grant', claims.grant_id]
  yield ['iss', claims.iss]
  yield ['sub', claims.sub]
  const clients = [claims.client_id]
  for (let act = claims.act; act && typeof act === 'object'; act = act.act) {
    if (typeof act.sub === 'string') clients.push(act.sub)
  }
  for (const client of clients) {
    yield ['client', client]
    yield ['client_sub', `${client}\0${claims.sub}`]
  }
}

export class Reader {
  held = new Map() // key in hexadecimal: [until, issued_before]
  version = ''
  iat = 0
  exp = 0

  constructor({ issuer, ring = 'default', keys, get }) {
    Object.assign(this, { issuer, ring, keys, get })
  }

  coveredBy(kid, claims) {
    return [...keysOf(kid, claims)]
      .filter(([kind, identifier]) => {
        const dates = this.held.get(key(kind, identifier))
        return dates && (dates[1] === 0 || claims.iat < dates[1])
      })
      .map(([kind]) => kind)
  }

  // Section 3: poll, verify, merge. Throws with the number of the rule that refuses the document.
  async poll(now) {
    const lasts = this.exp - now > 60
    const body = await this.get(this.version, this.version !== '' && lasts ? `W/"${this.version}"` : undefined)
    if (body === undefined) return
    await this.take(body, now, (digest) => this.get(undefined, undefined, digest))
  }

  async take(body, now, segment) {
    const refuse = (rule, wrong) => {
      if (wrong) throw Object.assign(new Error(`rule ${rule}`), { rule })
    }
    refuse('3.1', body.length > 1024 * 1024)
    let header
    try {
      header = decodeProtectedHeader(body)
    } catch {
      refuse('3.1', true)
    }
    const { typ, kid } = header
    refuse('3.1', !/^(application\/)?revocation-feed\+jwt$/i.test(typ ?? ''))
    const verified = await compactVerify(body, this.keys).catch(() => refuse('3.2', true))
    refuse('3.2', this.held.has(key('kid', kid)))
    const claims = JSON.parse(new TextDecoder().decode(verified.payload))
    refuse('3.3', claims.iss !== this.issuer || claims.ring !== this.ring)
    refuse('3.4', !(claims.iat <= now + CLOCK_ERROR && claims.exp > now - CLOCK_ERROR && claims.iat >= this.iat - CLOCK_ERROR))
    refuse('3.5', typeof claims.version !== 'string' || !VERSION.test(claims.version))
    if ('since' in claims) {
      refuse('3.5', claims.since !== this.version || number(claims.version) < number(this.version))
    }
    const { entries: packed, segments = [] } = claims
    refuse('3.6', typeof packed !== 'string' || Buffer.from(packed, 'base64url').toString('base64url') !== packed)
    const entries = Buffer.from(packed, 'base64url')
    refuse('3.6', entries.length % ENTRY !== 0 || !Array.isArray(segments) || segments.length > 256)
    refuse('3.6', !segments.every(isSegment))
    const parts = [entries]
    for (const [digest, count] of segments) {
      const part = await segment(digest)
      refuse('4', part === undefined || part.length !== ENTRY * count)
      refuse('4', createHash('sha256').update(part).digest('base64url') !== digest)
      parts.push(part)
    }
    parts.forEach((part) => this.merge(part, now))
    Object.assign(this, { version: claims.version, iat: claims.iat, exp: claims.exp })
  }

  merge(part, now) {
    for (let at = 0; at < part.length; at += ENTRY) {
      const name = part.subarray(at, at + 16).toString('hex')
      const [until, before] = [part.readUInt32BE(at + 16), part.readUInt32BE(at + 20)]
      if (until <= now) continue
      this.hold(name, until, before)
    }
  }

  hold(name, until, before) {
    const old = this.held.get(name)
    const later = old && (old[1] === 0 || before === 0) ? 0 : Math.max(before, old?.[1] ?? 0)
    this.held.set(name, [Math.max(until, old?.[0] ?? 0), later])
  }
}

async function follow(issuer) {
  const address = `${issuer}/oauth/revocations`
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  const get = async (since, etag, digest) => {
    const url = digest ? `${address}/segments/${digest}` : since ? `${address}?since=${since}` : address
    const answer = await fetch(url, { headers: etag ? { 'If-None-Match': etag } : {} })
    if (answer.status === 304) return undefined
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
    return digest ? Buffer.from(await answer.arrayBuffer()) : answer.text()
  }
  const reader = new Reader({ issuer, keys, get })
  for await (const token of createInterface({ input: process.stdin })) {
    await reader.poll(Date.now() / 1000)
    const coveredBy = reader.coveredBy(decodeProtectedHeader(token).kid, decodeJwt(token))
    console.log(JSON.stringify({ revoked: coveredBy.length > 0, coveredBy, version: reader.version }))
  }
}

async function cases(file) {
  const tables = JSON.parse(readFileSync(file, 'utf8'))
  const coverage = tables.coverage.map((row) => {
    const reader = new Reader({})
    for (const entry of row.entries) reader.hold(key(entry.kind, entry.identifier), 1, entry.issued_before)
    return [...new Set(reader.coveredBy(row.kid, row.claims))].sort()
  })
  const { issuer, ring, jwks, now, cases: rows } = tables.feeds
  const feeds = []
  for (const row of rows) {
    const reader = new Reader({ issuer, ring, keys: createLocalJWKSet(jwks) })
    Object.assign(reader, { version: row.held.version ?? '', iat: row.held.iat ?? 0 })
    reader.held = new Map(row.held.entries.map(([name, ...dates]) => [name, dates]))
    const segment = async (digest) => (digest in row.segments ? Buffer.from(row.segments[digest], 'base64url') : undefined)
    try {
      await reader.take(row.document, now, segment)
      const entries = [...reader.held].filter(([, dates]) => dates[0] > now).map(([name, dates]) => [name, ...dates])
      feeds.push({ version: reader.version, iat: reader.iat, entries: entries.sort((a, b) => (a[0] < b[0] ? -1 : 1)) })
    } catch (error) {
      if (!error.rule) throw error
      feeds.push({ refused_by: error.rule })
    }
  }
  console.log(JSON.stringify({ keys: tables.keys.map((row) => key(row.kind, row.identifier)), coverage, feeds }))
}

const [mode, argument] = process.argv.slice(2)
await (mode === 'cases' ? cases(argument) : follow(argument))

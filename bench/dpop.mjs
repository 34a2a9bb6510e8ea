// The DPoP checks of two libraries on node, for bench/dpop.py: it reads {"name", "count"} lines and prints microseconds.
// Its packages are those of tests/clients/node.
import { createPublicKey, verify as rawVerify } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const given = JSON.parse(process.argv[2]);
const require = createRequire(given.packages);
const oauth = await import(require.resolve("oauth4webapi").replace("index.cjs", "index.js"));
const { auth } = require("express-oauth2-jwt-bearer");

const jwks = createServer((_request, response) => response.end(JSON.stringify(given.jwks)));
await new Promise((listening) => jwks.listen(0, "127.0.0.1", listening));
const jwksUri = `http://127.0.0.1:${jwks.address().port}/`;

const headers = { authorization: `DPoP ${given.token}`, dpop: given.proof };
const url = new URL(given.url);

// --- oauth4webapi: validateJwtAccessToken, with its cache of the JWKS
const as = { issuer: given.issuer, jwks_uri: jwksUri };
const options = { requireDPoP: true, [oauth.allowInsecureRequests]: true, [oauth.jwksCache]: {} };
const validate = () =>
  oauth.validateJwtAccessToken(as, new Request(given.url, { headers }), given.audience, options);

// --- express-oauth2-jwt-bearer: its middleware, without a socket
const guard = auth({ issuer: given.issuer, audience: given.audience, jwksUri });
const express = () =>
  new Promise((passed, failed) =>
    guard(
      {
        headers: { ...headers, host: url.host },
        method: "GET",
        protocol: url.protocol.slice(0, -1),
        host: url.host,
        hostname: url.hostname,
        get: (name) => (name.toLowerCase() === "host" ? url.host : headers[name.toLowerCase()]),
        originalUrl: url.pathname,
        url: url.pathname,
        query: {},
        is: () => false,
        app: { enabled: () => false },
      },
      {},
      (error) => (error ? failed(error) : passed()),
    ),
  );

// --- the verification of the proof's signature alone
const [head, payload, signature] = given.proof.split(".");
const key = createPublicKey({ key: JSON.parse(Buffer.from(head, "base64url")).jwk, format: "jwk" });
const [message, bytes] = [Buffer.from(`${head}.${payload}`), Buffer.from(signature, "base64url")];
const raw = () => {
  if (!rawVerify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, bytes)) throw new Error("refused");
};

const work = { raw, oauth4webapi: validate, "express-oauth2-jwt-bearer": express };
for await (const line of createInterface({ input: process.stdin })) {
  const { name, count } = JSON.parse(line);
  const run = work[name];
  const begin = process.cpuUsage();
  for (let done = 0; done < count; done += 1) await run();
  const { user, system } = process.cpuUsage(begin);
  console.log((user + system) / count);
}
process.exit(0);

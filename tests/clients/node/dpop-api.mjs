// An API of another project, express-oauth2-jwt-bearer, that accepts access tokens of the issuer, bound or not.
// Usage: node dpop-api.mjs '{"issuer": …, "audience": …, "url": …}'. It prints a line when it is ready.
import express from "express";
import { auth } from "express-oauth2-jwt-bearer";

const given = JSON.parse(process.argv[2]);
const app = express();
app.get("/", auth({ issuerBaseURL: given.issuer, audience: given.audience }), (request, response) => {
  response.json({ bound: "cnf" in request.auth.payload });
});
app.listen(Number(new URL(given.url).port), "127.0.0.1", () => console.log("ready"));

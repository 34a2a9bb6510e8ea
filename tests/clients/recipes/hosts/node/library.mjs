// Calls the functions of a page's block, which is recipe.mjs in the working folder, and prints what they return.
// Standard input has one line for each call: the callback URL, then names of further functions.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const recipe = await import(pathToFileURL('recipe.mjs'))
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (document) => console.log(JSON.stringify(document))

say({ go: await recipe.loginUrl() })
const claims = await recipe.logIn((await lines.next()).value)
say({ claims, access_token: recipe.accessToken() })
for await (const name of lines) {
  if (name === 'logout_url') say({ go: await recipe.logoutUrl() })
  else {
    await recipe[name]()
    say({ access_token: recipe.accessToken() })
  }
}
